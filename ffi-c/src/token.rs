//! An access token that was accepted: the only place where its claims can be read.

use core::mem::MaybeUninit;

use counterfoil::Error;
use counterfoil::oauth::access_token::AccessToken;
use counterfoil::oauth::confirmation::Confirmation;
use counterfoil::time::NumericDate;
use counterfoil::wire::value::Str;

use crate::boundary::{Buffer, Bytes, Code, Filled, given, guard};
use crate::value::text_of;

/// A token that was accepted. Refers to the scratch memory of the call that accepted it, and is plain data beside that: any number
/// of threads may read it. Before a call has filled it, or when that call failed, it has no claims: reading them is
/// `COUNTERFOIL_ERROR_UNFILLED` if it was zeroed.
pub struct Token<'s>(pub(crate) Filled<AccessToken<'s>>);

// As include/counterfoil.h declares it.
const _: () = assert!(size_of::<Token<'_>>() <= 28 * 8 && align_of::<Token<'_>>() <= 8);

/// A SHA-256 hash that stands for a key or a certificate.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Thumbprint {
    /// The 32 octets.
    pub octets: [u8; 32],
}

/// The token is bound to nothing.
pub const COUNTERFOIL_CONFIRMATION_NONE: u32 = 0;
/// The token is bound to a client certificate (`x5t#S256`, RFC 8705).
pub const COUNTERFOIL_CONFIRMATION_CERTIFICATE: u32 = 1;
/// The token is bound to a DPoP key (`jkt`, RFC 9449).
pub const COUNTERFOIL_CONFIRMATION_KEY: u32 = 2;

/// The payload's JSON text, as it was signed.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_payload<'s>(token: Option<&Token<'s>>, json_out: Option<&mut MaybeUninit<Bytes<'s>>>) -> Code {
    guard(|| {
        let out = given(json_out)?;
        out.write(Bytes::of(given(token)?.0.get()?.payload().as_bytes()));
        Ok(())
    })
}

/// The JSON text of the claim called `name`, a string with its quotes: `counterfoil_value_text` resolves it.
///
/// Returns `COUNTERFOIL_ERROR_CLAIM_MISSING` when there is no such claim.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_claim<'s>(
    token: Option<&Token<'s>>,
    name: Bytes<'_>,
    json_out: Option<&mut MaybeUninit<Bytes<'s>>>,
) -> Code {
    guard(|| {
        let out = given(json_out)?;
        let value = given(token)?.0.get()?.claim(name.text()?).ok_or(Error::ClaimMissing)?;
        out.write(Bytes::of(value.raw().as_bytes()));
        Ok(())
    })
}

/// The `number`th claim, from 0, in the token's order: its name, for which `buffer` serves where the name has escapes, and its JSON.
///
/// Returns `COUNTERFOIL_ERROR_CLAIM_MISSING` when there are not so many.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_claim_at<'s>(
    token: Option<&Token<'s>>,
    number: usize,
    buffer: Buffer<'s>,
    name_out: Option<&mut MaybeUninit<Bytes<'s>>>,
    json_out: Option<&mut MaybeUninit<Bytes<'s>>>,
) -> Code {
    guard(|| {
        let (name_out, json_out) = (given(name_out)?, given(json_out)?);
        let (name, value) = given(token)?.0.get()?.claims().nth(number).ok_or(Error::ClaimMissing)?;
        name_out.write(text_of(name, buffer)?);
        json_out.write(Bytes::of(value.raw().as_bytes()));
        Ok(())
    })
}

fn give_text<'s>(
    token: Option<&Token<'s>>,
    of: fn(&AccessToken<'s>) -> Option<Str<'s>>,
    buffer: Buffer<'s>,
    text_out: Option<&mut MaybeUninit<Bytes<'s>>>,
) -> Code {
    guard(|| {
        let out = given(text_out)?;
        let text = of(given(token)?.0.get()?).ok_or(Error::ClaimMissing)?;
        out.write(text_of(text, buffer)?);
        Ok(())
    })
}

/// The text of `iss`. As the functions below: `buffer` serves where the text has escapes, and a claim that the token does not have is
/// `COUNTERFOIL_ERROR_CLAIM_MISSING`.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_issuer<'s>(
    token: Option<&Token<'s>>,
    buffer: Buffer<'s>,
    text_out: Option<&mut MaybeUninit<Bytes<'s>>>,
) -> Code {
    give_text(token, AccessToken::issuer, buffer, text_out)
}

/// The text of `sub`.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_subject<'s>(
    token: Option<&Token<'s>>,
    buffer: Buffer<'s>,
    text_out: Option<&mut MaybeUninit<Bytes<'s>>>,
) -> Code {
    give_text(token, AccessToken::subject, buffer, text_out)
}

/// The text of `client_id` (RFC 8693 section 4.3).
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_client_id<'s>(
    token: Option<&Token<'s>>,
    buffer: Buffer<'s>,
    text_out: Option<&mut MaybeUninit<Bytes<'s>>>,
) -> Code {
    give_text(token, AccessToken::client_id, buffer, text_out)
}

/// The text of `jti`.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_jwt_id<'s>(
    token: Option<&Token<'s>>,
    buffer: Buffer<'s>,
    text_out: Option<&mut MaybeUninit<Bytes<'s>>>,
) -> Code {
    give_text(token, AccessToken::jwt_id, buffer, text_out)
}

/// The text of `scope`: words separated by spaces.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_scope<'s>(
    token: Option<&Token<'s>>,
    buffer: Buffer<'s>,
    text_out: Option<&mut MaybeUninit<Bytes<'s>>>,
) -> Code {
    give_text(token, AccessToken::scope, buffer, text_out)
}

/// The text of `acr` (RFC 9470 section 5).
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_acr<'s>(
    token: Option<&Token<'s>>,
    buffer: Buffer<'s>,
    text_out: Option<&mut MaybeUninit<Bytes<'s>>>,
) -> Code {
    give_text(token, AccessToken::acr, buffer, text_out)
}

/// The text of the `number`th audience of `aud`, from 0.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_audience<'s>(
    token: Option<&Token<'s>>,
    number: usize,
    buffer: Buffer<'s>,
    text_out: Option<&mut MaybeUninit<Bytes<'s>>>,
) -> Code {
    guard(|| {
        let out = given(text_out)?;
        let text = given(token)?.0.get()?.audiences().nth(number).ok_or(Error::ClaimMissing)?;
        out.write(text_of(text, buffer)?);
        Ok(())
    })
}

/// 0 when `scope` has this word, else `COUNTERFOIL_ERROR_SCOPE_INSUFFICIENT`.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_has_scope(token: Option<&Token<'_>>, scope: Bytes<'_>) -> Code {
    guard(|| {
        let has = given(token)?.0.get()?.has_scope(scope.text()?);
        if has { Ok(()) } else { Err(Error::ScopeInsufficient) }
    })
}

fn give_time<'s>(
    token: Option<&Token<'s>>,
    of: fn(&AccessToken<'s>) -> Option<NumericDate>,
    seconds_out: Option<&mut MaybeUninit<u64>>,
) -> Code {
    guard(|| {
        let out = given(seconds_out)?;
        let date = of(given(token)?.0.get()?).ok_or(Error::ClaimMissing)?;
        out.write(date.floor().0);
        Ok(())
    })
}

/// `exp` in whole seconds since 1970, rounded down. As the functions below: a claim that the token does not have is
/// `COUNTERFOIL_ERROR_CLAIM_MISSING`.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_expires_at(token: Option<&Token<'_>>, seconds_out: Option<&mut MaybeUninit<u64>>) -> Code {
    give_time(token, AccessToken::expires_at, seconds_out)
}

/// `iat`.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_issued_at(token: Option<&Token<'_>>, seconds_out: Option<&mut MaybeUninit<u64>>) -> Code {
    give_time(token, AccessToken::issued_at, seconds_out)
}

/// `nbf`.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_not_before(token: Option<&Token<'_>>, seconds_out: Option<&mut MaybeUninit<u64>>) -> Code {
    give_time(token, AccessToken::not_before, seconds_out)
}

/// `auth_time` (RFC 9470 section 5).
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_auth_time(token: Option<&Token<'_>>, seconds_out: Option<&mut MaybeUninit<u64>>) -> Code {
    give_time(token, AccessToken::auth_time, seconds_out)
}

/// What the token is bound to: one of `COUNTERFOIL_CONFIRMATION_…`, and the hash of the certificate or key; zeros for none.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_confirmation(
    token: Option<&Token<'_>>,
    kind_out: Option<&mut MaybeUninit<u32>>,
    thumbprint_out: Option<&mut MaybeUninit<Thumbprint>>,
) -> Code {
    guard(|| {
        let (kind_out, thumbprint_out) = (given(kind_out)?, given(thumbprint_out)?);
        let (kind, thumbprint) = match given(token)?.0.get()?.confirmation() {
            None => (COUNTERFOIL_CONFIRMATION_NONE, [0; 32]),
            Some(Confirmation::Certificate(bound)) => (COUNTERFOIL_CONFIRMATION_CERTIFICATE, *bound.as_bytes()),
            Some(Confirmation::Key(bound)) => (COUNTERFOIL_CONFIRMATION_KEY, *bound.as_bytes()),
        };
        kind_out.write(kind);
        thumbprint_out.write(Thumbprint { octets: thumbprint });
        Ok(())
    })
}
