//! What does the arithmetic. The verdict is the same with each; tests choose, everyone else takes [`Native`].
//!
//! Units are types, so a build holds the code of those that it names: the lanes in plain Rust are in tests only.

use super::digit::Digit;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(feature = "portable")))]
use super::ifma;
use super::lanes::Plain;
use super::vector::{self, Constants, Modulus};

/// The vector kernel on some unit, or `None` where the limbs of 64 bits (`montgomery.rs`) are to be taken.
pub trait Unit {
    /// As [`vector::power`].
    #[doc(hidden)]
    fn power<const K: usize, const V: usize>(modulus: &Modulus<'_, V>, base: &[Digit; K], exponent: u64) -> Option<[Digit; K]>;

    /// As [`vector::constants`].
    #[doc(hidden)]
    fn constants<const K: usize, const V: usize>(n: &[Digit; K]) -> Option<Constants<V>>;
}

/// The fastest that may be present.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(feature = "portable")))]
pub(super) type Native = Ifma;
/// The fastest that may be present.
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2", not(feature = "portable"))))]
pub(super) type Native = Portable;

/// Limbs of 64 bits.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

/// The vector kernel lane by lane in plain Rust: slow, for tests.
#[derive(Clone, Copy, Debug)]
pub struct PlainLanes;

/// The vector kernel on AVX-512 IFMA where the CPU has it.
#[derive(Clone, Copy, Debug)]
pub struct Ifma;

impl Unit for Portable {
    fn power<const K: usize, const V: usize>(_: &Modulus<'_, V>, _: &[Digit; K], _: u64) -> Option<[Digit; K]> {
        None
    }

    fn constants<const K: usize, const V: usize>(_: &[Digit; K]) -> Option<Constants<V>> {
        None
    }
}

impl Unit for PlainLanes {
    fn power<const K: usize, const V: usize>(modulus: &Modulus<'_, V>, base: &[Digit; K], exponent: u64) -> Option<[Digit; K]> {
        Some(vector::power::<Plain, K, V>(modulus, base, exponent))
    }

    fn constants<const K: usize, const V: usize>(n: &[Digit; K]) -> Option<Constants<V>> {
        Some(vector::constants::<Plain, K, V>(n))
    }
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(feature = "portable")))]
impl Unit for Ifma {
    fn power<const K: usize, const V: usize>(modulus: &Modulus<'_, V>, base: &[Digit; K], exponent: u64) -> Option<[Digit; K]> {
        ifma::power(modulus, base, exponent)
    }

    fn constants<const K: usize, const V: usize>(n: &[Digit; K]) -> Option<Constants<V>> {
        ifma::constants(n)
    }
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2", not(feature = "portable"))))]
impl Unit for Ifma {
    fn power<const K: usize, const V: usize>(modulus: &Modulus<'_, V>, base: &[Digit; K], exponent: u64) -> Option<[Digit; K]> {
        Portable::power(modulus, base, exponent)
    }

    fn constants<const K: usize, const V: usize>(n: &[Digit; K]) -> Option<Constants<V>> {
        Portable::constants(n)
    }
}
