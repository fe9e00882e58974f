//! Montgomery arithmetic modulo an odd n on V vectors of eight 52-bit limbs, R = 2^(416·V), written once for every kind of lanes.
//!
//! A product is reduced as a whole rather than limb by limb: q = T·(−1/n) mod R, then (T + q·n)/R. The three products have no chain of
//! dependencies but the carries between them, which is what one signature at a time needs from a unit with long latencies. (Montgomery,
//! 1985; multiply-adds of 52 bits as in Gueron and Krasnov, "Accelerating Big Integer Arithmetic Using Intel IFMA Extensions", 2016.)
//!
//! R exceeds n by 2^32 at least, so numbers stay below 2n without subtractions: (4n² + R·n)/R < 2n.
#![expect(clippy::indexing_slicing, reason = "blocks below V and lanes below 8, by the loops around them")]
#![expect(clippy::arithmetic_side_effects, reason = "numbers of blocks, lanes and bits; the lanes' own bounds are proved by intervals")]
#![expect(clippy::as_conversions, reason = "the low 8 bits of a mask, the low 64 of a window of bits")]

use core::ops::Range;

use super::digit::{Digit, negative_inverse_of_limb};
use super::lanes::{Block, Lanes, MASK};
use super::montgomery::{is_less, power_of_two, subtract};
use super::power::{self, Ring};

/// A modulus with the constants of its arithmetic, in limbs of 52 bits.
#[derive(Clone, Copy)]
pub struct Modulus<'t, const V: usize> {
    /// n, odd, below R/2^32.
    pub(super) modulus: &'t [[u64; 8]; V],
    /// −1/n mod R.
    pub(super) inverse: &'t [[u64; 8]; V],
    /// R² mod n, or that plus n.
    pub(super) square: &'t [[u64; 8]; V],
}

/// What a [`Modulus`] refers to.
pub struct Constants<const V: usize> {
    pub(super) modulus: [[u64; 8]; V],
    pub(super) inverse: [[u64; 8]; V],
    pub(super) square: [[u64; 8]; V],
}

impl<const V: usize> Constants<V> {
    pub(super) const fn as_modulus(&self) -> Modulus<'_, V> {
        Modulus { modulus: &self.modulus, inverse: &self.inverse, square: &self.square }
    }
}

/// base^exponent mod n, below n, for an odd exponent of 3 or more and a base below n.
#[inline(always)]
pub(super) fn power<L: Lanes, const K: usize, const V: usize>(modulus: &Modulus<'_, V>, base: &[Digit; K], exponent: u64) -> [Digit; K] {
    let ring = Vectors::<L, V>::new(modulus);
    let base = split(base);
    let (mut result, overflow) = join(&power::power(&ring, &modulus.square.map(Block), &base, exponent));
    let (n, _) = join(&modulus.modulus.map(Block));
    if overflow || !is_less(&result, &n) {
        subtract(&mut result, &n);
    }
    result
}

/// The constants of n.
#[inline(always)]
pub(super) fn constants<L: Lanes, const K: usize, const V: usize>(n: &[Digit; K]) -> Constants<V> {
    let modulus = split(n);
    let mut ring = Vectors { modulus: modulus.map(|block| L::load(&block.0)), inverse: [L::splat(0); V] };
    let mut inverse = [Block([0; 8]); V];
    inverse[0].0[0] = negative_inverse_of_limb(n[0][0]) & MASK;
    // Newton's iteration, as in `negative_inverse`: 52 bits are right, then 104, 208 … 6656
    let two = L::load(&[2, 0, 0, 0, 0, 0, 0, 0]);
    for _ in 0..7 {
        let [mut factor, _] = columns(&inverse, &ring.modulus, 0..V);
        factor[0] = factor[0].add(two);
        let (factor, _) = carried(&factor);
        let [next, _] = columns(&inverse, &factor, 0..V);
        inverse = carried(&next).0.map(L::store);
    }
    ring.inverse = inverse.map(|block| L::load(&block.0));
    // 2^(416·V + d) is R·2^d; with 416·V = d·2^s, s Montgomery squarings make that R·R
    let bits = 416 * V;
    let squarings = bits.trailing_zeros();
    let mut square = split(&power_of_two(n, bits + (bits >> squarings)));
    for _ in 0..squarings {
        square = ring.square(&square);
    }
    Constants { modulus: modulus.map(|block| block.0), inverse: inverse.map(|block| block.0), square: square.map(|block| block.0) }
}

/// The modulus in registers.
pub(super) struct Vectors<L, const V: usize> {
    pub(super) modulus: [L; V],
    pub(super) inverse: [L; V],
}

impl<L: Lanes, const V: usize> Vectors<L, V> {
    #[inline(always)]
    fn new(modulus: &Modulus<'_, V>) -> Self {
        Self { modulus: modulus.modulus.map(|limbs| L::load(&limbs)), inverse: modulus.inverse.map(|limbs| L::load(&limbs)) }
    }

    /// T/R mod n from the column sums of T.
    ///
    /// Only the upper half of q·n is wanted. What its lower half and that of T, which add up to a multiple of R, carry into the upper
    /// half is read off their two top columns u and v: the sum of the columns under them is less than 2^12 units of v, as a column is
    /// less than 2^63, so ⌈(u·2^52 + v)/2^104⌉ = ⌊(u + ⌊(v + 2^12)/2^52⌋)/2^52⌋ is that multiple.
    #[inline(always)]
    fn reduce(&self, [low, mut high]: [[L; V]; 2]) -> [Block; V] {
        let (low, carry) = carried(&low);
        let [quotient, _] = columns(&low.map(L::store), &self.inverse, 0..V);
        let (quotient, _) = carried(&quotient);
        let [below, upper] = columns(&quotient.map(L::store), &self.modulus, V - 1..2 * V);
        for (sum, column) in high.iter_mut().zip(&upper) {
            *sum = sum.add(*column);
        }
        let top = below[V - 1].add(low[V - 1]);
        let zero = L::splat(0);
        let rounded = top.add(L::splat(1 << 12)).high_bits().shift_in(zero);
        let multiple = top.add(rounded).high_bits();
        high[0] = high[0].add(zero.shift_in(multiple)).add(carry);
        carried(&high).0.map(L::store)
    }
}

impl<L: Lanes, const V: usize> Ring for Vectors<L, V> {
    type Element = [Block; V];

    #[inline(always)]
    fn multiply(&self, x: &[Block; V], y: &[Block; V]) -> [Block; V] {
        self.reduce(columns(x, &y.map(|block| L::load(&block.0)), 0..2 * V))
    }

    #[inline(always)]
    fn square(&self, x: &[Block; V]) -> [Block; V] {
        self.multiply(x, x)
    }
}

/// The body for each number below $count, written out: only then do the sums stay in registers.
macro_rules! each_number {
    ($count:ident, $name:ident => $body:block) => {
        each_number!(@ $count, $name, $body, 0 1 2 3 4 5 6 7 8 9 10)
    };
    (@ $count:ident, $name:ident, $body:block, $($number:literal)*) => {
        $(if $number < $count {
            let $name = $number;
            $body
        })*
    };
}

/// The sums of columns of x·y in the blocks of a range, zero elsewhere.
///
/// y walks up by one lane a step, so the limb in lane s of each block of x meets it in step s at its own column. A column sums at most
/// 8·V low and as many high halves, each below 2^52.
#[inline(always)]
pub(super) fn columns<L: Lanes, const V: usize>(x: &[Block; V], y: &[L; V], wanted: Range<usize>) -> [[L; V]; 2] {
    let zero = L::splat(0);
    // several sums a column, while they fit the 32 registers beside y: with one, a column's chain is longer than the work of all
    let sets = if 4 * wanted.len() + V + 2 <= 32 { 4 } else { 1 + usize::from(2 * wanted.len() + V + 2 <= 32) };
    let mut sums = [[[zero; V]; 2]; 4];
    let parts = V + 1;
    let mut shifted = [[zero; V]; 2];
    each_number!(V, block => { shifted[0][block] = y[block]; });
    let y = shifted.as_flattened_mut();
    for lane in 0..8 {
        let limbs: [L; V] = core::array::from_fn(|block| L::splat(x[block].0[lane]));
        each_number!(V, block => {
            let sums = sums[(2 * (block % 2)) & (sets - 1)].as_flattened_mut();
            each_number!(parts, part => {
                if block + part >= wanted.start && block + part < wanted.end {
                    sums[block + part] = sums[block + part].add_low(limbs[block], y[part]);
                }
            });
        });
        for part in (1..=V).rev() {
            y[part] = y[part].shift_in(y[part - 1]);
        }
        y[0] = y[0].shift_in(zero);
        each_number!(V, block => {
            let sums = sums[(2 * (block % 2) + 1) & (sets - 1)].as_flattened_mut();
            each_number!(parts, part => {
                if block + part >= wanted.start && block + part < wanted.end {
                    sums[block + part] = sums[block + part].add_high(limbs[block], y[part]);
                }
            });
        });
    }
    let mut columns = [[zero; V]; 2];
    each_number!(V, block => {
        for half in 0..2 {
            let [a, b, c, d] = [sums[0][half][block], sums[1][half][block], sums[2][half][block], sums[3][half][block]];
            columns[half][block] = a.add(b).add(c.add(d));
        }
    });
    columns
}

/// Limbs below 2^52 from sums of columns below 2^64 − 2^12, and what leaves at the top, in the lowest lane.
///
/// One step leaves each limb below 2^52 + 2^12. The carries of one that remain run through limbs of 2^52 − 1, and all at once through
/// a mask with a bit a limb: adding the generated carries to the full limbs ripples exactly there.
#[inline(always)]
pub(super) fn carried<L: Lanes, const V: usize>(columns: &[L; V]) -> ([L; V], L) {
    let zero = L::splat(0);
    let mut below = zero;
    let (mut above, mut full) = (0u128, 0u128);
    let mut limbs = *columns;
    for (block, limbs) in limbs.iter_mut().enumerate() {
        let high = limbs.high_bits();
        *limbs = limbs.low_bits().add(high.shift_in(below));
        below = high;
        above |= u128::from(limbs.are_above()) << (8 * block);
        full |= u128::from(limbs.are_full()) << (8 * block);
    }
    let carries = ((above << 1) + full) ^ full;
    for (block, limbs) in limbs.iter_mut().enumerate() {
        *limbs = limbs.increment((carries >> (8 * block)) as u8);
    }
    let top = zero.shift_in(below).add(zero.increment((carries >> (8 * V)) as u8));
    (limbs, top)
}

/// Limbs of 52 bits from digits.
#[inline(always)]
fn split<const K: usize, const V: usize>(digits: &[Digit; K]) -> [Block; V] {
    let words = digits.as_flattened();
    let word = |number| words.get(number).copied().unwrap_or(0);
    let mut blocks = [Block([0; 8]); V];
    for (number, limb) in blocks.iter_mut().flat_map(|block| &mut block.0).enumerate() {
        let (first, shift) = (52 * number / 64, 52 * number % 64);
        let window = u128::from(word(first + 1)) << 64 | u128::from(word(first));
        *limb = (window >> shift) as u64 & MASK;
    }
    blocks
}

/// Digits from limbs of 52 bits, and whether a limb above them is not zero.
#[inline(always)]
fn join<const K: usize, const V: usize>(blocks: &[Block; V]) -> ([Digit; K], bool) {
    let limb = |number: usize| blocks.get(number / 8).map_or(0, |block| u128::from(block.0[number % 8]));
    let word = |number: usize| {
        let (first, shift) = (64 * number / 52, 64 * number % 52);
        ((limb(first) | limb(first + 1) << 52 | limb(first + 2) << 104) >> shift) as u64
    };
    let mut digits = [[0; 4]; K];
    for (number, limb) in digits.as_flattened_mut().iter_mut().enumerate() {
        *limb = word(number);
    }
    (digits, word(4 * K) != 0)
}
