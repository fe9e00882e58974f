//! The names of the members of all open objects: what it takes to refuse a repeated one.

use super::json::{MAX_ESCAPED_NAMES, MAX_MEMBERS};
use super::value::Str;
use crate::error::Error;

/// Room for [`Names`]. Apart from what else they hold, because the compiler clears the whole of a structure that begins in part.
pub(super) type Room<'a> = heapless::Vec<Name<'a>, MAX_MEMBERS>;

/// The names of the innermost object last.
pub(super) struct Names<'a, 'n> {
    names: &'n mut Room<'a>,
    /// How many more names with escapes the document may have.
    escaped_left: u8,
}

/// A [`Str`] with its mark where there is room for it.
pub(super) struct Name<'a> {
    raw: &'a str,
    mark: Mark,
    escaped: bool,
}

/// An open array or object.
pub(super) struct Level {
    closing: u8,
    /// How many names were open when this level was opened: its own lie above.
    names_below: u8,
    /// One bit for each [`Mark`] seen: a clear bit proves a name new without a comparison.
    seen: u64,
}

impl Level {
    /// What `bracket`, `[` or `{`, opens.
    pub(super) fn new(bracket: u8, names: &Names<'_, '_>) -> Self {
        let closing = if bracket == b'{' { b'}' } else { b']' };
        // `MAX_MEMBERS` fits.
        Self { closing, names_below: u8::try_from(names.names.len()).unwrap_or(u8::MAX), seen: 0 }
    }

    /// The bracket that ends it.
    pub(super) const fn closing(&self) -> u8 {
        self.closing
    }

    pub(super) const fn is_object(&self) -> bool {
        self.closing == b'}'
    }
}

impl<'a, 'n> Names<'a, 'n> {
    /// No names, in room without any.
    pub(super) const fn new(names: &'n mut Room<'a>) -> Self {
        Self { names, escaped_left: MAX_ESCAPED_NAMES }
    }

    /// Adds a name to the innermost object, `level`, which must not have it already.
    #[inline(always)]
    pub(super) fn add(&mut self, name: Str<'a>, level: &mut Level) -> Result<(), Error> {
        let mark = Mark::of(name);
        if level.seen & mark.bit() != 0 && self.holds(name, mark, level) {
            return Err(Error::JsonMemberRepeated);
        }
        level.seen |= mark.bit();
        let escaped = name.as_str().is_none();
        if escaped {
            self.escaped_left = self.escaped_left.checked_sub(1).ok_or(Error::JsonTooManyMembers)?;
        }
        self.names.push(Name { raw: name.raw(), mark, escaped }).map_err(|_| Error::JsonTooManyMembers)
    }

    #[inline(never)]
    fn holds(&self, name: Str<'_>, mark: Mark, level: &Level) -> bool {
        let siblings = self.names.get(usize::from(level.names_below)..).unwrap_or(&[]);
        siblings.iter().any(|sibling| sibling.mark == mark && Str::new(sibling.raw, sibling.escaped).same(name))
    }

    /// Forgets the names of `level`, the innermost.
    #[inline(always)]
    pub(super) fn close(&mut self, level: &Level) {
        self.names.truncate(usize::from(level.names_below));
    }
}

/// A hash that equal strings share, from their length and their first and last eight bytes: enough to spare nearly all comparisons.
///
/// It need not resist who wants collisions: they cost the comparisons that were made without it, at most 128 for a name, and slow ones
/// only for the few names that may have escapes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mark(u32);

impl Mark {
    #[inline(always)]
    fn of(name: Str<'_>) -> Self {
        match name.as_str() {
            Some(name) => Self::of_bytes(name.as_bytes()),
            None => Self::of_escaped(name),
        }
    }

    #[inline(always)]
    fn of_bytes(name: &[u8]) -> Self {
        let (first, last) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => (short_word(name), 0),
        };
        Self::mix(first, last, name.len())
    }

    /// The same, without the memory that the resolved name would take.
    #[inline(never)]
    fn of_escaped(name: Str<'_>) -> Self {
        let (mut first, mut last, mut length) = (0u64, 0u64, 0usize);
        for character in name.chars() {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                if length < 8 {
                    first = first >> 8 | u64::from(byte) << 56;
                }
                last = last >> 8 | u64::from(byte) << 56;
                length = length.wrapping_add(1);
            }
        }
        if length < 8 {
            Self::of_bytes(last.to_le_bytes().get(8usize.wrapping_sub(length)..).unwrap_or(&[]))
        } else {
            Self::mix(first, last, length)
        }
    }

    #[inline(always)]
    fn mix(first: u64, last: u64, length: usize) -> Self {
        let word = first ^ last.rotate_left(21) ^ u64::try_from(length).unwrap_or(0);
        // The upper half of a product depends on all bits of the factor.
        let [_, _, _, _, a, b, c, d] = word.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        Self(u32::from_le_bytes([a, b, c, d]))
    }

    const fn bit(self) -> u64 {
        1u64.wrapping_shl(self.0 >> 26)
    }
}

/// Fewer than eight bytes as one number: pieces that overlap where they must, and together hold every byte.
#[inline(always)]
fn short_word(bytes: &[u8]) -> u64 {
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(first), Some(last)) => u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32,
        _ => match bytes {
            [a] => u64::from(*a),
            [a, b] => u64::from(u16::from_le_bytes([*a, *b])),
            [a, b, c] => u64::from(u32::from_le_bytes([*a, *b, *c, 0])),
            _ => 0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_mark_however_it_is_written() {
        let name = "0123456789abcdef\u{e9}\u{1f600}z";
        for length in (0..=name.len()).filter(|length| name.is_char_boundary(*length)) {
            let plain = &name[..length];
            let escaped: String = plain.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            assert!(Mark::of(Str::new(plain, false)) == Mark::of(Str::new(&escaped, true)), "{plain}");
        }
    }

    #[test]
    fn the_names_of_real_tokens_rarely_share_a_bit() {
        let names = "iss aud sub client_id exp nbf iat jti scope acr auth_time consent_id cnf amr sid roles groups entitlements";
        let mut seen = 0u64;
        names.split(' ').for_each(|name| seen |= Mark::of(Str::new(name, false)).bit());
        assert!(seen.count_ones() >= 14, "{}", seen.count_ones());
    }
}
