//! JWT-secured authorization responses, as the client that asked for one must judge them (JARM section 2.4, FAPI 2.0 Message Signing).

use crate::error::Error;
use crate::jose::algorithm::Algorithms;
use crate::jose::claims::Registered;
use crate::jose::header::TokenType;
use crate::jose::jws::Compact;
use crate::jose::keys::Keys;
use crate::jose::policy::Limits;
use crate::time::{Seconds, UnixTime};
use crate::wire::form;
use crate::wire::json::{self, Member};
use crate::wire::value::Str;

/// What one client expects of one authorization server.
#[derive(Clone, Copy, Debug)]
pub struct ResponseRules<'a> {
    issuer: &'a str,
    client_id: &'a str,
    algorithms: Algorithms<'a>,
    keys: Keys<'a>,
    leeway: Seconds,
    limits: Limits,
}

/// Whether `state` was sent.
#[derive(Clone, Copy, Debug)]
pub enum SentState<'a> {
    /// The request had this `state`; the response must have it too.
    Sent(&'a str),
    /// The request had no `state`; the response must have none.
    None,
}

/// A response that was accepted.
#[derive(Clone, Copy, Debug)]
pub enum AuthorizationResponse<'s> {
    /// The authorization code (RFC 6749 section 4.1.2).
    Code(Str<'s>),
    /// The refusal (RFC 6749 section 4.1.2.1).
    Error {
        /// `error`.
        error: Str<'s>,
        /// `error_description`, for people.
        description: Option<Str<'s>>,
        /// `error_uri`, for people.
        uri: Option<Str<'s>>,
    },
}

/// Responses may live this long (JARM section 2.1), as the server's clock tells: the leeway comes on top.
const LONGEST_LIFE: Seconds = Seconds(600);

impl<'a> ResponseRules<'a> {
    /// Responses of `issuer` to `client_id`, signed by one of `keys`, with 10 seconds of leeway.
    ///
    /// # Errors
    /// [`Error::IssuerUnset`], [`Error::ClientIdUnset`], [`Error::AlgorithmsUnset`].
    pub const fn new(issuer: &'a str, client_id: &'a str, algorithms: Algorithms<'a>, keys: Keys<'a>) -> Result<Self, Error> {
        if issuer.is_empty() {
            return Err(Error::IssuerUnset);
        }
        if client_id.is_empty() {
            return Err(Error::ClientIdUnset);
        }
        if algorithms.is_empty() {
            return Err(Error::AlgorithmsUnset);
        }
        Ok(Self { issuer, client_id, algorithms, keys, leeway: Seconds(10), limits: Limits::DEFAULT })
    }

    /// Grants the server's clock another difference than 10 seconds.
    #[must_use]
    pub const fn with_leeway(mut self, leeway: Seconds) -> Self {
        self.leeway = leeway;
        self
    }

    /// Judges the parameters of a redirect (what stood behind `?` or `#`, or a form body): the one `response`, and nothing plain beside it.
    ///
    /// # Errors
    /// [`Error::ResponseMissing`], [`Error::ResponseParameters`], or as [`ResponseRules::accept`].
    pub fn accept_query<'s>(
        &self,
        query: &str,
        state: SentState<'_>,
        now: UnixTime,
        scratch: &'s mut [u8],
    ) -> Result<AuthorizationResponse<'s>, Error> {
        self.accept(response_parameter(query)?.as_bytes(), state, now, scratch)
    }

    /// Judges a response JWT. `scratch` holds what is decoded: [`Limits::scratch`] bytes always suffice.
    ///
    /// # Errors
    /// A shape, signature or 600-family error; [`Error::StateUnset`] for an empty sent state.
    pub fn accept<'s>(
        &self,
        response: &[u8],
        state: SentState<'_>,
        now: UnixTime,
        scratch: &'s mut [u8],
    ) -> Result<AuthorizationResponse<'s>, Error> {
        if matches!(state, SentState::Sent("")) {
            return Err(Error::StateUnset);
        }
        let unverified = Compact::parse(response, self.limits)?.decode(self.limits, scratch)?;
        // JARM names no media type: its JWTs have none, or the general one.
        if ![TokenType::Absent, TokenType::Named("JWT")].iter().any(|typ| typ.admits(unverified.header().typ())) {
            return Err(Error::ResponseType);
        }
        let (algorithm, key) = unverified.select(self.keys, self.algorithms)?;
        let claims = ResponseClaims::read(unverified.payload())?;
        self.judge_claims(&claims, now)?;
        unverified.judge_signature(algorithm, key)?;
        claims.judge_state(state)?;
        claims.outcome()
    }

    fn judge_claims(&self, claims: &ResponseClaims<'_>, now: UnixTime) -> Result<(), Error> {
        let registered = &claims.registered;
        registered.judge_issuer(claims.text, self.issuer).map_err(|_| Error::ResponseIssuer)?;
        registered.judge_audience(claims.text, core::iter::once(self.client_id)).map_err(|_| Error::ResponseAudience)?;
        registered.judge_times(now, self.leeway).map_err(|_| Error::ResponseExpired)?;
        let latest = now.plus(LONGEST_LIFE).plus(self.leeway);
        if registered.exp.is_some_and(|exp| !exp.is_reached(latest)) {
            return Err(Error::ResponseLifetime);
        }
        Ok(())
    }
}

/// The one `response` among the parameters of a redirect.
///
/// # Errors
/// [`Error::ResponseMissing`], [`Error::ResponseParameters`].
pub fn response_parameter(query: &str) -> Result<&str, Error> {
    /// Parameters that would be believed if the response were not signed.
    const PLAIN: [&str; 10] =
        ["code", "state", "error", "error_description", "error_uri", "iss", "id_token", "access_token", "token_type", "expires_in"];
    let mut responses = form::parameters(query).filter(|parameter| parameter.is("response"));
    let response = responses.next();
    let is_plain = |parameter: form::Parameter<'_>| PLAIN.iter().any(|name| parameter.is(name));
    if responses.next().is_some() || (response.is_some() && form::parameters(query).any(is_plain)) {
        return Err(Error::ResponseParameters);
    }
    Ok(response.ok_or(Error::ResponseMissing)?.value())
}

struct ResponseClaims<'s> {
    text: &'s str,
    registered: Registered,
    code: Option<Str<'s>>,
    state: Option<Str<'s>>,
    error: Option<Str<'s>>,
    description: Option<Str<'s>>,
    uri: Option<Str<'s>>,
}

impl<'s> ResponseClaims<'s> {
    #[inline(never)]
    fn read(payload: &'s [u8]) -> Result<Self, Error> {
        let mut registered = Registered::NONE;
        let (mut code, mut state, mut error, mut description, mut uri) = (None, None, None, None, None);
        let text = json::read_object(payload, |member| {
            match member.name.resolved_name(&mut [0; 32]) {
                "code" => code = Some(text_of(member)?),
                "state" => state = Some(text_of(member)?),
                "error" => error = Some(text_of(member)?),
                "error_description" => description = Some(text_of(member)?),
                "error_uri" => uri = Some(text_of(member)?),
                name => {
                    registered.take(name, &member).map_err(|_| Error::ResponseClaimMalformed)?;
                }
            }
            Ok(())
        })?;
        Ok(Self { text, registered, code, state, error, description, uri })
    }

    fn judge_state(&self, sent: SentState<'_>) -> Result<(), Error> {
        match (sent, self.state) {
            (SentState::Sent(sent), Some(state)) if state.is(sent) => Ok(()),
            (SentState::None, None) => Ok(()),
            _ => Err(Error::ResponseState),
        }
    }

    fn outcome(&self) -> Result<AuthorizationResponse<'s>, Error> {
        match (self.code, self.error) {
            (Some(_), Some(_)) => Err(Error::ResponseAmbiguous),
            (Some(code), None) => Ok(AuthorizationResponse::Code(code)),
            (None, Some(error)) => Ok(AuthorizationResponse::Error { error, description: self.description, uri: self.uri }),
            (None, None) => Err(Error::ResponseEmpty),
        }
    }
}

fn text_of<'s>(member: Member<'s>) -> Result<Str<'s>, Error> {
    member.value.as_str().filter(|text| !text.is_empty()).ok_or(Error::ResponseClaimMalformed)
}
