//! What an issuer says of a token that it was asked about: JSON (RFC 7662), or JSON in a JWT that it signed (RFC 9701).
//!
//! The claims are judged by [`crate::oauth::request::TokenForm::Introspected`], exactly as a token's. `typ`, algorithm and signature of the token
//! itself are the issuer's word.

use crate::error::Error;
use crate::jose::algorithm::Algorithms;
use crate::jose::claims::Registered;
use crate::jose::header::is_type;
use crate::jose::jws::Compact;
use crate::jose::keys::Keys;
use crate::jose::policy::Limits;
use crate::time::{Seconds, UnixTime};
use crate::wire::json;
use crate::wire::value::Value;

/// Judges whether an answer is one, and speaks of an active token (RFC 7662 section 2.2).
///
/// # Errors
/// A shape error of its JSON; [`Error::TokenInactive`]; [`Error::LookupUnavailable`] where `active` is missing or neither `true` nor `false`.
pub fn judge_active(answer: &[u8]) -> Result<(), Error> {
    let members = json::read_value(answer)?.as_object().ok_or(Error::JsonNotObject)?;
    match members.get("active").and_then(Value::as_bool) {
        Some(true) => Ok(()),
        Some(false) => Err(Error::TokenInactive),
        None => Err(Error::LookupUnavailable),
    }
}

/// What one resource server expects of the signed answers of one issuer (RFC 9701 section 5).
#[derive(Clone, Copy, Debug)]
pub struct IntrospectionRules<'a> {
    issuer: &'a str,
    audience: &'a str,
    algorithms: Algorithms<'a>,
    keys: Keys<'a>,
    leeway: Seconds,
    limits: Limits,
}

/// How old an answer may be: it was asked for just now.
const LONGEST_WAY: Seconds = Seconds(300);

impl<'a> IntrospectionRules<'a> {
    /// Answers of `issuer` to `audience`, the identifier under which the resource server asks, signed by one of `keys`; 10 seconds of
    /// leeway, 16 KiB at most.
    ///
    /// # Errors
    /// [`Error::IssuerUnset`], [`Error::AudienceUnset`], [`Error::AlgorithmsUnset`].
    pub const fn new(issuer: &'a str, audience: &'a str, algorithms: Algorithms<'a>, keys: Keys<'a>) -> Result<Self, Error> {
        if issuer.is_empty() {
            return Err(Error::IssuerUnset);
        }
        if audience.is_empty() {
            return Err(Error::AudienceUnset);
        }
        if algorithms.is_empty() {
            return Err(Error::AlgorithmsUnset);
        }
        Ok(Self { issuer, audience, algorithms, keys, leeway: Seconds(10), limits: Limits::DEFAULT })
    }

    /// Grants the issuer's clock another difference than 10 seconds.
    #[must_use]
    pub const fn with_leeway(mut self, leeway: Seconds) -> Self {
        self.leeway = leeway;
        self
    }

    /// Bounds answers otherwise.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Judges a signed answer made for this server within the last 5 minutes, and returns the text of its `token_introspection`, an object.
    ///
    /// # Errors
    /// A shape or signature error; [`Error::TypeMismatch`], [`Error::IssuerMissing`], [`Error::IssuerMismatch`], [`Error::AudienceMissing`],
    /// [`Error::AudienceMismatch`], [`Error::IssuedAtMissing`], [`Error::TokenIssuedAhead`], [`Error::TokenExpired`] for an old one,
    /// [`Error::ClaimMissing`] and [`Error::ClaimMalformed`]: all of the answer, none of the token that was asked about.
    pub fn accept<'s>(&self, answer: &[u8], now: UnixTime, scratch: &'s mut [u8]) -> Result<&'s str, Error> {
        let unverified = Compact::parse(answer, self.limits)?.decode(self.limits, scratch)?;
        if !unverified.header().typ().is_some_and(|typ| is_type(typ, "token-introspection+jwt")) {
            return Err(Error::TypeMismatch);
        }
        let (algorithm, key) = unverified.select(self.keys, self.algorithms)?;
        unverified.judge_signature(algorithm, key)?;
        let mut registered = Registered::NONE;
        let mut token = None;
        let text = json::read_object(unverified.payload(), |member| {
            if member.name.is("token_introspection") {
                token = Some(member.value);
            } else {
                registered.take(member.name.resolved_name(&mut [0; 32]), &member)?;
            }
            Ok(())
        })?;
        registered.judge_issuer(text, self.issuer)?;
        registered.judge_audience(text, core::iter::once(self.audience))?;
        self.judge_age(&registered, now)?;
        let token = token.ok_or(Error::ClaimMissing)?;
        if token.as_object().is_none() {
            return Err(Error::ClaimMalformed);
        }
        Ok(token.raw())
    }

    fn judge_age(&self, registered: &Registered, now: UnixTime) -> Result<(), Error> {
        let made = registered.iat.ok_or(Error::IssuedAtMissing)?;
        if !made.is_reached(now.plus(self.leeway)) {
            return Err(Error::TokenIssuedAhead);
        }
        if made.floor() < now.minus(LONGEST_WAY).minus(self.leeway) {
            return Err(Error::TokenExpired);
        }
        Ok(())
    }
}
