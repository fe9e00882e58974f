//! RSASSA-PSS and RSASSA-PKCS1-v1_5 verification with SHA-256 (RFC 8017 section 8) for moduli of 2048 to 4096 bits, without a heap.
//!
//! For public data only: variable time. A key that verifies often is prepared once: [`prepare`] writes the constants of Montgomery
//! arithmetic into the caller's words. Without them every verification computes them again.

mod digit;
mod encoding;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(feature = "portable")))]
#[expect(unsafe_code, reason = "vector intrinsics, each block with its reason")]
mod ifma;
#[cfg(test)]
mod intervals;
mod lanes;
mod montgomery;
mod operation;
mod power;
mod unit;
mod vector;

use self::unit::Native;

pub use self::operation::{TABLE_WORDS, prepare, prepare_on};
#[doc(hidden)]
pub use self::unit::{Ifma, PlainLanes, Portable, Unit};

/// Bits of the smallest and of the largest modulus.
const BITS: core::ops::RangeInclusive<usize> = 2048..=4096;
/// Octets of the largest modulus.
const OCTETS: usize = 512;
/// An exponent has at most 33 bits, which bounds the cost of a hostile key.
const EXPONENT_END: u64 = 1 << 33;

/// Why two numbers are not a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The first octet of the modulus is zero (RFC 7518 section 6.3.1.1), or there is none.
    ModulusEncoding,
    /// The modulus has less than 2048 bits.
    ModulusTooSmall,
    /// The modulus has more than 4096 bits.
    ModulusTooLarge,
    /// The modulus is even.
    ModulusEven,
    /// The exponent is even, less than 3, or 2^33 or more.
    Exponent,
}

/// A modulus of 2048 to 4096 bits, odd, and an odd exponent of 3 to 2^33. That the modulus has two prime factors is not checked.
#[derive(Clone, Copy, Debug)]
pub struct PublicKey<'a> {
    modulus: &'a [u8],
    exponent: u64,
}

impl<'a> PublicKey<'a> {
    /// The modulus is big-endian, without leading zeros.
    ///
    /// # Errors
    /// Every [`KeyError`].
    pub const fn new(modulus: &'a [u8], exponent: u64) -> Result<Self, KeyError> {
        let ([first, ..], [.., last]) = (modulus, modulus) else {
            return Err(KeyError::ModulusEncoding);
        };
        if *first == 0 {
            return Err(KeyError::ModulusEncoding);
        }
        let key = Self { modulus, exponent };
        if key.bits() < *BITS.start() {
            return Err(KeyError::ModulusTooSmall);
        }
        if key.bits() > *BITS.end() {
            return Err(KeyError::ModulusTooLarge);
        }
        if last.is_multiple_of(2) {
            return Err(KeyError::ModulusEven);
        }
        if exponent < 3 || exponent >= EXPONENT_END || exponent.is_multiple_of(2) {
            return Err(KeyError::Exponent);
        }
        Ok(key)
    }

    /// The modulus as given.
    #[must_use]
    pub const fn modulus(&self) -> &'a [u8] {
        self.modulus
    }

    /// The exponent as given.
    #[must_use]
    pub const fn exponent(&self) -> u64 {
        self.exponent
    }

    /// The length of the modulus in bits.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "at most 8")]
    pub const fn bits(&self) -> usize {
        let zeros = match self.modulus {
            [first, ..] => first.leading_zeros() as usize,
            [] => 0,
        };
        self.modulus.len().saturating_mul(8).saturating_sub(zeros)
    }
}

/// Whether `signature` is `key`'s over `message`: RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of exactly 32 octets (`PS256`).
///
/// `table` is what [`prepare`] wrote for this key. Without a table (empty, of another key, cut off) the verdict is the same and takes
/// longer; a table whose constants were overwritten gives any verdict, but never panics.
#[must_use]
pub fn verify_pss(key: &PublicKey<'_>, table: &[u64], message: &[u8], signature: &[u8]) -> bool {
    verify_pss_on::<Native>(key, table, message, signature)
}

/// As [`verify_pss`], for RSASSA-PKCS1-v1_5 with SHA-256 (`RS256`).
#[must_use]
pub fn verify_pkcs1(key: &PublicKey<'_>, table: &[u64], message: &[u8], signature: &[u8]) -> bool {
    verify_pkcs1_on::<Native>(key, table, message, signature)
}

/// [`verify_pss`] on a unit of the caller's choice.
#[must_use]
#[doc(hidden)]
pub fn verify_pss_on<U: Unit>(key: &PublicKey<'_>, table: &[u64], message: &[u8], signature: &[u8]) -> bool {
    let mut encoded = [0; OCTETS];
    operation::open::<U>(key, table, signature, &mut encoded).is_some_and(|encoded| encoding::is_pss(encoded, key.bits(), message))
}

/// [`verify_pkcs1`] on a unit of the caller's choice.
#[must_use]
#[doc(hidden)]
pub fn verify_pkcs1_on<U: Unit>(key: &PublicKey<'_>, table: &[u64], message: &[u8], signature: &[u8]) -> bool {
    let mut encoded = [0; OCTETS];
    operation::open::<U>(key, table, signature, &mut encoded).is_some_and(|encoded| encoding::is_pkcs1(encoded, message))
}

/// The public operation alone (RFC 8017 section 5.2.2), on a unit of the caller's choice: signature^e mod n, as long as the modulus.
#[doc(hidden)]
pub fn open_on<'o, U: Unit>(key: &PublicKey<'_>, table: &[u64], signature: &[u8], out: &'o mut [u8; OCTETS]) -> Option<&'o mut [u8]> {
    operation::open::<U>(key, table, signature, out)
}
