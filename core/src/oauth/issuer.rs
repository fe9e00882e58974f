//! Which issuer a token says it is from, where a server trusts several: it chooses the verifier, which judges `iss` again.

use crate::error::Error;
use crate::jose::policy::Limits;
use crate::oauth::request::{Basis, TokenForm};
use crate::wire::json;
use crate::wire::value::Str;

/// The place in `issuers` of the one that the token's `iss` names exactly. Says nothing else of the token, none of which has been judged.
///
/// A server of one issuer needs no choice, and no second look at the payload. Keys are looked up in the chosen issuer's set alone: a
/// `kid` means nothing across issuers.
///
/// # Errors
/// A shape error, in the order of [`Verifier::accept`](crate::oauth::verifier::Verifier::accept); [`Error::ClaimMalformed`],
/// [`Error::IssuerMissing`]; [`Error::IssuerMismatch`] when it is none of them; [`Error::BufferTooSmall`].
pub fn claimed_issuer<'i>(
    form: TokenForm<'_>,
    credential: &[u8],
    issuers: impl IntoIterator<Item = &'i str>,
    limits: Limits,
    scratch: &mut [u8],
) -> Result<usize, Error> {
    let place = |issuer: Str<'_>| issuers.into_iter().position(|own| issuer.is(own)).ok_or(Error::IssuerMismatch);
    lend_issuer(form, credential, limits, scratch, place)?
}

/// Lends the `iss` that a token names, in a buffer of at least the token's length: for a host with more issuers than it can list, such as an
/// authorization server, whose clients are the issuers of their assertions. It says only what the sender wants to be believed.
///
/// # Errors
/// A shape error; [`Error::ClaimMalformed`], [`Error::IssuerMissing`], [`Error::BufferTooSmall`].
pub fn lend_issuer<R>(
    form: TokenForm<'_>,
    credential: &[u8],
    limits: Limits,
    scratch: &mut [u8],
    lend: impl FnOnce(Str<'_>) -> R,
) -> Result<R, Error> {
    let payload = match form.basis(credential)? {
        Basis::Token(token) => token.compact(limits)?.decode(limits, scratch)?.payload(),
        Basis::Answer(answer) => answer,
    };
    let mut issuer = None;
    json::read_object(payload, |member| {
        if member.name.is("iss") {
            issuer = Some(member.value);
        }
        Ok(())
    })?;
    issuer.ok_or(Error::IssuerMissing)?.as_str().ok_or(Error::ClaimMalformed).map(lend)
}

/// Lends the `kid` that a token names, in a buffer of at least the token's length: for a host that asks its source of keys again. The kid says
/// only what the sender wants to be believed.
///
/// # Errors
/// A shape error; [`Error::BufferTooSmall`].
pub fn claimed_kid<R>(
    form: TokenForm<'_>,
    credential: &[u8],
    limits: Limits,
    scratch: &mut [u8],
    lend: impl FnOnce(Option<Str<'_>>) -> R,
) -> Result<R, Error> {
    match form.basis(credential)? {
        Basis::Token(token) => Ok(lend(token.compact(limits)?.decode(limits, scratch)?.header().kid())),
        Basis::Answer(_) => Ok(lend(None)),
    }
}
