//! base64url, and bytes found, 32 at a time, for CPUs with AVX2. [`super::base64url`] and [`super::search`] have the portable twins.
//!
//! Classes of characters by their two hexadecimal digits, and the joining of values by multiplication, are W. Muła's and D. Lemire's
//! ("Faster Base64 Encoding and Decoding using AVX2 Instructions", 2018), here for the alphabet of RFC 4648 section 5.

use core::arch::x86_64::{
    __m256i, _mm_cmpeq_epi8, _mm_movemask_epi8, _mm_set_epi64x, _mm_set1_epi8, _mm256_add_epi8, _mm256_and_si256, _mm256_cmpeq_epi8,
    _mm256_cmpgt_epi8, _mm256_extract_epi64, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_permutevar8x32_epi32, _mm256_set_epi64x, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setr_epi32,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16, _mm256_testz_si256,
};

cpufeatures::new!(unit, "avx2");

/// One bit for each byte that is `wanted`.
#[inline(always)]
pub(super) fn equal(bytes: &[u8; 16], wanted: u8) -> u32 {
    let (words, _) = bytes.as_chunks::<8>();
    let [low, high] = core::array::from_fn(|i| words.get(i).map_or(0, |word| i64::from_le_bytes(*word)));
    // SAFETY: every CPU of this architecture has SSE2.
    unsafe { _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_set_epi64x(high, low), _mm_set1_epi8(wanted.cast_signed()))).cast_unsigned() }
}

/// Where `wanted` first stands; `None` without the unit or for fewer than 32 bytes.
#[inline(always)]
pub(super) fn position(text: &[u8], wanted: u8) -> Option<Option<usize>> {
    // SAFETY: the feature that the function was compiled for is there.
    (text.len() >= 32 && unit::get()).then(|| unsafe { position_on_unit(text, wanted) })
}

#[target_feature(enable = "avx2")]
fn position_on_unit(text: &[u8], wanted: u8) -> Option<usize> {
    let all = _mm256_set1_epi8(wanted.cast_signed());
    let found = |block: &[u8; 32]| _mm256_movemask_epi8(_mm256_cmpeq_epi8(load(block), all)).cast_unsigned();
    let at = |found: u32, before: usize| before.wrapping_add(usize::try_from(found.trailing_zeros()).unwrap_or(0));
    let mut before = 0usize;
    for block in text.as_chunks::<32>().0 {
        let found = found(block);
        if found != 0 {
            return Some(at(found, before));
        }
        before = before.wrapping_add(32);
    }
    // what is left, once more with some of what lacks it
    let found = found(text.last_chunk::<32>()?);
    (found != 0).then(|| at(found, text.len().wrapping_sub(32)))
}

/// `bytes` as text where they are plain ([`super::search::is_plain`]): they need no second look for UTF-8.
#[inline(always)]
pub(super) fn plain_text(bytes: &[u8]) -> Option<&str> {
    // SAFETY: the feature that the function was compiled for is there.
    let is_plain = if bytes.len() >= 32 && unit::get() { unsafe { is_plain_on_unit(bytes) } } else { super::search::is_plain(bytes) };
    // SAFETY: what is plain is ASCII.
    is_plain.then(|| unsafe { core::str::from_utf8_unchecked(bytes) })
}

#[target_feature(enable = "avx2")]
fn is_plain_on_unit(text: &[u8]) -> bool {
    // As a signed number, what is not ASCII is below 0.
    let [space, backslash] = [0x20, 0x5c].map(|byte| _mm256_set1_epi8(byte));
    let is_odd = |block: &[u8; 32]| {
        let bytes = load(block);
        _mm256_or_si256(_mm256_cmpgt_epi8(space, bytes), _mm256_cmpeq_epi8(bytes, backslash))
    };
    let mut odd = _mm256_setzero_si256();
    for block in text.as_chunks::<32>().0.iter().chain(text.last_chunk::<32>()) {
        odd = _mm256_or_si256(odd, is_odd(block));
    }
    _mm256_testz_si256(odd, odd) == 1
}

/// By the upper digit: a class of characters.
const CLASSES: [i8; 16] = [NONE, NONE, 1, 2, 4, 8, 4, 16, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE];
/// By the lower digit: the classes that lack such a character.
#[expect(clippy::indexing_slicing, reason = "runs in the compiler only")]
const LACKING: [i8; 16] = {
    let mut lacking = [NONE; 16];
    // Of the class 1 there is `-`; of 2 the digits; of 4 `A` to `O` and `a` to `o`; of 8 `P` to `Z` and `_`; of 16 `p` to `z`.
    let present = [(1, 13, 13), (2, 0, 9), (4, 1, 15), (8, 0, 10), (8, 15, 15), (16, 0, 10)];
    let mut all = 0;
    let mut i = 0;
    while i < present.len() {
        all |= present[i].0;
        i += 1;
    }
    let mut digit = 0;
    while digit < 16 {
        let mut here = 0;
        let mut i = 0;
        while i < present.len() {
            let (class, first, last) = present[i];
            if first <= digit && digit <= last {
                here |= class;
            }
            i += 1;
        }
        lacking[digit] |= all & !here;
        digit += 1;
    }
    lacking
};
/// The class of what begins no character of the alphabet.
const NONE: i8 = i8::MIN;
/// By the upper digit: from a character to its value; `_` takes [`UNDERSCORE`] more than its row.
const OFFSETS: [i8; 16] = [0, 0, 17, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0];
const UNDERSCORE: i8 = 33;
/// The three bytes of four characters, from the numbers of 24 bits that they make.
const BYTES: [i8; 16] = [2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1];

/// Decodes four characters to three bytes, and so on; `None` without the unit or for fewer than 32 characters, `Some(false)` for one
/// outside the alphabet.
pub(super) fn decode(text: &[u8], out: &mut [u8]) -> Option<bool> {
    // SAFETY: the feature that the function was compiled for is there.
    (text.len() >= 32 && unit::get()).then(|| unsafe { on_unit(text, out) })
}

#[target_feature(enable = "avx2")]
fn on_unit(text: &[u8], out: &mut [u8]) -> bool {
    let tables = [both(CLASSES), both(LACKING), both(OFFSETS), both(BYTES)];
    let mut outside = _mm256_setzero_si256();
    for (block, out) in text.as_chunks::<32>().0.iter().zip(out.as_chunks_mut::<24>().0) {
        let (bytes, lacks) = decode_block(block, &tables);
        outside = _mm256_or_si256(outside, lacks);
        *out = bytes;
    }
    // what is left, once more with some of what is done: it comes out the same
    if let (Some(block), Some(out)) = (text.last_chunk::<32>(), out.last_chunk_mut::<24>()) {
        let (bytes, lacks) = decode_block(block, &tables);
        outside = _mm256_or_si256(outside, lacks);
        *out = bytes;
    }
    _mm256_testz_si256(outside, outside) == 1
}

/// 24 bytes, and what is zero only if all characters are in the alphabet.
#[inline]
#[target_feature(enable = "avx2")]
fn decode_block(text: &[u8; 32], [classes, lacking, offsets, bytes]: &[__m256i; 4]) -> ([u8; 24], __m256i) {
    let digit = _mm256_set1_epi8(0x0f);
    let characters = load(text);
    let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(characters), digit);
    let lower = _mm256_and_si256(characters, digit);
    let lacks = _mm256_and_si256(_mm256_shuffle_epi8(*classes, upper), _mm256_shuffle_epi8(*lacking, lower));
    let more = _mm256_and_si256(_mm256_cmpeq_epi8(characters, _mm256_set1_epi8(0x5f)), _mm256_set1_epi8(UNDERSCORE));
    let values = _mm256_add_epi8(characters, _mm256_add_epi8(_mm256_shuffle_epi8(*offsets, upper), more));
    // a · 64 + b, then that · 4096 + c · 64 + d; what is outside the alphabet makes some number, and no matter
    let pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi16(0x0140));
    let quads = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x0001_1000));
    let halves = _mm256_shuffle_epi8(quads, *bytes);
    let joined = _mm256_permutevar8x32_epi32(halves, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
    (store(joined), lacks)
}

/// The same table in both halves.
#[inline]
#[target_feature(enable = "avx2")]
fn both(table: [i8; 16]) -> __m256i {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = table.map(i8::cast_unsigned);
    let low = i64::from_le_bytes([a, b, c, d, e, f, g, h]);
    let high = i64::from_le_bytes([i, j, k, l, m, n, o, p]);
    _mm256_set_epi64x(high, low, high, low)
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(block: &[u8; 32]) -> __m256i {
    let (words, _) = block.as_chunks::<8>();
    let [a, b, c, d] = core::array::from_fn(|i| words.get(i).map_or(0, |word| i64::from_le_bytes(*word)));
    _mm256_set_epi64x(d, c, b, a)
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(vector: __m256i) -> [u8; 24] {
    let words = [_mm256_extract_epi64::<0>(vector), _mm256_extract_epi64::<1>(vector), _mm256_extract_epi64::<2>(vector)];
    let mut bytes = [0; 24];
    for (eight, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *eight = word.to_le_bytes();
    }
    bytes
}
