//! The layouts of a key's table, and how a table says what it is.

use super::comb::{Comb, build};
use super::point::{Affine, Entry};

/// For keys on small machines.
pub(super) const EMBEDDED: Comb = Comb { teeth: 4, blocks: 2 };
/// For keys of proofs.
pub(super) const PROOF: Comb = Comb { teeth: 6, blocks: 6 };
/// For keys of issuers on hosts.
pub(super) const HOST: Comb = Comb { teeth: 8, blocks: 32 };

/// From small to large, with the points' memory and what is added (A) and doubled (D) beside 32 points of G.
///
/// Each is the best of its size for portable code, or within 2 % of it with fewer columns, which eight lanes like better.
const SHAPES: [Comb; 10] = [
    Comb { teeth: 4, blocks: 1 },   // 512 bytes: 64 A, 63 D
    EMBEDDED,                       // 1 KiB: 64 A, 31 D
    Comb { teeth: 5, blocks: 4 },   // 4 KiB: 52 A, 12 D
    PROOF,                          // 12 KiB: 43 A, 7 D
    Comb { teeth: 7, blocks: 6 },   // 24 KiB: 37 A, 6 D
    Comb { teeth: 8, blocks: 6 },   // 48 KiB: 32 A, 5 D
    Comb { teeth: 8, blocks: 16 },  // 128 KiB: 32 A, 1 D
    HOST,                           // 256 KiB: 32 A
    Comb { teeth: 9, blocks: 29 },  // 464 KiB: 29 A
    Comb { teeth: 10, blocks: 26 }, // 832 KiB: 26 A
];

/// Words before the points, as many as a point has: x, three limbs of y, and the number of the shape under a mark.
const HEADER: usize = 8;
/// "p256comb", and room for the number in its last byte.
const MARK: u64 = 0x7032_3536_636f_6d00;

/// The words of the largest layout that fits in `words`; 0 when none does.
#[must_use]
pub(super) fn fitting(words: usize) -> usize {
    SHAPES.iter().map(|shape| words_of(*shape)).rfind(|needed| *needed <= words).unwrap_or(0)
}

/// Words of a layout.
#[expect(clippy::arithmetic_side_effects, reason = "the largest shape has 106 504 words")]
pub(super) const fn words_of(shape: Comb) -> usize {
    HEADER + 8 * shape.entries()
}

/// Writes the largest layout that fits, and returns its words.
pub(super) fn prepare(key: &Affine, table: &mut [u64]) -> usize {
    let Some((number, shape)) = SHAPES.iter().enumerate().rfind(|(_, shape)| words_of(**shape) <= table.len()) else {
        return 0;
    };
    let Some((header, words)) = table.split_first_chunk_mut() else {
        return 0;
    };
    let Some(entries) = words.as_chunks_mut().0.get_mut(..shape.entries()) else {
        return 0;
    };
    *header = header_of(key, number);
    build(entries, *shape, key);
    words_of(*shape)
}

/// The points and the shape of a table, if it is one of this key and whole.
#[must_use]
pub(super) fn open<'t>(key: &Affine, table: &'t [u64]) -> Option<(&'t [Entry], Comb)> {
    let (header, words) = table.split_first_chunk::<HEADER>()?;
    let number = header.last()? ^ MARK;
    let shape = *SHAPES.get(usize::try_from(number).ok()?)?;
    let entries = words.as_chunks().0.get(..shape.entries())?;
    (*header == header_of(key, usize::try_from(number).ok()?)).then_some((entries, shape))
}

/// Two points with the same x have different y, in their low limbs too: the sum of both is p, which is odd.
#[expect(clippy::as_conversions, reason = "a number below ten")]
const fn header_of(key: &Affine, number: usize) -> [u64; HEADER] {
    let [a, b, c, d, e, f, g, _] = key.entry();
    [a, b, c, d, e, f, g, MARK ^ number as u64]
}
