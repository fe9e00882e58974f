//! What a credential stands for, where it is not the token itself: tickets have a counterfoil, references an issuer that knows them.

mod answers;
mod counterfoils;
mod introspection;

use std::sync::{Arc, OnceLock};

use counterfoil::Error;
use counterfoil::UnixTime;
use counterfoil::oauth::access_token::AccessToken;
use counterfoil::oauth::request::TokenForm;
use counterfoil::oauth::split_token::{Counterfoil, CounterfoilKey, KeyEncoding, Ticket};
use sha2::{Digest as _, Sha256};

use self::answers::Answers;
use crate::gateway::Trusted;

pub(crate) use self::counterfoils::SplitTokens;
pub use self::counterfoils::{CounterfoilStore, HttpsCounterfoils, Lookup};
pub(crate) use self::introspection::PhantomTokens;
pub use self::introspection::{ClientAuthentication, Introspection, IntrospectionFormat};

/// The lookups of a gateway.
#[derive(Default)]
pub(crate) struct Lookups {
    pub(crate) split: Option<SplitTokens>,
    /// And the place of the issuer that is asked.
    pub(crate) phantom: Option<(PhantomTokens, usize)>,
    pub(crate) only_references: bool,
    /// Whole tokens that were revoked, by the SHA-256 of their `jti`; made for the first of them.
    pub(crate) revoked_ids: OnceLock<Answers<()>>,
}

/// How many revoked whole tokens are remembered.
const MOST_REVOKED_IDS: usize = 64 * 1024;

/// What a credential was found to stand for.
pub(crate) enum Found {
    Whole,
    Split(Arc<[u8]>),
    Phantom(Arc<[u8]>),
    Introspected(Arc<[u8]>),
}

impl Found {
    pub(crate) fn form(&self) -> Result<TokenForm<'_>, Error> {
        Ok(match self {
            Self::Whole => TokenForm::Whole,
            Self::Split(counterfoil) => TokenForm::Split(Counterfoil::parse(counterfoil)?),
            Self::Phantom(token) => TokenForm::Phantom(token),
            Self::Introspected(answer) => TokenForm::Introspected(answer),
        })
    }

    /// Only a reference says by itself who must have issued it: whoever was asked.
    pub(crate) fn issuer(&self, lookups: &Lookups) -> Option<usize> {
        match self {
            Self::Whole | Self::Split(_) => None,
            Self::Phantom(_) | Self::Introspected(_) => lookups.phantom.as_ref().map(|(_, issuer)| *issuer),
        }
    }
}

fn is_whole(credential: &[u8]) -> bool {
    // Octets add up in octets, which the compiler turns into vectors.
    let dots = |chunk: &[u8]| usize::from(chunk.iter().fold(0_u8, |dots, byte| dots + u8::from(*byte == b'.')));
    credential.chunks(255).map(dots).sum::<usize>() == 2
}

impl Lookups {
    /// Looks `credential` up: a token with two dots is whole, what has the shape of a signature is a ticket, and the rest are references.
    pub(crate) fn find(&self, credential: &[u8], now: UnixTime, issuers: &[Trusted]) -> Result<Found, Error> {
        match (&self.split, &self.phantom) {
            (None, None) => Ok(Found::Whole),
            _ if is_whole(credential) && !self.only_references => Ok(Found::Whole),
            (Some(split), None) => split.find(Ticket::parse(credential)?, now).map(Found::Split),
            (Some(split), Some(_)) if let Ok(ticket) = Ticket::parse(credential) => split.find(ticket, now).map(Found::Split),
            (_, Some((phantom, issuer))) => phantom.find(credential, now, issuers.get(*issuer).ok_or(Error::IssuerMismatch)?),
        }
    }

    /// A counterfoil is published: it need not be looked up at first.
    pub(crate) fn publish(&self, key: &CounterfoilKey, counterfoil: &[u8], now: UnixTime) {
        self.split.iter().for_each(|split| split.publish(key, counterfoil, now));
    }

    /// Refuses a good token that its issuer has revoked by its `jti`.
    pub(crate) fn judge<'s>(&self, token: AccessToken<'s>, now: UnixTime) -> Result<AccessToken<'s>, Error> {
        let Some((revoked, jwt_id)) = self.revoked_ids.get().zip(token.jwt_id()) else { return Ok(token) };
        let mut text = String::with_capacity(jwt_id.len());
        text.extend(jwt_id.chars());
        let key = CounterfoilKey::parse(&Sha256::digest(text), KeyEncoding::Raw)?;
        if revoked.get(&key).is_some_and(|(_, until)| now < until) { Err(Error::TokenRevoked) } else { Ok(token) }
    }

    /// The issuer has revoked what the client presents whose SHA-256 is `key`, or the whole token the SHA-256 of whose `jti` it is.
    pub(crate) fn revoke(&self, key: &CounterfoilKey, until: UnixTime) {
        if self.revoked_ids.get().is_none()
            && let Ok(made) = Answers::new(MOST_REVOKED_IDS)
        {
            let _ = self.revoked_ids.set(made);
        }
        self.revoked_ids.get().into_iter().for_each(|revoked| revoked.put(key, (), until));
        self.split.iter().for_each(|split| split.revoke(key, until));
        self.phantom.iter().for_each(|(phantom, _)| phantom.revoke(key, until));
    }
}
