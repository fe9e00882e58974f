//! Finding bytes quickly in plain Rust: fixed-size chunks that the compiler turns into vector comparisons.

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = ONES << 7;

/// Marks, in its top bit, each byte of `word` that is 0; a borrow can also mark bytes above the first true one, never below it.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & TOPS
}

/// Where `wanted` first stands in `text`.
pub(crate) fn position(text: &[u8], wanted: u8) -> Option<usize> {
    const CHUNK: usize = 32;
    let (chunks, tail) = text.as_chunks::<CHUNK>();
    let mut before = 0usize;
    for chunk in chunks {
        // Without an early exit in it, this is a handful of vector instructions.
        if chunk.iter().fold(false, |found, byte| found | (*byte == wanted)) {
            return position_by_words(chunk, wanted).map(|at| before.wrapping_add(at));
        }
        before = before.wrapping_add(CHUNK);
    }
    position_by_words(tail, wanted).map(|at| before.wrapping_add(at))
}

fn position_by_words(text: &[u8], wanted: u8) -> Option<usize> {
    let pattern = ONES.wrapping_mul(u64::from(wanted));
    let (words, tail) = text.as_chunks::<8>();
    let mut before = 0usize;
    for word in words {
        let marks = zeros(u64::from_le_bytes(*word) ^ pattern);
        if marks != 0 {
            return usize::try_from(marks.trailing_zeros() / 8).ok().map(|at| before.wrapping_add(at));
        }
        before = before.wrapping_add(8);
    }
    tail.iter().position(|byte| *byte == wanted).map(|at| before.wrapping_add(at))
}

/// How many bytes at the start of `text` are neither a quote, a backslash nor a control character: what a JSON string may hold as it is.
///
/// Eight at a time: `x - 0x20…` borrows into the top bit of a byte below 0x20.
#[inline]
pub(crate) fn plain_string_prefix(text: &[u8]) -> usize {
    let (words, tail) = text.as_chunks::<8>();
    let mut before = 0usize;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let quote = zeros(word ^ ONES.wrapping_mul(0x22));
        let backslash = zeros(word ^ ONES.wrapping_mul(0x5c));
        let control = word.wrapping_sub(ONES.wrapping_mul(0x20)) & !word;
        // The lowest mark is exact.
        let marks = (quote | backslash | control) & TOPS;
        if marks != 0 {
            return usize::try_from(marks.trailing_zeros() / 8).map_or(before, |at| before.wrapping_add(at));
        }
        before = before.wrapping_add(8);
    }
    let stop = |byte: &u8| matches!(byte, 0..=0x1f | b'"' | b'\\');
    before.wrapping_add(tail.iter().position(stop).unwrap_or(tail.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_is_found() {
        for length in 0..70 {
            for at in 0..length {
                for byte in 0..=255u8 {
                    let mut text = vec![b'a'; length];
                    text[at] = byte;
                    let naive = text.iter().position(|byte| matches!(byte, 0..=0x1f | b'"' | b'\\')).unwrap_or(length);
                    assert_eq!(plain_string_prefix(&text), naive, "{byte} at {at} of {length}");
                    assert_eq!(position(&text, b'.'), text.iter().position(|byte| *byte == b'.'));
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
