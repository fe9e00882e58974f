//! ECDSA over P-256 (FIPS 186-5 section 6.4.2; ES256 of RFC 7518) for public data only: every function takes variable time.
//!
//! Verification alone, with prepared keys. README.md beside this file explains the tables, the exceptional cases and the numbers.

mod base;
mod cold;
mod comb;
mod divide;
mod field;
#[doc(hidden)]
pub mod paths;
mod point;
mod scalar;
mod sum;
mod tables;

use self::comb::Term;
use self::field::Field;
use self::point::{Affine, Sum};
use self::scalar::{Multipliers, Pair};
use self::sum::Terms;

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
    judge(&[Item { key, table, digest, signature }], &mut verdict);
    verdict[0]
}

/// Like [`verify`] for two signatures that arrive together, a token's and its proof's; faster than one after the other.
#[must_use]
#[inline(never)]
pub fn verify_pair(items: &[Item<'_>; 2]) -> [bool; 2] {
    let mut verdicts = [false; 2];
    judge(items, &mut verdicts);
    verdicts
}

/// Like [`verify`] for any number of signatures, eight at a time: each gets its own verdict. A verdict without an item is `false`.
///
/// Takes about 70 KiB of stack.
pub fn verify_batch(items: &[Item<'_>], verdicts: &mut [bool]) {
    verdicts.fill(false);
    for (items, verdicts) in items.chunks(8).zip(verdicts.chunks_mut(8)) {
        match items {
            [one] => verdicts.fill(verify(one.key, one.table, one.digest, one.signature)),
            _ => {
                let mut eight = [false; 8];
                judge(items, &mut eight);
                verdicts.copy_from_slice(eight.get(..verdicts.len()).unwrap_or_default());
            }
        }
    }
}

/// The verdicts of at most `COUNT` items.
fn judge<const COUNT: usize>(items: &[Item<'_>], verdicts: &mut [bool; COUNT]) {
    let mut pairs = [None; COUNT];
    let mut digests = [&[0; 32]; COUNT];
    for ((pair, digest), item) in pairs.iter_mut().zip(&mut digests).zip(items) {
        *pair = Pair::from_bytes(item.signature);
        *digest = item.digest;
    }
    if pairs.iter().all(Option::is_none) {
        return;
    }
    let multipliers = scalar::multipliers(&pairs.map(|pair| pair.unwrap_or(Pair::ONES)), &digests);
    let mut terms = [const { None }; COUNT];
    for ((terms, item), multipliers) in terms.iter_mut().zip(items).zip(&multipliers) {
        *terms = from_tables(item, multipliers);
    }
    let sums = sum::sums(&terms);
    for (i, (verdict, item)) in verdicts.iter_mut().zip(items).enumerate() {
        let (Some(Some(pair)), Some(multipliers)) = (pairs.get(i), multipliers.get(i)) else { continue };
        let sum = match (terms.get(i), sums.get(i)) {
            (Some(Some(_)), Some(sum)) => *sum,
            _ => without_table(item.key, multipliers),
        };
        let (first, second) = pair.coordinates();
        *verdict = sum.has_x(&first) || second.is_some_and(|second| sum.has_x(&second));
    }
}

fn from_tables<'t>(item: &Item<'t>, multipliers: &Multipliers) -> Option<Terms<'t>> {
    let (entries, shape) = tables::open(&item.key.point, item.table)?;
    let key = Term::new(entries, shape, &multipliers.of_key)?;
    Some(Terms { base: base_term(multipliers)?, key })
}

fn base_term(multipliers: &Multipliers) -> Option<Term<'static>> {
    Term::new(&base::TABLE.0, base::SHAPE, &multipliers.of_base)
}

fn without_table(key: &PublicKey, multipliers: &Multipliers) -> Sum {
    base_term(multipliers).map_or(Sum::INFINITY, |base| cold::sum(&key.point, &multipliers.of_key, &base))
}
