//! The life of a compact JWS: `Compact` (shape) → `Unverified` (header read) → `Verified` (signature judged).

use crate::error::Error;
use crate::jose::algorithm::{self, Algorithm, Algorithms, Signature};
use crate::jose::header::Header;
use crate::jose::keys::{FoundKey, Keys};
use crate::jose::last_header::LastHeader;
use crate::jose::policy::Limits;
use crate::wire::base64url;
use crate::wire::json;
use crate::wire::search;
use crate::wire::value::Value;

/// Three segments of text between dots, none of them decoded yet (RFC 7515 section 7.1).
#[derive(Clone, Copy)]
pub struct Compact<'a> {
    signing_input: &'a [u8],
    header: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Compact<'a> {
    /// Finds the segments of `token` in one pass.
    ///
    /// # Errors
    /// [`Error::TokenTooLarge`], [`Error::TokenEncrypted`] for five segments, [`Error::TokenNotCompact`] for any other number.
    pub fn parse(token: &'a [u8], limits: Limits) -> Result<Self, Error> {
        if token.len() > limits.token() {
            return Err(Error::TokenTooLarge);
        }
        let (header, rest) = at_dot(token).ok_or(Error::TokenNotCompact)?;
        let (payload, signature) = at_dot(rest).ok_or(Error::TokenNotCompact)?;
        if search::position(signature, b'.').is_some() {
            let dots = token.iter().filter(|byte| **byte == b'.').take(5).count();
            return Err(if dots == 4 { Error::TokenEncrypted } else { Error::TokenNotCompact });
        }
        let end = token.len().saturating_sub(signature.len()).saturating_sub(1);
        let signing_input = token.get(..end).ok_or(Error::TokenNotCompact)?;
        Ok(Self { signing_input, header, payload, signature })
    }

    /// Takes the two halves of a split token as they are: a signing input and a signature segment that were never joined.
    pub(crate) fn from_halves(signing_input: &'a [u8], signature: &'a [u8], limits: Limits) -> Result<Self, Error> {
        if signing_input.len().saturating_add(signature.len()) >= limits.token() {
            return Err(Error::TokenTooLarge);
        }
        let (header, payload) = at_dot(signing_input).ok_or(Error::CounterfoilMalformed)?;
        if search::position(payload, b'.').is_some() {
            return Err(Error::CounterfoilMalformed);
        }
        Ok(Self { signing_input, header, payload, signature })
    }

    /// The first two segments with the dot between them: what was signed.
    pub(crate) const fn signing_input(&self) -> &'a [u8] {
        self.signing_input
    }

    /// The signature segment's text.
    pub(crate) const fn signature(&self) -> &'a [u8] {
        self.signature
    }

    /// Decodes the segments into `scratch` and reads the header. Nothing can be read out of the result but the header.
    ///
    /// # Errors
    /// What is wrong with the encoding or the header; [`Error::BufferTooSmall`] when `scratch` is shorter than
    /// [`Limits::scratch`] of this token's length.
    pub fn decode<'s>(&self, limits: Limits, scratch: &'s mut [u8]) -> Result<Unverified<'a, 's>, Error> {
        self.decode_reading(limits, scratch, |header| Header::read(header, |_| Ok(())))
    }

    /// As [`Compact::decode`], without decoding a header that is remembered.
    pub(crate) fn decode_after<'s>(
        &self,
        limits: Limits,
        scratch: &'s mut [u8],
        last: Option<&LastHeader>,
    ) -> Result<Unverified<'a, 's>, Error> {
        let Some(last) = last.filter(|last| last.holds(self.header)) else { return self.decode(limits, scratch) };
        self.judge_header_length(limits)?;
        let (header, rest) = last.recall(scratch)?;
        self.decode_behind(header, rest)
    }

    /// Decodes the segments; `read` says what the header is.
    pub(crate) fn decode_reading<'s>(
        &self,
        limits: Limits,
        scratch: &'s mut [u8],
        read: impl FnOnce(&'s [u8]) -> Result<Header<'s>, Error>,
    ) -> Result<Unverified<'a, 's>, Error> {
        self.judge_header_length(limits)?;
        let (header, rest) = base64url::decode(self.header, scratch)?;
        self.decode_behind(read(header)?, rest)
    }

    fn judge_header_length(&self, limits: Limits) -> Result<(), Error> {
        let is_too_long = base64url::decoded_length(self.header.len()).is_some_and(|length| length > limits.header());
        if is_too_long { Err(Error::HeaderTooLarge) } else { Ok(()) }
    }

    /// Decodes the segments behind the header.
    fn decode_behind<'s>(&self, header: Header<'s>, scratch: &'s mut [u8]) -> Result<Unverified<'a, 's>, Error> {
        let (payload, rest) = base64url::decode(self.payload, scratch)?;
        let (signature, _) = base64url::decode(self.signature, rest)?;
        Ok(Unverified { signing_input: self.signing_input, header, payload, signature })
    }
}

/// What stands before and behind the first dot.
pub(crate) fn at_dot(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = search::position(text, b'.')?;
    let (before, after) = text.split_at_checked(dot)?;
    Some((before, after.get(1..)?))
}

/// A decoded token whose signature has not been judged. Its claims cannot be read: there is no method.
///
/// ```compile_fail,E0599
/// # fn f(unverified: counterfoil::jose::jws::Unverified<'_, '_>) {
/// let claims = unverified.claims();
/// # }
/// ```
pub struct Unverified<'t, 's> {
    signing_input: &'t [u8],
    header: Header<'s>,
    payload: &'s [u8],
    signature: &'s [u8],
}

impl<'s> Unverified<'_, 's> {
    /// The header, which only says what the sender wants to be believed.
    #[must_use]
    pub const fn header(&self) -> &Header<'s> {
        &self.header
    }

    /// Judges the signature by the key of the set that the header names.
    ///
    /// # Errors
    /// A 200-family error, or what is wrong with the payload's JSON.
    pub fn verify(&self, keys: Keys<'_>, algorithms: Algorithms<'_>) -> Result<Verified<'s>, Error> {
        let (algorithm, key) = self.select(keys, algorithms)?;
        self.judge_signature(algorithm, key)?;
        let payload = json::read_value(self.payload)?;
        if payload.as_object().is_none() {
            return Err(Error::JsonNotObject);
        }
        Ok(Verified { header: self.header, payload })
    }

    /// The listed algorithm and the key that the header asks for.
    pub(crate) fn select<'k>(&self, keys: Keys<'k>, algorithms: Algorithms<'k>) -> Result<(&'k dyn Algorithm, FoundKey<'k>), Error> {
        let algorithm = algorithm::named(algorithms, self.header.alg()).ok_or(Error::AlgorithmRefused)?;
        Ok((algorithm, keys.find(self.header.kid(), algorithm)?))
    }

    pub(crate) fn judge_signature(&self, algorithm: &dyn Algorithm, key: FoundKey<'_>) -> Result<(), Error> {
        algorithm.verify_prepared(key.public, key.prepared, self.signing_input, self.signature)
    }

    /// The signature, to be judged with others.
    pub(crate) fn signature<'a>(&'a self, algorithm: &'a dyn Algorithm, key: FoundKey<'a>, number: usize) -> Signature<'a> {
        Signature {
            algorithm,
            key: key.public,
            prepared: key.prepared,
            message: self.signing_input,
            signature: self.signature,
            verdict: Err(Error::SignatureInvalid),
            number,
        }
    }

    /// Remembers the header, whose signature was good.
    pub(crate) fn remember_in(&self, last: &mut LastHeader) {
        last.remember(self.signing_input, &self.header);
    }

    /// The payload, for cheap checks that may only refuse; nothing of it leaves the engine before the signature is good.
    pub(crate) const fn payload(&self) -> &'s [u8] {
        self.payload
    }
}

/// A token whose signature is good: evidence that a trusted key signed these claims, and nothing about whom they are for.
#[derive(Clone, Copy, Debug)]
pub struct Verified<'s> {
    header: Header<'s>,
    payload: Value<'s>,
}

impl<'s> Verified<'s> {
    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header<'s> {
        &self.header
    }

    /// The claims, an object.
    #[must_use]
    pub const fn claims(&self) -> Value<'s> {
        self.payload
    }
}
