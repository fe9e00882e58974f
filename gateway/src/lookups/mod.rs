//! What a credential stands for, where it is not the token itself: tickets have a counterfoil, references an issuer that knows them.

mod answers;
mod counterfoils;
mod introspection;

use std::sync::Arc;

use counterfoil::Error;
use counterfoil::UnixTime;
use counterfoil::oauth::request::TokenForm;
use counterfoil::oauth::split_token::{Counterfoil, CounterfoilKey, Ticket};

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
}

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

    /// The issuer has revoked what the client presents whose SHA-256 is `key`.
    pub(crate) fn revoke(&self, key: &CounterfoilKey, until: UnixTime) {
        self.split.iter().for_each(|split| split.revoke(key, until));
        self.phantom.iter().for_each(|(phantom, _)| phantom.revoke(key, until));
    }
}
