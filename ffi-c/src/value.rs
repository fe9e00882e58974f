//! JSON values of accepted tokens, and text in the caller's memory.

use core::mem::MaybeUninit;

use counterfoil::Error;
use counterfoil::wire::json;
use counterfoil::wire::value::Str;

use crate::boundary::{Buffer, Bytes, Code, given, guard};

/// Copies octets to the start of `buffer`.
pub(crate) fn written<'b>(octets: &[u8], buffer: Buffer<'b>) -> Result<Bytes<'b>, Error> {
    let place = buffer.open()?.get_mut(..octets.len()).ok_or(Error::BufferTooSmall)?;
    place.copy_from_slice(octets);
    Ok(Bytes::of(place))
}

/// The text of a string: where it stands if it has no escape, else resolved in `buffer`.
pub(crate) fn text_of<'b>(string: Str<'b>, buffer: Buffer<'b>) -> Result<Bytes<'b>, Error> {
    match string.as_str() {
        Some(text) => Ok(Bytes::of(text.as_bytes())),
        None => string.copy_to(buffer.open()?).map(|text| Bytes::of(text.as_bytes())).ok_or(Error::BufferTooSmall),
    }
}

/// The text of a JSON string such as `counterfoil_token_claim` gives, escapes resolved: where it stands if it has none, else in
/// `buffer`, for which the string's own size always suffices. Text may hold any character, NUL too.
///
/// Returns `COUNTERFOIL_ERROR_CLAIM_MALFORMED` for a value that is no string, and judges the JSON strictly.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_value_text<'b>(json: Bytes<'b>, buffer: Buffer<'b>, text_out: Option<&mut MaybeUninit<Bytes<'b>>>) -> Code {
    guard(|| {
        let out = given(text_out)?;
        let string = json::read_value(json.read()?)?.as_str().ok_or(Error::ClaimMalformed)?;
        out.write(text_of(string, buffer)?);
        Ok(())
    })
}

/// Judges whether a text is one JSON value, strictly: RFC 8259 in UTF-8, no repeated member, no lone surrogate, at most 32 levels.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_value_judge(json: Bytes<'_>) -> Code {
    guard(|| json::read_value(json.read()?).map(|_| ()))
}
