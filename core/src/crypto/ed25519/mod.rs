//! Ed25519 verification (RFC 8032 section 5.1.7) with prepared keys, for public data only: variable time.
//!
//! The verdict is that of ed25519-dalek's `verify_strict`: S below L, no key and no R of small order, and the equation without
//! cofactor, by comparing the encoding of \[S\]B − \[k\]A with R, which refuses every non-canonical R. A non-canonical key is refused too.

mod base;
mod comb;
mod divide;
mod field;
mod point;
mod scalar;
#[cfg(test)]
mod tests;

use self::comb::{Comb, Term};
use self::field::{Field, limbs_of};
use self::point::{Affine, Entry, Projective};
use sha2::{Digest as _, Sha512};

/// Why 32 bytes are not a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The y coordinate is p or more, or x = 0 has the sign bit set.
    NotCanonical,
    /// No point has this y coordinate.
    NotOnCurve,
    /// The point has an order of 8 or less: signatures would hold for messages that nobody signed.
    SmallOrder,
}

/// A point that may verify: canonical, on the curve, not of small order.
#[derive(Clone, Copy, Debug)]
pub struct PublicKey {
    bytes: [u8; 32],
    opposite: Affine,
}

/// The shapes of [`prepare`]'s tables from small to large, with the memory beside them.
const SHAPES: [Comb; 9] = [
    Comb { teeth: 4, blocks: 1, columns: 63 }, // 904 bytes
    Comb { teeth: 4, blocks: 4, columns: 16 }, // 3.1 KiB
    Comb { teeth: 6, blocks: 2, columns: 21 }, // 6.1 KiB
    Comb { teeth: 7, blocks: 2, columns: 18 }, // 12.1 KiB
    Comb { teeth: 7, blocks: 4, columns: 9 },  // 24 KiB
    Comb { teeth: 8, blocks: 4, columns: 8 },  // 48 KiB
    Comb { teeth: 9, blocks: 4, columns: 7 },  // 96 KiB
    Comb { teeth: 9, blocks: 7, columns: 4 },  // 168 KiB
    Comb { teeth: 9, blocks: 14, columns: 2 }, // 336 KiB
];

/// Words before the entries: the key's bytes, the number of the shape, and zeros up to a cache line.
const HEADER: usize = 8;

impl PublicKey {
    /// Reads the 32 bytes of RFC 8032 section 5.1.5 (the `x` of an RFC 8037 key).
    ///
    /// # Errors
    /// Every [`KeyError`].
    pub const fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let (y, sign) = Field::from_bytes(bytes);
        if !y.is_canonical() {
            return Err(KeyError::NotCanonical);
        }
        let Some(point) = Affine::from_y(y) else {
            return Err(KeyError::NotOnCurve);
        };
        if sign && point.x.is_zero() {
            return Err(KeyError::NotCanonical);
        }
        if point.is_small_order() {
            return Err(KeyError::SmallOrder);
        }
        let opposite = if point.x.is_odd() == sign { point.negate() } else { point };
        Ok(Self { bytes: *bytes, opposite })
    }

    /// The bytes that the key was read from.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

/// The words that a table needs in order to be the largest that fits `words`; 0 when none does.
#[must_use]
pub fn table_words(words: usize) -> usize {
    SHAPES.iter().map(|shape| words_of(*shape)).rfind(|needed| *needed <= words).unwrap_or(0)
}

#[expect(clippy::arithmetic_side_effects, reason = "the largest shape has 43 thousand words")]
const fn words_of(shape: Comb) -> usize {
    HEADER + 12 * shape.entries()
}

/// Fills the start of `table` with the largest table of `key` that fits, and returns how many words it took; 0, when none fits.
///
/// Costs three (1 KiB) to a hundred (336 KiB) verifications: work for the moment a key set is loaded. A `table` at a multiple of 64
/// bytes is read with the fewest cache misses.
#[must_use = "a verification may be given just the words in use"]
pub fn prepare(key: &PublicKey, table: &mut [u64]) -> usize {
    let fitting = SHAPES.iter().enumerate().rfind(|(_, shape)| words_of(**shape) <= table.len());
    let Some((number, shape)) = fitting else {
        return 0;
    };
    let Some((header, words)) = table.split_first_chunk_mut() else {
        return 0;
    };
    *header = header_of(key, number);
    comb::build(words.as_chunks_mut().0.as_chunks_mut().0, *shape, &key.opposite);
    words_of(*shape)
}

#[expect(clippy::as_conversions, reason = "one of nine")]
const fn header_of(key: &PublicKey, number: usize) -> [u64; HEADER] {
    let [a, b, c, d] = limbs_of(&key.bytes);
    [a, b, c, d, number as u64, 0, 0, 0]
}

/// The table's shape and entries, if it is one of this key.
fn entries_of<'t>(key: &PublicKey, table: &'t [u64]) -> Option<(&'t [Entry], Comb)> {
    let (header, words) = table.split_first_chunk::<HEADER>()?;
    let number = usize::try_from(header[4]).ok()?;
    let shape = SHAPES.get(number)?;
    (*header == header_of(key, number)).then_some((words.as_chunks().0.as_chunks().0, *shape))
}

/// As [`verify`], for a key that was admitted before and is given by its bytes: with its table, its point need not be found again.
#[must_use]
pub fn verify_admitted(key: &[u8; 32], table: &[u64], message: &[u8], signature: &[u8; 64]) -> bool {
    let admitted = PublicKey { bytes: *key, opposite: Affine::BASE };
    let key = if entries_of(&admitted, table).is_some() { Some(admitted) } else { PublicKey::from_bytes(key).ok() };
    key.is_some_and(|key| verify(&key, table, message, signature))
}

/// Whether `signature` is `key`'s over `message`.
///
/// `table` is what [`prepare`] wrote for this key. Without a table (empty, of another key, cut off) the verdict is the same and takes
/// longer; a table whose entries were overwritten gives any verdict, but never panics.
#[must_use]
pub fn verify(key: &PublicKey, table: &[u64], message: &[u8], signature: &[u8; 64]) -> bool {
    let ([r, s], _) = signature.as_chunks::<32>() else {
        return false;
    };
    let Some(s) = scalar::from_canonical_bytes(s) else {
        return false;
    };
    let (y, sign) = Field::from_bytes(r);
    if !y.is_canonical() || is_small_order(&y) {
        return false;
    }
    let hash = Sha512::new().chain_update(r).chain_update(key.bytes).chain_update(message).finalize();
    let k = scalar::reduce(&hash.into());
    combine(key, table, &s, &k).is_some_and(|sum| encodes_as(&sum, &y, sign))
}

/// \[s\]B − \[k\]A.
fn combine(key: &PublicKey, table: &[u64], s: &[u64; 4], k: &[u64; 4]) -> Option<Projective> {
    // B has order L, so a scalar too large for the comb is replaced by its opposite
    let large = s[3] >> 60 != 0;
    let s = if large { scalar::subtract(&scalar::L, s) } else { *s };
    let base = Term::new(&base::TABLE.0, base::SHAPE, &s, large)?;
    let prepared = entries_of(key, table).and_then(|(entries, shape)| Term::new(entries, shape, k, false));
    Some(match prepared {
        Some(term) => comb::sum(&term, &base),
        None => comb::sum_without_table(&key.opposite, &scalar::non_adjacent(k), &base),
    })
}

/// Whether a canonical y belongs to one of the eight points of small order.
fn is_small_order(y: &Field) -> bool {
    // of order 4; 1 and 2; 8
    const SMALL: [[u64; 4]; 5] = [
        [0; 4],
        [1, 0, 0, 0],
        [0xffff_ffff_ffff_ffec, u64::MAX, u64::MAX, u64::MAX >> 1],
        [0xb027_b2c2_8f95_e826, 0xf098_eff2_89f4_c345, 0x3933_c6d3_05ac_dfd5, 0x05fc_536d_8802_38b1],
        [0x4fd8_4d3d_706a_17c7, 0x0f67_100d_760b_3cba, 0xc6cc_392c_fa53_202a, 0x7a03_ac92_77fd_c74e],
    ];
    SMALL.contains(&y.0)
}

/// Whether the point's encoding is (y, sign); y is canonical.
fn encodes_as(point: &Projective, y: &Field, sign: bool) -> bool {
    y.mul(&point.z).equals(&point.y) && divide::divide(&point.x, &point.z).is_odd() == sign
}
