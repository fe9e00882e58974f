//! The lanes of AVX-512 IFMA, and the one way into the kernel that uses them.

#![expect(clippy::as_conversions, clippy::indexing_slicing, reason = "a word keeps its bits in a lane; constant indices below eight")]

use super::eight::{Outcome, Plan, run};
use super::lanes::Lanes;
use super::point::Entry;
use core::arch::x86_64::{
    __m512i, _MM_HINT_T0, _mm_prefetch, _mm512_add_epi64, _mm512_and_si512, _mm512_cmpeq_epi64_mask, _mm512_loadu_si512,
    _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_mask_blend_epi64, _mm512_permutex_epi64, _mm512_set1_epi64, _mm512_setzero_si512,
    _mm512_shuffle_i64x2, _mm512_slli_epi64, _mm512_srai_epi64, _mm512_srli_epi64, _mm512_storeu_si512, _mm512_sub_epi64,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
};

cpufeatures::new!(unit, "avx512f", "avx512ifma");

/// Whether this CPU and its system have the unit.
#[inline]
pub(super) fn is_available() -> bool {
    unit::get()
}

/// Runs a plan on the unit; `None` without it.
pub(super) fn sums(plan: &Plan<'_, '_>) -> Option<Outcome> {
    // SAFETY: the features that the function was compiled for are there.
    is_available().then(|| unsafe { on_unit(plan) })
}

#[target_feature(enable = "avx512f,avx512ifma,bmi2")]
fn on_unit(plan: &Plan<'_, '_>) -> Outcome {
    run::<Unit>(plan)
}

/// Eight lanes in a register. Values of it exist only below [`on_unit`], so whoever holds one runs on a CPU with the unit.
#[derive(Clone, Copy)]
struct Unit(__m512i);

/// Eight rows of eight words with rows and columns exchanged.
#[inline]
#[target_feature(enable = "avx512f")]
fn transposed(r: [__m512i; 8]) -> [__m512i; 8] {
    // pairs of rows by words, then pairs of pairs by quarters of a register, twice
    let even = [
        _mm512_unpacklo_epi64(r[0], r[1]),
        _mm512_unpacklo_epi64(r[2], r[3]),
        _mm512_unpacklo_epi64(r[4], r[5]),
        _mm512_unpacklo_epi64(r[6], r[7]),
    ];
    let odd = [
        _mm512_unpackhi_epi64(r[0], r[1]),
        _mm512_unpackhi_epi64(r[2], r[3]),
        _mm512_unpackhi_epi64(r[4], r[5]),
        _mm512_unpackhi_epi64(r[6], r[7]),
    ];
    let [a, c, e, g] = quarters(even);
    let [b, d, f, h] = quarters(odd);
    [a, b, c, d, e, f, g, h]
}

/// Quarter i of each of four registers, for each i.
#[inline]
#[target_feature(enable = "avx512f")]
fn quarters([p, q, r, s]: [__m512i; 4]) -> [__m512i; 4] {
    let (low, high) = (_mm512_shuffle_i64x2::<0x44>(p, q), _mm512_shuffle_i64x2::<0xee>(p, q));
    let (low_2, high_2) = (_mm512_shuffle_i64x2::<0x44>(r, s), _mm512_shuffle_i64x2::<0xee>(r, s));
    [
        _mm512_shuffle_i64x2::<0x88>(low, low_2),
        _mm512_shuffle_i64x2::<0xdd>(low, low_2),
        _mm512_shuffle_i64x2::<0x88>(high, high_2),
        _mm512_shuffle_i64x2::<0xdd>(high, high_2),
    ]
}

impl Lanes for Unit {
    #[inline(always)]
    fn splat(word: u64) -> Self {
        // SAFETY: see `Unit`; `splat` and `rows`, which make the first values, are called below `on_unit` only.
        Self(unsafe { _mm512_set1_epi64(word as i64) })
    }

    #[inline(always)]
    fn rows(entries: &[&Entry; 8]) -> [Self; 8] {
        // SAFETY: see `splat`; an entry is 64 bytes that may be read, at any alignment.
        let load = |i: usize| unsafe { _mm512_loadu_si512(entries[i].as_ptr().cast()) };
        let rows = [load(0), load(1), load(2), load(3), load(4), load(5), load(6), load(7)];
        // SAFETY: see `splat`.
        let [a, b, c, d, e, f, g, h] = unsafe { transposed(rows) };
        [Self(a), Self(b), Self(c), Self(d), Self(e), Self(f), Self(g), Self(h)]
    }

    #[inline(always)]
    fn fetch(entry: &Entry) {
        // SAFETY: a hint about memory that may be read; every CPU with the unit has the instruction.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(entry.as_ptr().cast()) };
    }

    #[inline(always)]
    fn words(self) -> [u64; 8] {
        let mut words = [0; 8];
        // SAFETY: see `Unit`; the array has 64 bytes, at any alignment.
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), self.0) };
        words
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see `Unit`.
        Self(unsafe { _mm512_add_epi64(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: see `Unit`.
        Self(unsafe { _mm512_sub_epi64(self.0, other.0) })
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        // SAFETY: see `Unit`.
        Self(unsafe { _mm512_and_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn shift_left<const BY: u32>(self) -> Self {
        // SAFETY: see `Unit`.
        Self(unsafe { _mm512_slli_epi64::<BY>(self.0) })
    }

    #[inline(always)]
    fn shift_right<const BY: u32>(self) -> Self {
        // SAFETY: see `Unit`.
        Self(unsafe { _mm512_srli_epi64::<BY>(self.0) })
    }

    #[inline(always)]
    fn shift_right_signed<const BY: u32>(self) -> Self {
        // SAFETY: see `Unit`.
        Self(unsafe { _mm512_srai_epi64::<BY>(self.0) })
    }

    #[inline(always)]
    fn low(self) -> Self {
        self
    }

    #[inline(always)]
    fn add_low(self, a: Self, b: Self) -> Self {
        // SAFETY: see `Unit`.
        Self(unsafe { _mm512_madd52lo_epu64(self.0, a.0, b.0) })
    }

    #[inline(always)]
    fn add_high(self, a: Self, b: Self) -> Self {
        // SAFETY: see `Unit`.
        Self(unsafe { _mm512_madd52hi_epu64(self.0, a.0, b.0) })
    }

    #[inline(always)]
    fn zeros(self) -> u8 {
        // SAFETY: see `Unit`.
        unsafe { _mm512_cmpeq_epi64_mask(self.0, _mm512_setzero_si512()) }
    }

    #[inline(always)]
    fn select(self, lanes: u8, other: Self) -> Self {
        // SAFETY: see `Unit`.
        Self(unsafe { _mm512_mask_blend_epi64(lanes, self.0, other.0) })
    }

    #[inline(always)]
    fn exchange<const DISTANCE: usize>(self) -> Self {
        // SAFETY: see `Unit`.
        Self(unsafe {
            match DISTANCE {
                1 => _mm512_permutex_epi64::<0b10_11_00_01>(self.0),
                2 => _mm512_permutex_epi64::<0b01_00_11_10>(self.0),
                _ => _mm512_shuffle_i64x2::<0b01_00_11_10>(self.0, self.0),
            }
        })
    }
}
