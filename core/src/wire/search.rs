//! Finding bytes quickly in plain Rust: eight at a time in a word, and whole chunks that the compiler turns into vector comparisons.

#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(feature = "portable")))]
use super::x86::{plain_text, position as position_on_unit};

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = ONES << 7;

/// `byte` in all eight places of a word.
const fn all(byte: u8) -> u64 {
    // The product of a byte and `ONES` has no carry.
    #[expect(clippy::as_conversions, reason = "widening in a const fn")]
    ONES.wrapping_mul(byte as u64)
}

/// Where `wanted` first stands in `text`.
pub(crate) fn position(text: &[u8], wanted: u8) -> Option<usize> {
    position_on_unit(text, wanted).unwrap_or_else(|| position_in_chunks(text, wanted))
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2", not(feature = "portable"))))]
const fn position_on_unit(_: &[u8], _: u8) -> Option<Option<usize>> {
    None
}

fn position_in_chunks(text: &[u8], wanted: u8) -> Option<usize> {
    const CHUNK: usize = 64;
    let (chunks, _) = text.as_chunks::<CHUNK>();
    // Without an early exit in it, the comparison of a chunk is a handful of vector instructions.
    let lacks = |chunk: &&[u8; CHUNK]| !chunk.iter().fold(false, |found, byte| found | (*byte == wanted));
    let before = chunks.iter().take_while(lacks).count().wrapping_mul(CHUNK);
    let rest = text.get(before..)?;
    let at = prefix_before(rest, wanted, |word| (word ^ all(wanted)).wrapping_sub(ONES) & !(word ^ all(wanted)));
    (at < rest.len()).then(|| before.wrapping_add(at))
}

/// How many bytes stand before the first `stop`; `marks` as in [`prefix`].
#[inline(always)]
fn prefix_before(text: &[u8], stop: u8, marks: impl Fn(u64) -> u64) -> usize {
    let mut rest = text;
    while let Some((sixteen, behind)) = rest.split_first_chunk::<16>() {
        let Some(found) = equal(sixteen, stop) else { break };
        if found != 0 {
            let at = usize::try_from(found.trailing_zeros()).unwrap_or(0);
            return text.len().wrapping_sub(rest.len()).wrapping_add(at);
        }
        rest = behind;
    }
    text.len().wrapping_sub(rest.len()).wrapping_add(prefix(rest, marks, |byte| byte == stop))
}

/// One bit for each byte that is `wanted`; `None` where words of eight do better.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(feature = "portable")))]
#[inline(always)]
fn equal(bytes: &[u8; 16], wanted: u8) -> Option<u32> {
    Some(super::x86::equal(bytes, wanted))
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2", not(feature = "portable"))))]
#[inline(always)]
const fn equal(_: &[u8; 16], _: u8) -> Option<u32> {
    None
}

/// `bytes` as text, and whether it [`is_plain`]; `None` for what is no UTF-8.
#[inline(always)]
pub(crate) fn text(bytes: &[u8]) -> Option<(&str, bool)> {
    match plain_text(bytes) {
        Some(text) => Some((text, true)),
        None => core::str::from_utf8(bytes).ok().map(|text| (text, false)),
    }
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2", not(feature = "portable"))))]
fn plain_text(bytes: &[u8]) -> Option<&str> {
    if is_plain(bytes) { core::str::from_utf8(bytes).ok() } else { None }
}

/// Whether all of `text` is ASCII without control characters (DEL is none to JSON) and without backslashes.
pub(crate) fn is_plain(text: &[u8]) -> bool {
    // As a signed number, what is not ASCII is below 0.
    let is_odd = |byte: &u8| (byte.cast_signed() < 0x20) | (*byte == b'\\');
    let has_odd = |bytes: &[u8]| bytes.iter().fold(false, |odd, byte| odd | is_odd(byte));
    // The last chunk may overlap the one before: looking twice costs less than looking byte by byte.
    match (text.last_chunk::<64>(), text.last_chunk::<32>()) {
        (Some(last), _) => !text.as_chunks::<64>().0.iter().any(|chunk| has_odd(chunk)) && !has_odd(last),
        (None, Some(last)) => !text.first_chunk::<32>().is_some_and(|first| has_odd(first)) && !has_odd(last),
        _ => !text.iter().any(is_odd),
    }
}

/// How many bytes stand before the first quote of a text that [`is_plain`]: without top bits there is less to mask.
#[inline(always)]
pub(crate) fn plain_quote_prefix(text: &[u8]) -> usize {
    prefix_before(text, b'"', |word| (word ^ all(b'"')).wrapping_sub(ONES))
}

/// How many bytes at the start of `text` are neither a quote, a backslash nor a control character: what a JSON string may hold as it is.
///
/// With its bit 1 flipped, a byte is below 0x21 exactly if it is a control character or a quote. A byte borrows from the next one only
/// where it is marked itself, so the lowest mark is exact.
#[inline(always)]
pub(crate) fn plain_string_prefix(text: &[u8]) -> usize {
    let marks = |word: u64| ((word ^ all(0x02)).wrapping_sub(all(0x21)) | (word ^ all(b'\\')).wrapping_sub(ONES)) & !word;
    prefix(text, marks, |byte| matches!(byte, 0..=0x1f | b'"' | b'\\'))
}

/// How many bytes at the start of `text` are decimal digits.
#[inline(always)]
pub(crate) fn digits_prefix(text: &[u8]) -> usize {
    prefix(text, digit_marks, |byte| !byte.is_ascii_digit())
}

/// The number that eight decimal digits write; `None` where one of them is none.
#[inline(always)]
pub(crate) fn eight_digits(text: [u8; 8]) -> Option<u64> {
    let word = u64::from_le_bytes(text);
    // Neighbours are joined in place, from the first digit in the lowest byte: 8 digits, 4 pairs, 2 quads, 1 number.
    let digits = word ^ all(b'0');
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let quads = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    let number = quads.wrapping_mul(10_000).wrapping_add(quads >> 32) & 0xffff_ffff;
    (digit_marks(word) & TOPS == 0).then_some(number)
}

/// Whether these are decimal digits, of which the first is not 0: a date from 2001 to 2286.
#[inline(always)]
pub(crate) fn are_date(text: &[u8; 10]) -> bool {
    let [first, .., last_but_one, last] = text;
    let eight = text.first_chunk::<8>().map_or(0, |eight| u64::from_le_bytes(*eight));
    digit_marks(eight) & TOPS == 0 && *first != b'0' && last_but_one.is_ascii_digit() && last.is_ascii_digit()
}

/// Marks what is no digit. Nothing carries: a byte is at most 0x7f + 0x76.
const fn digit_marks(word: u64) -> u64 {
    let digits = word ^ all(b'0');
    (digits & !TOPS).wrapping_add(all(0x76)) | digits
}

/// How many bytes stand before the first one that stops: `marks` sets the top bit of such a byte in a word, and is exact for the lowest.
#[inline(always)]
fn prefix(text: &[u8], marks: impl Fn(u64) -> u64, stops: impl Fn(u8) -> bool) -> usize {
    let mut rest = text;
    while let Some((word, behind)) = rest.split_first_chunk::<8>() {
        let marks = marks(u64::from_le_bytes(*word)) & TOPS;
        if marks != 0 {
            let [_, _, _, _, _, _, _, at] = u64::from(marks.trailing_zeros() / 8).to_be_bytes();
            return text.len().wrapping_sub(rest.len()).wrapping_add(usize::from(at));
        }
        rest = behind;
    }
    let tail = rest.iter().position(|byte| stops(*byte)).unwrap_or(rest.len());
    text.len().wrapping_sub(rest.len()).wrapping_add(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_is_found() {
        for length in (0..70).chain([95, 96, 97, 128, 130]) {
            for at in 0..length {
                for byte in 0..=255u8 {
                    let mut text = vec![b'a'; length];
                    text[at] = byte;
                    let naive = text.iter().position(|byte| matches!(byte, 0..=0x1f | b'"' | b'\\')).unwrap_or(length);
                    assert_eq!(plain_string_prefix(&text), naive, "{byte} at {at} of {length}");
                    for wanted in [b'.', byte] {
                        let naive = text.iter().position(|byte| *byte == wanted);
                        assert_eq!((position(&text, wanted), position_in_chunks(&text, wanted)), (naive, naive));
                    }
                    let is_naively_plain = text.iter().all(|byte| (0x20..=0x7f).contains(byte) && *byte != b'\\');
                    assert_eq!(
                        (is_plain(&text), plain_text(&text).is_some()),
                        (is_naively_plain, is_naively_plain),
                        "{byte} at {at} of {length}"
                    );
                }
            }
        }
    }

    #[test]
    fn borrows_hide_nothing() {
        // All pairs next to each other, where a borrow from the lower byte could disturb the upper one.
        for low in 0..=255u8 {
            for high in 0..=255u8 {
                let text = [b'a', b'a', low, high, b'a', b'a', b'a', b'a'];
                let naive = text.iter().position(|byte| matches!(byte, 0..=0x1f | b'"' | b'\\')).unwrap_or(8);
                assert_eq!(plain_string_prefix(&text), naive, "{low} {high}");
            }
        }
    }
}
