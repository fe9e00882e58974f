//! ECDSA over P-256 (FIPS 186-5 section 6.4.2; ES256 of RFC 7518) for public data only: every function takes variable time.
//!
//! Verification alone, with prepared keys. README.md beside this file explains the tables, the exceptional cases and the numbers.

#[cfg(test)]
mod arithmetic_tests;
mod base;
#[cfg(test)]
mod bounds;
mod cold;
mod comb;
mod divide;
mod eight;
mod field;
#[cfg(all(target_arch = "x86_64", not(feature = "portable")))]
#[expect(unsafe_code, reason = "vector intrinsics, each block with its reason")]
mod ifma;
mod judge;
mod lanes;
#[doc(hidden)]
pub mod paths;
mod point;
mod scalar;
mod sum;
mod tables;
mod wide;

use self::field::Field;
use self::judge::{Path, judge};
use self::point::Affine;

/// A point on the curve.
#[derive(Clone, Copy, Debug)]
pub struct PublicKey {
    point: Affine,
}

impl PublicKey {
    /// The point with these big-endian coordinates; `None` when one of them is p or more, or they are not on the curve.
    #[must_use]
    pub const fn from_coordinates(x: &[u8; 32], y: &[u8; 32]) -> Option<Self> {
        let (Some(x), Some(y)) = (Field::from_bytes(x), Field::from_bytes(y)) else {
            return None;
        };
        let point = Affine { x, y };
        if point.is_on_curve() { Some(Self { point }) } else { None }
    }
}

/// One signature to verify, beside all that it takes.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// Whose signature it should be.
    pub key: &'a PublicKey,
    /// What [`prepare`] wrote for this key, or nothing.
    pub table: &'a [u64],
    /// SHA-256 of the message.
    pub digest: &'a [u8; 32],
    /// r and s, big-endian (RFC 7518 section 3.4).
    pub signature: &'a [u8; 64],
}

/// Words of a key's table for hosts: 256 KiB, and what says whose it is. The first size without a doubling.
pub const HOST_WORDS: usize = tables::words_of(tables::HOST);
/// Words of a table for a key of proofs, which is built while a request waits: 12 KiB, and what says whose it is.
pub const PROOF_WORDS: usize = tables::words_of(tables::PROOF);
/// Words of a table for small machines, where the whole of it may as well be left out: 1 KiB, and what says whose it is.
pub const EMBEDDED_WORDS: usize = tables::words_of(tables::EMBEDDED);

/// Words of the largest table that fits in `words`; 0 when none does.
#[must_use]
pub fn table_words(words: usize) -> usize {
    tables::fitting(words)
}

/// Fills the start of `table` with the largest table of `key` that fits, and returns the words in use; 0 when none fits.
///
/// Costs some ten to some hundred verifications: work for the moment a key set is loaded.
#[must_use = "a verification may be given just the words in use"]
pub fn prepare(key: &PublicKey, table: &mut [u64]) -> usize {
    tables::prepare(&key.point, table)
}

/// Whether `signature` is `key`'s over `digest`.
///
/// Without a table (empty, of another key, cut off) the verdict is the same and takes longer; a table whose points were overwritten
/// gives any verdict, but never panics. A high s is accepted, as JOSE does.
#[must_use]
pub fn verify(key: &PublicKey, table: &[u64], digest: &[u8; 32], signature: &[u8; 64]) -> bool {
    let mut verdict = [false];
    judge(Path::fastest(), &[Item { key, table, digest, signature }], &mut verdict);
    verdict[0]
}

/// Like [`verify`] for two signatures that arrive together, a token's and its proof's; faster than one after the other.
#[must_use]
#[inline(never)]
pub fn verify_pair(items: &[Item<'_>; 2]) -> [bool; 2] {
    let mut verdicts = [false; 2];
    judge(Path::fastest(), items, &mut verdicts);
    verdicts
}

/// Like [`verify`] for any number of signatures, eight at a time: each gets its own verdict. A verdict without an item is `false`.
///
/// Takes about 70 KiB of stack.
#[inline(never)]
pub fn verify_batch(items: &[Item<'_>], verdicts: &mut [bool]) {
    verdicts.fill(false);
    for (items, verdicts) in items.chunks(8).zip(verdicts.chunks_mut(8)) {
        match items {
            [one] => {
                if let Some(verdict) = verdicts.first_mut() {
                    *verdict = verify(one.key, one.table, one.digest, one.signature);
                }
            }
            _ => {
                let mut eight = [false; 8];
                judge(Path::fastest(), items, &mut eight);
                for (verdict, out) in verdicts.iter_mut().zip(eight) {
                    *verdict = out;
                }
            }
        }
    }
}
