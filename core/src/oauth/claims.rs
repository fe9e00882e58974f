//! The claims of an access token: where they stand in its payload, with types judged (RFC 9068 section 2.2).

use crate::error::Error;
use crate::jose::claims::{Registered, date, string, string_at};
use crate::oauth::confirmation::{Bound, Confirmation};
use crate::time::{NumericDate, Seconds, UnixTime};
use crate::wire::json;
use crate::wire::value::{Span, Value};

/// What a payload says, without any judgement on whether it holds. Plain data: any bytes are some claims.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct TokenClaims {
    pub(crate) registered: Registered,
    pub(crate) client_id: Span,
    pub(crate) scope: Span,
    pub(crate) acr: Span,
    pub(crate) auth_time: Option<NumericDate>,
    pub(crate) bound: Bound,
    pub(crate) authorization_details: Span,
}

impl TokenClaims {
    /// Those of an empty object.
    pub(crate) const NONE: Self = Self {
        registered: Registered::NONE,
        client_id: Span::NONE,
        scope: Span::NONE,
        acr: Span::NONE,
        auth_time: None,
        bound: Bound::NONE,
        authorization_details: Span::NONE,
    };

    /// Reads a decoded payload in one pass, into what was empty, and returns its text. Kept out of its caller, so that the scanner's stack
    /// is free again under the signature.
    #[inline(never)]
    pub(crate) fn read<'s>(&mut self, payload: &'s [u8]) -> Result<&'s str, Error> {
        let mut short = [0; 32];
        json::read_object(payload, |member| {
            let name = member.name.resolved_name(&mut short);
            match name.as_bytes() {
                b"client_id" => self.client_id = string(&member)?,
                b"scope" => self.scope = string(&member)?,
                b"acr" => self.acr = string(&member)?,
                b"auth_time" => self.auth_time = Some(date(&member)?),
                b"cnf" => self.bound = Bound::to(Confirmation::read(member.value)?),
                b"authorization_details" => {
                    member.value.as_array().ok_or(Error::ClaimMalformed)?;
                    self.authorization_details = Span::of(&member).ok_or(Error::ClaimMalformed)?;
                }
                _ => {
                    self.registered.take(name, &member)?;
                }
            }
            Ok(())
        })
    }

    /// Every claim that `required` names must be there; each of RFC 9068's has its own error.
    pub(crate) fn judge_presence(&self, text: &str, required: &[&str]) -> Result<(), Error> {
        let registered = &self.registered;
        for name in required {
            let (present, error) = match *name {
                "sub" => (registered.sub.is_present(), Error::SubjectMissing),
                "client_id" => (self.client_id.is_present(), Error::ClientIdMissing),
                "iat" => (registered.iat.is_some(), Error::IssuedAtMissing),
                "jti" => (registered.jti.is_present(), Error::JwtIdMissing),
                // `iss`, `aud` and `exp` have been judged: no profile can do without them.
                "iss" | "aud" | "exp" => continue,
                other => (claim_of(text, other).is_some(), Error::ClaimMissing),
            };
            if !present {
                return Err(error);
            }
        }
        Ok(())
    }

    pub(crate) fn judge_demands(&self, text: &str, demands: &Demands<'_>, now: UnixTime, leeway: Seconds) -> Result<(), Error> {
        let scope = string_at(self.scope, text);
        if !demands.scopes.iter().all(|wanted| scope.is_some_and(|scope| scope.has_word(wanted))) {
            return Err(Error::ScopeInsufficient);
        }
        let acr = string_at(self.acr, text);
        if !demands.acr_values.is_empty() && !demands.acr_values.iter().any(|accepted| acr.is_some_and(|acr| acr.is(accepted))) {
            return Err(Error::AuthenticationContext);
        }
        if let Some(max_age) = demands.max_age {
            let oldest = now.minus(max_age).minus(leeway);
            if !self.auth_time.is_some_and(|time| time.floor() >= oldest && time.is_reached(now.plus(leeway))) {
                return Err(Error::AuthenticationAge);
            }
        }
        Ok(())
    }
}

/// What one resource asks for beyond a good token: the default asks for nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Demands<'a> {
    /// Scopes that must all be in `scope` (RFC 6750 section 3.1).
    pub scopes: &'a [&'a str],
    /// Authentication contexts, one of which must be `acr`; none are demanded when empty (RFC 9470).
    pub acr_values: &'a [&'a str],
    /// How long ago `auth_time` may lie (RFC 9470).
    pub max_age: Option<Seconds>,
}

/// The claim called `name` in a checked payload.
pub(crate) fn claim_of<'s>(text: &'s str, name: &str) -> Option<Value<'s>> {
    Value::new(text.trim_ascii()).as_object()?.get(name)
}
