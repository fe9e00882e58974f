//! The registered claims (RFC 7519 section 4.1), each absent, good or bad; a bad one always refuses the token.

use crate::error::Error;
use crate::time::{NumericDate, Seconds, UnixTime};
use crate::wire::json::Member;
use crate::wire::value::{Span, Str, Value};

/// Where the registered claims stand in a payload, with the dates read. Plain data.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct Registered {
    pub(crate) iss: Span,
    pub(crate) sub: Span,
    pub(crate) aud: Span,
    pub(crate) jti: Span,
    pub(crate) exp: Option<NumericDate>,
    pub(crate) nbf: Option<NumericDate>,
    pub(crate) iat: Option<NumericDate>,
}

impl Registered {
    pub(crate) const NONE: Self =
        Self { iss: Span::NONE, sub: Span::NONE, aud: Span::NONE, jti: Span::NONE, exp: None, nbf: None, iat: None };

    /// Remembers `member`, called `name`, if it is a registered claim; says whether it was.
    pub(crate) fn take(&mut self, name: &str, member: &Member<'_>) -> Result<bool, Error> {
        match name.as_bytes() {
            b"iss" => self.iss = string(member)?,
            b"sub" => self.sub = string(member)?,
            b"aud" => self.aud = audience(member)?,
            b"jti" => self.jti = string(member)?,
            b"exp" => self.exp = Some(date(member)?),
            b"nbf" => self.nbf = Some(date(member)?),
            b"iat" => self.iat = Some(date(member)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `iss` must be exactly `issuer` (RFC 9068 section 4).
    pub(crate) fn judge_issuer(&self, text: &str, issuer: &str) -> Result<(), Error> {
        let own = string_at(self.iss, text).ok_or(Error::IssuerMissing)?;
        if own.is(issuer) { Ok(()) } else { Err(Error::IssuerMismatch) }
    }

    /// `aud`, a string or an array of strings, must hold one of `accepted` exactly (RFC 7519 section 4.1.3).
    pub(crate) fn judge_audience<'a>(&self, text: &str, accepted: impl Iterator<Item = &'a str> + Clone) -> Result<(), Error> {
        let aud = self.aud.in_document(text).ok_or(Error::AudienceMissing)?;
        let is_accepted = |own: Str<'_>| accepted.clone().any(|audience| own.is(audience));
        if audiences(aud).any(is_accepted) { Ok(()) } else { Err(Error::AudienceMismatch) }
    }

    /// `now < exp + leeway`, `nbf <= now + leeway`, `iat <= now + leeway`.
    pub(crate) fn judge_times(&self, now: UnixTime, leeway: Seconds) -> Result<(), Error> {
        if !self.exp.ok_or(Error::ExpiryMissing)?.is_after(now.minus(leeway)) {
            return Err(Error::TokenExpired);
        }
        let soon = now.plus(leeway);
        if self.nbf.is_some_and(|nbf| !nbf.is_reached(soon)) {
            return Err(Error::TokenNotYetValid);
        }
        if self.iat.is_some_and(|iat| !iat.is_reached(soon)) {
            return Err(Error::TokenIssuedAhead);
        }
        Ok(())
    }
}

/// The string at a span, if there is one.
pub(crate) fn string_at(span: Span, text: &str) -> Option<Str<'_>> {
    span.in_document(text)?.as_str()
}

/// The audiences of an `aud` that [`Registered::take`] has accepted.
pub(crate) fn audiences(aud: Value<'_>) -> impl Iterator<Item = Str<'_>> {
    aud.as_str().into_iter().chain(aud.as_array().into_iter().flatten().filter_map(Value::as_str))
}

#[inline(always)]
pub(crate) fn string(member: &Member<'_>) -> Result<Span, Error> {
    if member.value.is_str() { Span::of(member).ok_or(Error::ClaimMalformed) } else { Err(Error::ClaimMalformed) }
}

#[inline(always)]
pub(crate) fn date(member: &Member<'_>) -> Result<NumericDate, Error> {
    member.value.as_numeric_date().ok_or(Error::ClaimMalformed)
}

fn audience(member: &Member<'_>) -> Result<Span, Error> {
    let well_formed = member.value.is_str() || member.value.is_array_of_strings();
    if well_formed { Span::of(member).ok_or(Error::ClaimMalformed) } else { Err(Error::ClaimMalformed) }
}
