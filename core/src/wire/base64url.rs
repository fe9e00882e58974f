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
    let (quads, tail) = text.split_at_checked(text.len() & !3).unwrap_or_default();
    let (triples, last) = out.split_at_mut_checked((quads.len() / 4).wrapping_mul(3)).unwrap_or_default();
    let is_good = decode_on_unit(quads, triples).unwrap_or_else(|| decode_quads(quads, triples)) && decode_tail(tail, last);
    if is_good { Ok((out, rest)) } else { Err(Error::Base64urlMalformed) }
}

/// As [`decode_quads`], by the CPU's vector unit, where it has one and there are enough of them.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(feature = "portable")))]
fn decode_on_unit(text: &[u8], out: &mut [u8]) -> Option<bool> {
    super::x86::decode(text, out)
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2", not(feature = "portable"))))]
const fn decode_on_unit(_: &[u8], _: &mut [u8]) -> Option<bool> {
    None
}

/// Decodes quads of characters to three bytes each; `false` for a character outside the alphabet.
fn decode_quads(text: &[u8], out: &mut [u8]) -> bool {
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
    for (quad, triple) in text_rest.as_chunks::<4>().0.iter().zip(out_rest.as_chunks_mut::<3>().0) {
        let bits = bits_of(*quad);
        all |= bits;
        let [_, x, y, z] = bits.to_be_bytes();
        *triple = [x, y, z];
    }
    all & OUTSIDE == 0
}

/// Decodes what is left behind the quads; `false` also for unused bits that are not zero.
fn decode_tail(text: &[u8], out: &mut [u8]) -> bool {
    // `A` stands for zero bits: what the tail lacks adds nothing.
    let (bits, unused) = match (text, out) {
        ([a, b], [x]) => {
            let bits = bits_of([*a, *b, b'A', b'A']);
            [_, *x, _, _] = bits.to_be_bytes();
            (bits, bits & 0xffff)
        }
        ([a, b, c], [x, y]) => {
            let bits = bits_of([*a, *b, *c, b'A']);
            [_, *x, *y, _] = bits.to_be_bytes();
            (bits, bits & 0xff)
        }
        _ => (0, 0),
    };
    bits & OUTSIDE == 0 && unused == 0
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
            let (quads, triples) = (text.len() / 4 * 4, text.len() / 4 * 3);
            let mut portable = [0; 400];
            assert!(decode_quads(&text.as_bytes()[..quads], &mut portable[..triples]) && portable[..triples] == data[..triples]);
            let mut again = [0; 540];
            assert_eq!(encode(&data[..length], &mut again), Some(&*text));
            assert_eq!(encode(&data[..length], &mut again[..text.len().saturating_sub(1)]).is_none(), length > 0);
        }
    }

    #[test]
    fn every_byte_at_every_place_of_every_length_is_judged_alike_on_the_unit() {
        let text: Vec<u8> = ALPHABET.iter().cycle().take(100).copied().collect();
        let mut texts = vec![text.clone()];
        for at in 0..text.len() {
            texts.extend((0..=255).map(|byte| {
                let mut text = text.clone();
                text[at] = byte;
                text
            }));
        }
        for text in &texts {
            for length in [100, 64, 44, 32, 28] {
                let (text, decoded) = (&text[..length], length / 4 * 3);
                let (mut portable, mut on_unit) = ([0; 75], [0; 75]);
                let is_good = decode_quads(text, &mut portable[..decoded]);
                if let Some(is_good_on_unit) = decode_on_unit(text, &mut on_unit[..decoded]) {
                    assert_eq!(is_good, is_good_on_unit, "{text:?}");
                    assert!(!is_good || portable == on_unit, "{text:?}");
                }
            }
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
