//! Eight 64-bit lanes with the multiplier of AVX-512 IFMA, as a trait: the kernel is written once and runs on the CPU's unit (ifma.rs), lane by
//! lane in plain Rust ([`Plain`], for machines without the unit and for miri), and, in tests, on intervals that prove its bounds.

#![expect(
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "arrays of eight under indices below eight; `as` keeps the bits of a word"
)]

use super::point::Entry;

/// The low 52 bits.
pub(super) const LOW_52: u64 = (1 << 52) - 1;

/// Eight words, each with the same thing done to it.
///
/// Sums and differences wrap; the kernel never lets them, and the intervals prove it.
pub(super) trait Lanes: Copy {
    /// The same word in every lane.
    fn splat(word: u64) -> Self;
    /// Word i of the eight entries, for each i.
    fn rows(entries: &[&Entry; 8]) -> [Self; 8];
    /// Says that an entry will be needed soon.
    #[inline(always)]
    fn fetch(_entry: &Entry) {}
    /// The eight words.
    fn words(self) -> [u64; 8];
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    fn shift_left<const BY: u32>(self) -> Self;
    /// Of an unsigned word.
    fn shift_right<const BY: u32>(self) -> Self;
    /// Of a signed word: rounds down.
    fn shift_right_signed<const BY: u32>(self) -> Self;
    /// Says that only the low 52 bits are meant where it goes into a product, which takes no others.
    fn low(self) -> Self;
    /// self + the low 52 bits of a · b; a and b are below 2^52.
    fn add_low(self, a: Self, b: Self) -> Self;
    /// self + the bits of a · b from 52 on; a and b are below 2^52.
    fn add_high(self, a: Self, b: Self) -> Self;
    /// A promise of the kernel, which only intervals look at: the word is at most this.
    #[inline(always)]
    fn promise_at_most(self, _most: u64) {}
    /// One bit a lane: whether the word is zero.
    fn zeros(self) -> u8;
    /// `other` in the lanes whose bit is set.
    fn select(self, lanes: u8, other: Self) -> Self;
    /// Each lane gets the word of the lane whose number differs in the bits of `DISTANCE`: 1, 2 or 4.
    fn exchange<const DISTANCE: usize>(self) -> Self;
}

/// Lane by lane.
#[derive(Clone, Copy)]
pub(super) struct Plain([u64; 8]);

impl Plain {
    fn map(self, other: Self, operation: impl Fn(u64, u64) -> u64) -> Self {
        Self(core::array::from_fn(|i| operation(self.0[i], other.0[i])))
    }
}

const fn product(a: u64, b: u64) -> u128 {
    // 104 bits.
    ((a & LOW_52) as u128).wrapping_mul((b & LOW_52) as u128)
}

impl Lanes for Plain {
    fn splat(word: u64) -> Self {
        Self([word; 8])
    }

    fn rows(entries: &[&Entry; 8]) -> [Self; 8] {
        core::array::from_fn(|word| Self(entries.map(|entry| entry[word])))
    }

    fn words(self) -> [u64; 8] {
        self.0
    }

    fn add(self, other: Self) -> Self {
        self.map(other, u64::wrapping_add)
    }

    fn sub(self, other: Self) -> Self {
        self.map(other, u64::wrapping_sub)
    }

    fn and(self, other: Self) -> Self {
        self.map(other, |a, b| a & b)
    }

    fn shift_left<const BY: u32>(self) -> Self {
        Self(self.0.map(|word| word << BY))
    }

    fn shift_right<const BY: u32>(self) -> Self {
        Self(self.0.map(|word| word >> BY))
    }

    fn shift_right_signed<const BY: u32>(self) -> Self {
        Self(self.0.map(|word| (word as i64 >> BY) as u64))
    }

    fn low(self) -> Self {
        self
    }

    fn add_low(self, a: Self, b: Self) -> Self {
        self.add(a.map(b, |a, b| product(a, b) as u64 & LOW_52))
    }

    fn add_high(self, a: Self, b: Self) -> Self {
        self.add(a.map(b, |a, b| (product(a, b) >> 52) as u64))
    }

    fn zeros(self) -> u8 {
        self.0.iter().enumerate().fold(0, |mask, (lane, word)| mask | u8::from(*word == 0) << lane)
    }

    fn select(self, lanes: u8, other: Self) -> Self {
        Self(core::array::from_fn(|lane| if lanes >> lane & 1 == 1 { other.0[lane] } else { self.0[lane] }))
    }

    fn exchange<const DISTANCE: usize>(self) -> Self {
        Self(core::array::from_fn(|lane| self.0[(lane ^ DISTANCE) % 8]))
    }
}
