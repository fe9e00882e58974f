//! base64url without padding, strictly: one text for one value (RFC 7515 section 2, RFC 4648 section 5).

use crate::error::Error;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What a character that is not in the alphabet decodes to: a bit that no value has, found set at the end.
const OUTSIDE: u32 = 1 << 31;

/// The value of a character at each of the four places of a quad, already shifted there: a quad is four look-ups and three ORs.
static PLACES: [[u32; 256]; 4] = [values(18), values(12), values(6), values(0)];

#[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions, reason = "runs in the compiler only")]
const fn values(shift: u32) -> [u32; 256] {
    let mut values = [OUTSIDE; 256];
    let mut i = 0;
    while i < 64 {
        values[ALPHABET[i] as usize] = (i as u32) << shift;
        i += 1;
    }
    values
}

/// How many bytes `length` characters decode to; `None` when no text has that length.
#[must_use]
pub const fn decoded_length(length: usize) -> Option<usize> {
    let tail = match length % 4 {
        0 => 0,
        2 => 1,
        3 => 2,
        _ => return None,
    };
    Some((length / 4).saturating_mul(3).saturating_add(tail))
}

/// Decodes `text` to the start of `out` and returns the bytes and what is left of `out`.
///
/// # Errors
/// [`Error::Base64urlMalformed`] for a character outside the alphabet (padding and white space among them), an impossible length,
/// or unused bits that are not zero; [`Error::BufferTooSmall`] when `out` is shorter than [`decoded_length`].
pub fn decode<'o>(text: &[u8], out: &'o mut [u8]) -> Result<(&'o [u8], &'o mut [u8]), Error> {
    let length = decoded_length(text.len()).ok_or(Error::Base64urlMalformed)?;
    let (out, rest) = out.split_at_mut_checked(length).ok_or(Error::BufferTooSmall)?;
    let mut all = 0;
    // Sixteen characters at a time, which two stores write, then four.
    let (sixteens, text_rest) = text.as_chunks::<16>();
    let (twelves, out_rest) = out.as_chunks_mut::<12>();
    for (sixteen, twelve) in sixteens.iter().zip(twelves) {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *sixteen;
        let [first, second, third, fourth] = [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]].map(bits_of);
        all |= first | second | third | fourth;
        let [a, b, c, d, e, f, g, h] = (u64::from(first) << 40 | u64::from(second) << 16 | u64::from(third) >> 8).to_be_bytes();
        let [i, j, k, l] = (third << 24 | fourth).to_be_bytes();
        *twelve = [a, b, c, d, e, f, g, h, i, j, k, l];
    }
    let (quads, text_tail) = text_rest.as_chunks::<4>();
    let (triples, out_tail) = out_rest.as_chunks_mut::<3>();
    for (quad, triple) in quads.iter().zip(triples) {
        let bits = bits_of(*quad);
        all |= bits;
        let [_, x, y, z] = bits.to_be_bytes();
        *triple = [x, y, z];
    }
    // `A` stands for zero bits: what the tail lacks adds nothing.
    let unused = match (text_tail, out_tail) {
        ([a, b], [x]) => {
            let bits = bits_of([*a, *b, b'A', b'A']);
            all |= bits;
            [_, *x, _, _] = bits.to_be_bytes();
            bits & 0xffff
        }
        ([a, b, c], [x, y]) => {
            let bits = bits_of([*a, *b, *c, b'A']);
            all |= bits;
            [_, *x, *y, _] = bits.to_be_bytes();
            bits & 0xff
        }
        _ => 0,
    };
    if all & OUTSIDE != 0 || unused != 0 {
        return Err(Error::Base64urlMalformed);
    }
    Ok((out, rest))
}

/// Decodes `text`, which must be exactly `N` bytes of data.
///
/// # Errors
/// [`Error::Base64urlMalformed`], also for any other length.
pub fn decode_array<const N: usize>(text: &[u8]) -> Result<[u8; N], Error> {
    let mut array = [0; N];
    if decoded_length(text.len()) != Some(N) {
        return Err(Error::Base64urlMalformed);
    }
    decode(text, &mut array)?;
    Ok(array)
}

/// Encodes `bytes` to the start of `out`; `None` when it does not fit.
#[must_use]
pub fn encode<'o>(bytes: &[u8], out: &'o mut [u8]) -> Option<&'o str> {
    let (triples, tail) = bytes.as_chunks::<3>();
    let tail_length = match tail {
        [] => 0,
        _ => tail.len().checked_add(1)?,
    };
    let out = out.get_mut(..triples.len().checked_mul(4)?.checked_add(tail_length)?)?;
    let (quads, out_tail) = out.as_chunks_mut::<4>();
    for (triple, quad) in triples.iter().zip(quads) {
        let [x, y, z] = *triple;
        *quad = [x >> 2, x.wrapping_shl(4) | y >> 4, y.wrapping_shl(2) | z >> 6, z].map(character);
    }
    match (tail, out_tail) {
        ([x], [a, b]) => [*a, *b] = [x >> 2, x.wrapping_shl(4)].map(character),
        ([x, y], [a, b, c]) => [*a, *b, *c] = [x >> 2, x.wrapping_shl(4) | y >> 4, y.wrapping_shl(2)].map(character),
        _ => {}
    }
    core::str::from_utf8(out).ok()
}

/// The 43 characters that encode 32 bytes: a thumbprint, a hash.
#[must_use]
pub fn encode_32(bytes: &[u8; 32]) -> [u8; 43] {
    let mut text = [0; 43];
    // 32 bytes always fit 43 characters.
    let _ = encode(bytes, &mut text);
    text
}

#[inline]
fn bits_of(quad: [u8; 4]) -> u32 {
    let [a, b, c, d] = quad.map(usize::from);
    let [at_a, at_b, at_c, at_d] = &PLACES;
    #[expect(clippy::indexing_slicing, reason = "a byte cannot leave 256 entries")]
    {
        at_a[a] | at_b[b] | at_c[c] | at_d[d]
    }
}

#[expect(clippy::indexing_slicing, reason = "six bits cannot leave 64 entries")]
const fn character(value: u8) -> u8 {
    #[expect(clippy::as_conversions, reason = "widening in a const fn")]
    ALPHABET[(value & 0x3f) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64ct::{Base64UrlUnpadded, Encoding as _};

    #[test]
    fn every_length_and_value_agrees_with_base64ct() {
        let data: Vec<u8> = (0..=255).cycle().map(|byte: u8| byte.wrapping_mul(167)).take(400).collect();
        for length in 0..data.len() {
            let text = Base64UrlUnpadded::encode_string(&data[..length]);
            let mut out = [0; 400];
            assert_eq!(decode(text.as_bytes(), &mut out).unwrap().0, &data[..length]);
            let mut again = [0; 540];
            assert_eq!(encode(&data[..length], &mut again), Some(&*text));
            assert_eq!(encode(&data[..length], &mut again[..text.len().saturating_sub(1)]).is_none(), length > 0);
        }
    }

    #[test]
    fn one_value_has_one_text() {
        let mut out = [0; 8];
        for text in ["AA", "AAA", "AAAA", ""] {
            assert!(decode(text.as_bytes(), &mut out).is_ok(), "{text}");
        }
        for text in ["A", "AAAAA", "AB", "AAB", "AA==", "AAA=", "AA A", "A\nAA", "AA+A", "AA/A", "AAA\0", "AAA\u{e9}", "AA\u{ff}"] {
            assert_eq!(decode(text.as_bytes(), &mut out).err(), Some(Error::Base64urlMalformed), "{text}");
        }
        assert_eq!(decode(b"AAAA", &mut out[..2]).err(), Some(Error::BufferTooSmall));
    }

    #[test]
    fn encoding_is_the_inverse() {
        for seed in 0..=255u8 {
            let bytes = core::array::from_fn(|i| seed.wrapping_mul(31).wrapping_add((i as u8).wrapping_mul(seed)));
            assert_eq!(decode_array(&encode_32(&bytes)), Ok(bytes));
        }
    }
}
