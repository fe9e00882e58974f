//! Multiples of a fixed point from a table: the signed multi-comb.
//!
//! An odd k < 2^252 ≤ 2^(teeth · n), n = blocks · columns, is a sum of ±2^i over all i: the sign of place i is bit i of k >> 1, with a one
//! put on top. Place i = tooth · n + block · columns + column. A digit is the `teeth` signs that share block and column; its top sign
//! is taken out, so that a block's table holds 2^(teeth − 1) points, Σ ±2^(tooth · n + block · columns) · P with the top sign plus.
//! The sum over the blocks is made column by column from the highest, with one doubling between columns. For an even k, k + 1 is
//! taken and P subtracted: another representative modulo L would be wrong for a key with a component of small order.
//!
//! The comb is from C. H. Lim and P. J. Lee, "More Flexible Exponentiation with Precomputation" (1994), the signs from M. Hamburg,
//! "Fast and compact elliptic-curve cryptography" (2012, section 3.3). Against fixed windows, which double a whole window between
//! two stored ones, a comb has the same number of additions per byte of table with far fewer doublings.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "runs in the compiler too; the shapes below are constants whose products are small, and a table has the length of its shape"
)]

use super::divide::divide;
use super::field::Field;
use super::point::{Addend, Affine, Completed, Entry, Extended, Projective};

/// Most teeth of a shape: an index is one byte.
const MOST_TEETH: usize = 9;
/// Points that share one inversion when a table is built: 4 KiB of stack.
const BATCH: usize = 32;

/// The shape of a comb: at most 9 teeth, at most 64 digits, together 252 to 256 places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Comb {
    /// Bits of a digit.
    pub(super) teeth: usize,
    /// Tables, each for a part of every tooth.
    pub(super) blocks: usize,
    /// Digits taken from one block; one doubling less.
    pub(super) columns: usize,
}

impl Comb {
    /// Digits of a scalar.
    #[must_use]
    pub(super) const fn digits(self) -> usize {
        self.blocks * self.columns
    }

    /// Points of a table: every block's, then P itself.
    #[must_use]
    pub(super) const fn entries(self) -> usize {
        (self.blocks << (self.teeth - 1)) + 1
    }
}

/// A scalar taken apart for a comb.
struct Digits {
    index: [u8; 64],
    negative: u64,
}

impl Digits {
    /// For an odd k below 2^252.
    fn new(k: &[u64; 4], comb: Comb) -> Self {
        let count = comb.digits();
        let top = comb.teeth * count - 1;
        let mut signs = [k[0] >> 1 | k[1] << 63, k[1] >> 1 | k[2] << 63, k[2] >> 1 | k[3] << 63, k[3] >> 1];
        signs[(top / 64) & 3] |= 1 << (top % 64);
        let negative = !bits(&signs, top + 1 - count, count);
        let mut rows = [0; 8];
        for (tooth, row) in rows.iter_mut().enumerate().take(comb.teeth - 1) {
            *row = bits(&signs, tooth * count, count) ^ negative;
        }
        let mut index = [0; 64];
        for (group, eight) in index.as_chunks_mut().0.iter_mut().enumerate() {
            if group * 8 < count {
                *eight = transpose(rows.map(|row| (row >> (8 * group)) as u8)).to_le_bytes();
            }
        }
        Self { index, negative }
    }
}

/// `count` bits (at most 64) of `k` from place `from` on; above them, unspecified bits.
#[inline(always)]
fn bits(k: &[u64; 4], from: usize, count: usize) -> u64 {
    let (word, shift) = ((from / 64) & 3, from % 64);
    let low = k[word] >> shift;
    if shift + count > 64 && word < 3 { low | k[word + 1] << (64 - shift) } else { low }
}

/// The 8×8 bit matrix with rows and columns exchanged (H. Warren, "Hacker's Delight", section 7-3).
fn transpose(rows: [u8; 8]) -> u64 {
    let mut x = u64::from_le_bytes(rows);
    for (distance, mask) in [(7, 0x00aa_00aa_00aa_00aa), (14, 0x0000_cccc_0000_cccc), (28, 0x0000_0000_f0f0_f0f0)] {
        let swap = (x ^ x >> distance) & mask;
        x ^= swap ^ swap << distance;
    }
    x
}

/// A scalar and the table of the point that it multiplies.
pub(super) struct Term<'t> {
    entries: &'t [Entry],
    comb: Comb,
    digits: Digits,
    even: bool,
    negate: bool,
}

impl<'t> Term<'t> {
    /// ±k·P for the table of P; `None` when k is 2^252 or more (about one in 2^127 of the scalars below L) or the table is too short.
    #[must_use]
    pub(super) fn new(entries: &'t [Entry], comb: Comb, k: &[u64; 4], negate: bool) -> Option<Self> {
        let entries = entries.get(..comb.entries())?;
        if k[3] >> 60 != 0 {
            return None;
        }
        let even = k[0] & 1 == 0;
        let digits = Digits::new(&[k[0] | 1, k[1], k[2], k[3]], comb);
        let term = Self { entries, comb, digits, even, negate };
        term.touch();
        Some(term)
    }

    /// Reads a word of every cache line that the sum will need: these loads wait for memory side by side, those of the additions would
    /// wait one after the other. With 512 keys in turn this halves the time of a verification.
    fn touch(&self) {
        let mut all = 0;
        for (block, entries) in self.entries.chunks_exact(1 << (self.comb.teeth - 1)).take(self.comb.blocks).enumerate() {
            for column in 0..self.comb.columns {
                let digit = (block * self.comb.columns + column) & 63;
                if let Some(entry) = entries.get(usize::from(self.digits.index[digit])) {
                    // first, middle and last word: 96 bytes lie in two or three lines
                    all |= entry[0][0] | entry[1][2] | entry[2][3];
                }
            }
        }
        core::hint::black_box(all);
    }

    /// Adds the digits of a column, after the sum of the higher ones was doubled; nothing for a column that the comb lacks.
    #[inline(always)]
    #[must_use]
    pub(super) fn add_column(&self, mut sum: Completed, column: usize) -> Completed {
        if column >= self.comb.columns {
            return sum;
        }
        for (block, entries) in self.entries.chunks_exact(1 << (self.comb.teeth - 1)).take(self.comb.blocks).enumerate() {
            let digit = (block * self.comb.columns + column) & 63;
            let negative = (self.digits.negative >> digit) & 1 == 1;
            if let Some(entry) = entries.get(usize::from(self.digits.index[digit])) {
                sum = sum.extended().add_entry(entry, negative ^ self.negate);
            }
        }
        sum
    }

    /// Takes P away again when the scalar was made odd; after the last column.
    #[must_use]
    pub(super) fn finish(&self, sum: Completed) -> Completed {
        match self.entries.last() {
            Some(point) if self.even => sum.extended().add_entry(point, !self.negate),
            _ => sum,
        }
    }
}

/// The sum of two terms.
#[must_use]
pub(super) fn sum(first: &Term<'_>, second: &Term<'_>) -> Projective {
    let columns = first.comb.columns.max(second.comb.columns);
    let mut sum = Completed::IDENTITY;
    for column in (0..columns).rev() {
        if column + 1 != columns {
            sum = sum.projective().double();
        }
        sum = first.add_column(sum, column);
        sum = second.add_column(sum, column);
    }
    second.finish(first.finish(sum)).projective()
}

/// Writes the table of `point` to the first [`Comb::entries`] of `entries`.
pub(super) const fn build(entries: &mut [Entry], comb: Comb, point: &Affine) {
    let Comb { teeth, blocks, columns } = comb;
    let mut tooth = [point.extended(); MOST_TEETH];
    let mut i = 1;
    while i < teeth {
        tooth[i] = double_times(&tooth[i - 1], comb.digits());
        i += 1;
    }
    let (mut rest, end) = entries.split_at_mut(blocks << (teeth - 1));
    normalize(end, &[tooth[0].projective(); BATCH], 1);
    let mut block = 0;
    while block < blocks {
        let (head, tail) = rest.split_at_mut(1 << (teeth - 1));
        build_block(head, &tooth, teeth);
        rest = tail;
        block += 1;
        let mut i = 0;
        while i < teeth && block < blocks {
            tooth[i] = double_times(&tooth[i], columns);
            i += 1;
        }
    }
}

/// All sums of ±`tooth` with the top sign plus; index bit i is set for a plus of tooth i.
const fn build_block(entries: &mut [Entry], tooth: &[Extended; MOST_TEETH], teeth: usize) {
    let mut all_minus = tooth[teeth - 1];
    let mut i = 0;
    while i + 1 < teeth {
        all_minus = all_minus.add(&tooth[i].addend(), true).extended();
        i += 1;
    }
    let mut sums = [all_minus.projective(); BATCH];
    normalize(entries, &sums, 1);
    let mut i = 0;
    while i + 1 < teeth {
        let twice = tooth[i].projective().double().extended();
        let known = 1 << i;
        let mut from = 0;
        while from < known {
            let count = if known - from < BATCH { known - from } else { BATCH };
            let mut j = 0;
            while j < count {
                sums[j] = twice.add_entry(&entries[from + j], false).projective();
                j += 1;
            }
            normalize(entries.split_at_mut(known + from).1, &sums, count);
            from += count;
        }
        i += 1;
    }
}

/// The first `count` points as entries, with one inversion (P. Montgomery, 1987). No Z is zero on the curve.
const fn normalize(entries: &mut [Entry], points: &[Projective; BATCH], count: usize) {
    let mut products = [Field::ONE; BATCH];
    let mut product = Field::ONE;
    let mut i = 0;
    while i < count {
        products[i] = product;
        product = product.mul(&points[i].z);
        i += 1;
    }
    let mut inverse = divide(&Field::HALF, &product);
    while i > 0 {
        i -= 1;
        entries[i] = points[i].entry(&inverse.mul(&products[i]));
        inverse = inverse.mul(&points[i].z);
    }
}

const fn double_times(point: &Extended, times: usize) -> Extended {
    let mut point = *point;
    let mut i = 0;
    while i < times {
        point = point.projective().double().extended();
        i += 1;
    }
    point
}

/// −k·A or any other multiple without a table, for every k below 2^253, plus `base`.
#[must_use]
pub(super) fn sum_without_table(point: &Affine, digits: &[i8; 254], base: &Term<'_>) -> Projective {
    let odd = odd_multiples(point);
    let mut sum = Completed::IDENTITY;
    let mut begun = false;
    for (place, digit) in digits.iter().enumerate().rev() {
        begun |= *digit != 0 || place < base.comb.columns;
        if !begun {
            continue;
        }
        sum = sum.projective().double();
        if *digit != 0 {
            let addend = &odd[usize::from(digit.unsigned_abs() >> 1) & 7];
            sum = sum.extended().add(addend, *digit < 0);
        }
        sum = base.add_column(sum, place);
    }
    base.finish(sum).projective()
}

/// 1, 3, … 15 times the point.
fn odd_multiples(point: &Affine) -> [Addend; 8] {
    let mut multiple = point.extended();
    let twice = multiple.projective().double().extended().addend();
    let mut odd = [multiple.addend(); 8];
    for slot in odd.iter_mut().skip(1) {
        multiple = multiple.add(&twice, false).extended();
        *slot = multiple.addend();
    }
    odd
}
