//! JARM responses for a client whose server's keys rotate.

use core::time::Duration;

use counterfoil::jose::algorithm::Algorithm;
use counterfoil::jose::policy::Limits;
use counterfoil::oauth::issuer::claimed_kid;
use counterfoil::oauth::jarm::{AuthorizationResponse, ResponseRules, SentState, response_parameter};
use counterfoil::oauth::request::TokenForm;
use counterfoil::wire::value::Str;
use counterfoil::{Error, Seconds, UnixTime};

use crate::error::ConfigError;
use crate::keys::{KeyRing, KeySource};

/// Judges the responses of one authorization server to one client.
#[derive(Debug)]
pub struct ResponseVerifier {
    issuer: String,
    client_id: String,
    algorithms: Vec<&'static dyn Algorithm>,
    keys: KeyRing,
    leeway: Seconds,
    patience: Duration,
}

/// An accepted response's parameters, in memory of their own.
#[derive(Clone, PartialEq, Eq)]
pub enum Response {
    /// The authorization code (RFC 6749 section 4.1.2).
    Code(String),
    /// The refusal (RFC 6749 section 4.1.2.1).
    Error {
        /// `error`.
        error: String,
        /// `error_description`, for people.
        description: Option<String>,
        /// `error_uri`, for people.
        uri: Option<String>,
    },
}

/// A code is a secret until it is redeemed.
impl core::fmt::Debug for Response {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Code(_) => f.write_str("Code(…)"),
            Self::Error { error, .. } => write!(f, "Error({error:?})"),
        }
    }
}

/// What came back from the server.
#[derive(Clone, Copy)]
pub enum Returned<'r> {
    /// The parameter `response`.
    Jwt(&'r [u8]),
    /// All parameters of the redirect (what stood behind `?` or `#`, or a form body): the one `response`, and nothing plain beside it.
    Query(&'r str),
}

impl ResponseVerifier {
    /// Responses of `issuer` to `client_id`, signed by one of its keys, with 10 seconds of leeway.
    ///
    /// # Errors
    /// [`Error::IssuerUnset`], [`Error::ClientIdUnset`], [`Error::AlgorithmsUnset`]; for keys, as [`KeyRing::start`].
    pub fn new(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        algorithms: &[&'static dyn Algorithm],
        keys: &KeySource,
    ) -> Result<Self, ConfigError> {
        let (issuer, client_id, algorithms) = (issuer.into(), client_id.into(), algorithms.to_vec());
        ResponseRules::new(&issuer, &client_id, &algorithms, crate::gateway::NO_KEYS.keys())?;
        let keys = KeyRing::start(keys, &algorithms, 0)?;
        Ok(Self { issuer, client_id, algorithms, keys, leeway: Seconds(10), patience: Duration::ZERO })
    }

    /// Grants the server's clock another difference than 10 seconds.
    #[must_use]
    pub const fn with_leeway(mut self, leeway: Seconds) -> Self {
        self.leeway = leeway;
        self
    }

    /// Lets a response that names an unknown key wait so long until the keys were fetched again: not at all by default.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Judges a response to a request that was sent with this `state`.
    ///
    /// # Errors
    /// As [`ResponseRules::accept`] and [`ResponseRules::accept_query`]; [`Error::LookupUnavailable`] while there are no keys.
    pub fn accept(&self, returned: Returned<'_>, state: SentState<'_>, now: UnixTime) -> Result<Response, Error> {
        let response = match returned {
            Returned::Jwt(response) => response,
            Returned::Query(query) => response_parameter(query)?.as_bytes(),
        };
        match self.judge(response, state, now) {
            Err(Error::KeyUnknown) if self.miss(response) => self.judge(response, state, now),
            judged => judged,
        }
    }

    fn judge(&self, response: &[u8], state: SentState<'_>, now: UnixTime) -> Result<Response, Error> {
        let keys = self.keys.load();
        let keys = keys.as_deref().ok_or(Error::LookupUnavailable)?.keys();
        let rules = ResponseRules::new(&self.issuer, &self.client_id, &self.algorithms, keys)?.with_leeway(self.leeway);
        Ok(match rules.accept(response, state, now, &mut scratch())? {
            AuthorizationResponse::Code(code) => Response::Code(code.to_string()),
            AuthorizationResponse::Error { error, description, uri } => Response::Error {
                error: error.to_string(),
                description: description.map(|text| text.to_string()),
                uri: uri.map(|text| text.to_string()),
            },
        })
    }

    /// The response names a key that the set lacks: as for an access token.
    fn miss(&self, response: &[u8]) -> bool {
        let miss = |kid: Option<Str<'_>>| self.keys.miss(kid.map(Str::raw), self.patience);
        claimed_kid(TokenForm::Whole, response, Limits::DEFAULT, &mut scratch(), miss).unwrap_or(false)
    }
}

fn scratch() -> Vec<u8> {
    vec![0; Limits::DEFAULT.scratch()]
}
