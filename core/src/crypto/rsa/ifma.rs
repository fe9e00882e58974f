//! The lanes of AVX-512 IFMA, and the functions that may use them once the CPU was asked.

use core::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_alignr_epi64, _mm512_and_si512, _mm512_cmpeq_epu64_mask, _mm512_cmpgt_epu64_mask, _mm512_loadu_si512,
    _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_mask_add_epi64, _mm512_set1_epi64, _mm512_srli_epi64, _mm512_store_si512,
};

use super::digit::Digit;
use super::lanes::{Block, Lanes, MASK};
use super::vector::{self, Constants, Modulus};

cpufeatures::new!(cpu, "avx512f", "avx512ifma");

/// Whether the CPU and the operating system have the unit.
pub(super) fn is_present() -> bool {
    cpu::get()
}

/// [`vector::power`] with the unit; `None` where it is absent.
pub(super) fn power<const K: usize, const V: usize>(modulus: &Modulus<'_, V>, base: &[Digit; K], exponent: u64) -> Option<[Digit; K]> {
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn with_unit<const K: usize, const V: usize>(modulus: &Modulus<'_, V>, base: &[Digit; K], exponent: u64) -> [Digit; K] {
        vector::power::<Ifma, K, V>(modulus, base, exponent)
    }
    // SAFETY: the CPU has the features.
    is_present().then(|| unsafe { with_unit(modulus, base, exponent) })
}

/// [`vector::constants`] with the unit; `None` where it is absent.
pub(super) fn constants<const K: usize, const V: usize>(n: &[Digit; K]) -> Option<Constants<V>> {
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn with_unit<const K: usize, const V: usize>(n: &[Digit; K]) -> Constants<V> {
        vector::constants::<Ifma, K, V>(n)
    }
    // SAFETY: the CPU has the features.
    is_present().then(|| unsafe { with_unit(n) })
}

/// A register. It is made and used inside the two functions above only, which have asked the CPU.
#[derive(Clone, Copy)]
struct Ifma(__m512i);

impl Lanes for Ifma {
    #[inline(always)]
    fn splat(limb: u64) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_set1_epi64(limb.cast_signed()) })
    }

    #[inline(always)]
    fn load(limbs: &[u64; 8]) -> Self {
        // SAFETY: 64 bytes, of any alignment; and see the type.
        Self(unsafe { _mm512_loadu_si512(limbs.as_ptr().cast()) })
    }

    #[inline(always)]
    fn store(self) -> Block {
        let mut block = Block([0; 8]);
        // SAFETY: 64 bytes, which the type of `block` aligns to 64; and see the type.
        unsafe { _mm512_store_si512(block.0.as_mut_ptr().cast(), self.0) };
        block
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_add_epi64(self.0, other.0) })
    }

    #[inline(always)]
    fn add_low(self, x: Self, y: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_madd52lo_epu64(self.0, x.0, y.0) })
    }

    #[inline(always)]
    fn add_high(self, x: Self, y: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_madd52hi_epu64(self.0, x.0, y.0) })
    }

    #[inline(always)]
    fn shift_in(self, below: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_alignr_epi64::<7>(self.0, below.0) })
    }

    #[inline(always)]
    fn low_bits(self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_and_si512(self.0, _mm512_set1_epi64(MASK.cast_signed())) })
    }

    #[inline(always)]
    fn high_bits(self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_srli_epi64::<52>(self.0) })
    }

    #[inline(always)]
    fn are_above(self) -> u8 {
        // SAFETY: see the type.
        unsafe { _mm512_cmpgt_epu64_mask(self.0, _mm512_set1_epi64(MASK.cast_signed())) }
    }

    #[inline(always)]
    fn are_full(self) -> u8 {
        // SAFETY: see the type.
        unsafe { _mm512_cmpeq_epu64_mask(self.0, _mm512_set1_epi64(MASK.cast_signed())) }
    }

    #[inline(always)]
    fn increment(self, lanes: u8) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm512_mask_add_epi64(self.0, lanes, self.0, _mm512_set1_epi64(1)) }).low_bits()
    }
}
