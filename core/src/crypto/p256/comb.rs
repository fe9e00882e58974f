//! Multiples of a fixed point from a table of its multiples: the signed comb.
//!
//! An odd k < 2^256 ≤ 2^L is Σ ±2^i over all places i < L: place i is plus where bit i of (k >> 1) + 2^(L − 1) is set. With L = teeth · digits,
//! digit j is made of the places j, j + digits, j + 2 · digits, …, one a tooth. `columns` digits in sequence share a block of the table: digit
//! block · columns + column is taken from that block and then doubled `column` times, together with all other digits of its column. The sign
//! of the highest tooth is taken out, so that a block holds the 2^(teeth − 1) points whose highest tooth is plus. An even k is replaced by
//! n − k, which is odd, and the sum by its opposite; so no digit is ever zero, and k = 0 is the sum for n.
//!
//! The comb is C. H. Lim's and P. J. Lee's ("More Flexible Exponentiation with Precomputation", 1994), the signs are M. Hamburg's ("Fast and
//! compact elliptic-curve cryptography", 2012, section 3.3). With one column it is the same as a table of signed windows; with
//! more it needs far fewer doublings than windows of which only every second or fourth is stored.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "runs in the compiler too; the shapes are constants with small products, every table is cut to its shape's length first, `as` only widens or splits"
)]

use super::field::{Field, sub4};
use super::point::{Affine, Entry, Sum};
use super::scalar::N;

/// Most digits of a shape: the signs are one word.
pub(super) const MOST_DIGITS: usize = 64;
/// Most teeth of a shape.
const MOST_TEETH: usize = 11;
/// Additions that share one inversion while a table is built.
const BATCH: usize = 64;

/// The shape of G's table, 1.5 MiB, which all keys share: with 32 digits of a key's table of 256 KiB, 56 points, seven for each of eight lanes.
#[cfg(not(feature = "small-tables"))]
pub(super) const OF_BASE: Comb = Comb { teeth: 11, blocks: 24 };
/// 8 KiB.
#[cfg(feature = "small-tables")]
pub(super) const OF_BASE: Comb = Comb { teeth: 6, blocks: 4 };

/// The shape of a comb: 4 to 11 teeth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Comb {
    /// Places of a digit.
    pub(super) teeth: usize,
    /// Parts of the table.
    pub(super) blocks: usize,
}

impl Comb {
    /// Digits of a scalar; at most 64.
    #[must_use]
    pub(super) const fn digits(self) -> usize {
        256_usize.div_ceil(self.teeth)
    }

    /// Most digits that share a block; the last block may have fewer.
    #[must_use]
    pub(super) const fn columns(self) -> usize {
        self.digits().div_ceil(self.blocks)
    }

    /// Points of a block.
    const fn block(self) -> usize {
        1 << (self.teeth - 1)
    }

    /// Points of the table.
    #[must_use]
    pub(super) const fn entries(self) -> usize {
        self.blocks * self.block()
    }
}

/// A multiplier taken apart, beside the table that it will be taken from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term<'t> {
    entries: &'t [Entry],
    comb: Comb,
    /// The entry of each digit.
    index: [u16; MOST_DIGITS],
    /// The digits that are subtracted.
    negative: u64,
}

impl<'t> Term<'t> {
    /// k · P for the table of P and any k up to n; `None` when the table is too short.
    #[must_use]
    pub(super) fn new(entries: &'t [Entry], comb: Comb, k: &[u64; 4]) -> Option<Self> {
        let entries = entries.get(..comb.entries())?;
        let even = k[0] & 1 == 0;
        let [a, b, c, d] = if even { sub4(&N, k).0 } else { *k };
        let mut places = [a >> 1 | b << 63, b >> 1 | c << 63, c >> 1 | d << 63, d >> 1, 0];
        let digits = comb.digits();
        let top = comb.teeth * digits - 1;
        places[top / 64] |= 1 << (top % 64);
        let row = |tooth: usize| bits(&places, tooth * digits, digits);

        let plus = row(comb.teeth - 1);
        // a digit whose highest tooth is minus is the opposite of the one with all its signs changed
        let mut rows = [0; 8];
        for (tooth, slot) in rows.iter_mut().enumerate().take(comb.teeth - 1) {
            *slot = row(tooth) ^ !plus;
        }
        let high = |tooth: usize| if tooth + 1 < comb.teeth { row(tooth) ^ !plus } else { 0 };
        let (ninth, tenth) = (high(8), high(9));
        let mut index = [0; MOST_DIGITS];
        for (group, eight) in index.as_chunks_mut::<8>().0.iter_mut().enumerate().take(digits.div_ceil(8)) {
            let columns = transpose(rows.map(|row| (row >> (8 * group)) as u8)).to_le_bytes();
            for (j, (slot, low)) in eight.iter_mut().zip(columns).enumerate() {
                let digit = 8 * group + j;
                *slot = u16::from(low) | ((ninth >> digit) as u16 & 1) << 8 | ((tenth >> digit) as u16 & 1) << 9;
            }
        }
        Some(Self { entries, comb, index, negative: if even { plus } else { !plus } })
    }

    /// The shape of the table.
    #[must_use]
    pub(super) const fn comb(&self) -> Comb {
        self.comb
    }

    /// Doublings between the highest column and the lowest, plus one.
    #[must_use]
    pub(super) const fn columns(&self) -> usize {
        self.comb.columns()
    }

    /// The digits of a column, from block to block: a point of the table, and whether to subtract it. None for a column that the comb lacks.
    #[inline(always)]
    pub(super) fn column(&self, column: usize) -> impl Iterator<Item = (&'t Entry, bool)> {
        let columns = self.comb.columns();
        let end = if column < columns { self.comb.digits() } else { 0 };
        self.entries.chunks_exact(self.comb.block()).zip((column..end).step_by(columns)).map(|(block, digit)| {
            const NONE: Entry = [0; 8];
            let digit = digit % MOST_DIGITS;
            (block.get(usize::from(self.index[digit])).unwrap_or(&NONE), self.negative >> digit & 1 == 1)
        })
    }
}

/// `count` bits (at most 64) of `places` from `from` on; above them, unspecified bits.
#[inline(always)]
fn bits(places: &[u64; 5], from: usize, count: usize) -> u64 {
    let (word, shift) = (from / 64, from % 64);
    let low = places[word] >> shift;
    if shift + count > 64 { low | places[word + 1] << (64 - shift) } else { low }
}

/// The 8×8 bit matrix with rows and columns exchanged (H. Warren, "Hacker's Delight", section 7-3).
#[inline(always)]
fn transpose(rows: [u8; 8]) -> u64 {
    let mut x = u64::from_le_bytes(rows);
    for (distance, mask) in [(7, 0x00aa_00aa_00aa_00aa), (14, 0x0000_cccc_0000_cccc), (28, 0x0000_0000_f0f0_f0f0)] {
        let swap = (x ^ x >> distance) & mask;
        x ^= swap ^ swap << distance;
    }
    x
}

/// Fills the first [`Comb::entries`] of `entries` with the table of `point`.
///
/// First each block's entry 0, the sum with all lower teeth minus, and, in the places 1, 2, 4, …, twice each lower tooth. Then, tooth by tooth
/// and in all blocks at once, the entries with this tooth minus plus twice the tooth give those with it plus, the place that holds the double
/// last. Additions share inversions; none meets an equal or opposite point, because each compares a pair of fixed integers times the point,
/// whatever the point, and the tests build every shape.
pub(super) const fn build(entries: &mut [Entry], comb: Comb, point: &Affine) {
    start_blocks(entries, comb, point);
    let mut tooth = 0;
    while tooth + 1 < comb.teeth {
        let total = comb.blocks << tooth;
        let mut from = 0;
        while from < total {
            let count = if total - from < BATCH { total - from } else { BATCH };
            double_entries(entries, comb, tooth, from, count);
            from += count;
        }
        tooth += 1;
    }
}

/// Each block's entry 0 and the doubles of its lower teeth.
const fn start_blocks(entries: &mut [Entry], comb: Comb, point: &Affine) {
    let (teeth, digits, columns) = (comb.teeth, comb.digits(), comb.columns());
    let mut tooth = [point.sum(); MOST_TEETH];
    let mut i = 1;
    while i < teeth {
        tooth[i] = double_times(&tooth[i - 1], digits);
        i += 1;
    }
    let mut block = 0;
    while block < comb.blocks {
        let mut sums = [Sum::INFINITY; MOST_TEETH];
        sums[0] = tooth[teeth - 1];
        let mut i = 0;
        while i + 1 < teeth {
            let minus = Sum { y: Field::ZERO.sub(&tooth[i].y), ..tooth[i] };
            sums[0] = sums[0].add(&minus);
            sums[i + 1] = tooth[i].double();
            i += 1;
        }
        let first = block * comb.block();
        let affine = normalize(&sums, teeth);
        entries[first] = affine[0].entry();
        let mut i = 0;
        while i + 1 < teeth {
            entries[first + (1 << i)] = affine[i + 1].entry();
            i += 1;
        }
        block += 1;
        let mut i = 0;
        while i < teeth && block < comb.blocks {
            tooth[i] = double_times(&tooth[i], columns);
            i += 1;
        }
    }
}

/// The first `count` sums as points, with one inversion (P. Montgomery, 1987).
pub(super) const fn normalize<const MOST: usize>(sums: &[Sum; MOST], count: usize) -> [Affine; MOST] {
    let mut before = [Field::ONE; MOST];
    let mut all = Field::ONE;
    let mut i = 0;
    while i < count {
        before[i] = all;
        all = all.mul(&sums[i].zzz);
        i += 1;
    }
    let mut inverse = all.invert();
    let mut points = [Affine { x: Field::ZERO, y: Field::ZERO }; MOST];
    while i > 0 {
        i -= 1;
        points[i] = sums[i].affine(&inverse.mul(&before[i]));
        inverse = inverse.mul(&sums[i].zzz);
    }
    points
}

/// Where one addition of [`double_entries`] takes its terms and puts its sum: number `i` of all blocks' for this tooth, the last first.
const fn places(comb: Comb, tooth: usize, i: usize) -> (usize, usize, usize) {
    let first = (i >> tooth) * comb.block();
    let known = (1 << tooth) - 1 - (i & ((1 << tooth) - 1));
    (first + known, first + (1 << tooth), first + (1 << tooth) + known)
}

/// `count` affine additions with one inversion.
const fn double_entries(entries: &mut [Entry], comb: Comb, tooth: usize, from: usize, count: usize) {
    let mut before = [Field::ONE; BATCH];
    let mut all = Field::ONE;
    let mut i = 0;
    while i < count {
        let (known, twice, _) = places(comb, tooth, from + i);
        before[i] = all;
        all = all.mul(&x_of(&entries[twice]).sub(&x_of(&entries[known])));
        i += 1;
    }
    // backwards, so the double is overwritten at once; it is kept while its block lasts
    let mut inverse = all.invert();
    let mut double = Affine::BASE;
    while i > 0 {
        i -= 1;
        let (known, twice, sum) = places(comb, tooth, from + i);
        if sum == twice || i + 1 == count {
            double = Affine::from_entry(&entries[twice], false);
        }
        let term = Affine::from_entry(&entries[known], false);
        let dx = double.x.sub(&term.x);
        let slope = double.y.sub(&term.y).mul(&inverse.mul(&before[i]));
        inverse = inverse.mul(&dx);
        entries[sum] = term.chord(&double, &slope).entry();
    }
}

const fn x_of(entry: &Entry) -> Field {
    Affine::from_entry(entry, false).x
}

const fn double_times(sum: &Sum, times: usize) -> Sum {
    let mut sum = *sum;
    let mut i = 0;
    while i < times {
        sum = sum.double();
        i += 1;
    }
    sum
}
