//! Split tokens: the counterfoil of a ticket, from whoever keeps it.

use std::sync::Arc;

use counterfoil::oauth::split_token::{CounterfoilKey, KeyEncoding, Ticket};
use counterfoil::{Error, Seconds, UnixTime};

use super::answers::Answers;
use crate::error::ConfigError;
use crate::https::{Https, Transport, https_url, push_escaped};

/// Where counterfoils are kept: over HTTPS, in Valkey or Redis, or in a store of the host's own.
pub trait CounterfoilStore: Send + Sync {
    /// Looks one up.
    ///
    /// # Errors
    /// [`Error::LookupUnavailable`] where the store cannot say.
    fn find(&self, key: &CounterfoilKey) -> Result<Lookup, Error>;
}

/// What a store says of a key.
#[derive(Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The counterfoil's text.
    Found(Vec<u8>),
    /// There is none: never issued, expired, or revoked by deletion.
    Unknown,
    /// There was one, and the issuer has revoked it.
    Revoked,
}

impl core::fmt::Debug for Lookup {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Found(_) => "Found",
            Self::Unknown => "Unknown",
            Self::Revoked => "Revoked",
        })
    }
}

/// The counterfoils that a gateway has seen, and where to find others.
pub(crate) struct SplitTokens {
    store: Arc<dyn CounterfoilStore>,
    fresh: Seconds,
    known: Option<Answers<Arc<[u8]>>>,
    revoked: Answers<()>,
}

/// How many counterfoils, of some 700 bytes each, are remembered.
const MOST_KNOWN: usize = 16 * 1024;
const MOST_REVOKED: usize = 16 * 1024;

impl SplitTokens {
    pub(crate) fn new(store: Arc<dyn CounterfoilStore>, fresh: Seconds) -> Result<Self, Error> {
        let known = if fresh.0 == 0 { None } else { Some(Answers::new(MOST_KNOWN)?) };
        Ok(Self { store, fresh, known, revoked: Answers::new(MOST_REVOKED)? })
    }

    /// A counterfoil that was found is taken from memory while it is fresh, and then asked for again, because it may have been revoked. While
    /// the store cannot say, the last answer counts: the engine refuses it when its token has expired.
    pub(super) fn find(&self, ticket: Ticket<'_>, now: UnixTime) -> Result<Arc<[u8]>, Error> {
        let key = ticket.key();
        if self.revoked.get(&key).is_some_and(|(_, until)| now < until) {
            return Err(Error::TokenRevoked);
        }
        let known = self.known.as_ref().and_then(|known| known.get(&key));
        match (self.ask_unless_fresh(&key, known.as_ref(), now), known) {
            (Ok(None) | Err(Error::LookupUnavailable), Some((counterfoil, _))) => Ok(counterfoil),
            (Ok(Some(counterfoil)), _) => Ok(counterfoil),
            (Ok(None), None) => Err(Error::LookupUnavailable),
            (Err(error), _) => Err(error),
        }
    }

    /// What the store says; `None` where what is known is fresh.
    fn ask_unless_fresh(
        &self,
        key: &CounterfoilKey,
        known: Option<&(Arc<[u8]>, UnixTime)>,
        now: UnixTime,
    ) -> Result<Option<Arc<[u8]>>, Error> {
        if known.is_some_and(|(_, until)| now < *until) {
            return Ok(None);
        }
        let gone = match self.store.find(key)? {
            Lookup::Found(text) => {
                let counterfoil: Arc<[u8]> = text.into();
                if let Some(memory) = &self.known {
                    memory.put(key, counterfoil.clone(), now.plus(self.fresh));
                }
                return Ok(Some(counterfoil));
            }
            Lookup::Unknown => Error::TicketUnknown,
            Lookup::Revoked => Error::TokenRevoked,
        };
        self.known.iter().for_each(|known| known.remove(key));
        Err(gone)
    }

    /// A counterfoil that was found without being asked for: as fresh as one that was, because what tells of it may fall silent.
    pub(super) fn publish(&self, key: &CounterfoilKey, counterfoil: &[u8], now: UnixTime) {
        self.known.iter().for_each(|known| known.put(key, counterfoil.into(), now.plus(self.fresh)));
    }

    pub(super) fn revoke(&self, key: &CounterfoilKey, until: UnixTime) {
        self.revoked.put(key, (), until);
        self.known.iter().for_each(|known| known.remove(key));
    }
}

/// Counterfoils behind an https URL: `GET base/key` answers 200 with the text, 404, or 410 for a revoked one.
pub struct HttpsCounterfoils {
    base: String,
    /// With its question mark, if there is one.
    query: String,
    encoding: KeyEncoding,
    bearer: Option<String>,
    https: Https,
}

/// As long as the longest token.
const LARGEST: usize = 64 * 1024;

impl HttpsCounterfoils {
    /// Looks up below `base`, with keys in base64url, proving who asks by the transport's certificate, if it has one. A query of `base` stands
    /// behind every key: `?client_id=gateway` for `counterfoil-server` (RFC 8705 section 2).
    ///
    /// # Errors
    /// [`Error::AddressMalformed`], also for a query that ends in `=`, where no key will be put; [`Error::MaterialUnusable`].
    pub fn new(base: &str, transport: &Transport) -> Result<Self, ConfigError> {
        let url = https_url(base)?;
        if url.contains('?') && url.ends_with('=') {
            return Err(ConfigError::new(Error::AddressMalformed, "keys go into the path, not into the query"));
        }
        let (base, query) = url.split_at(url.find('?').unwrap_or(url.len()));
        let (base, query) = (base.trim_end_matches('/').to_owned(), query.to_owned());
        Ok(Self { base, query, encoding: KeyEncoding::Base64url, bearer: None, https: Https::new(transport, LARGEST)? })
    }

    /// Spells keys otherwise: what does not fit in a URL is escaped.
    #[must_use]
    pub const fn with_encoding(mut self, encoding: KeyEncoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Proves who asks by this bearer token.
    #[must_use]
    pub fn with_bearer(mut self, token: &str) -> Self {
        self.bearer = Some(format!("Bearer {token}"));
        self
    }
}

impl CounterfoilStore for HttpsCounterfoils {
    fn find(&self, key: &CounterfoilKey) -> Result<Lookup, Error> {
        let mut encoded = [0; 64];
        let mut url = format!("{}/", self.base);
        push_escaped(&mut url, key.encode(self.encoding, &mut encoded)?);
        url.push_str(&self.query);
        let bearer = self.bearer.as_deref().map(|bearer| ("authorization", bearer));
        let answer = self.https.get(&url, bearer.as_slice()).map_err(|_| Error::LookupUnavailable)?;
        match answer.status {
            200 => Ok(Lookup::Found(answer.body)),
            404 => Ok(Lookup::Unknown),
            410 => Ok(Lookup::Revoked),
            _ => Err(Error::LookupUnavailable),
        }
    }
}

impl core::fmt::Debug for HttpsCounterfoils {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("HttpsCounterfoils").field("base", &self.base).finish_non_exhaustive()
    }
}
