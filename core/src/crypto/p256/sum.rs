//! u · G + v · Q from two tables, for one signature or some together, in portable code.
//!
//! Adding two affine points costs 2 multiplications and 1 square, if 1 / (x2 − x1) is known; one division gives it for any number of pairs at
//! 3 multiplications each (P. Montgomery, "Speeding the Pollard and elliptic curve methods of factorization", 1987). Against 8 + 2 in XYZZ that
//! pays from [`FEWEST_PAIRS`] pairs on, so the sum trees are added up level by level as long as there are so many, and the rest in XYZZ.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "counts of points, below 2^10, of a plan that was cut to the arrays' lengths when it was made"
)]

use super::base;
use super::comb::{MOST_DIGITS, Term};
use super::field::Field;
use super::point::{Affine, Entry, Sum};

/// Most points of one signature.
const MOST_POINTS: usize = MOST_DIGITS + base::SHAPE.digits();
/// A division costs as much as about 100 multiplications, and a pair saves 4.
const FEWEST_PAIRS: usize = 24;

/// What is added up for one signature: a multiple of G and one of the key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms<'t> {
    pub(super) base: Term<'t>,
    pub(super) key: Term<'t>,
}

impl Terms<'_> {
    /// Columns of the two combs.
    #[must_use]
    pub(super) const fn columns(&self) -> usize {
        let (base, key) = (self.base.columns(), self.key.columns());
        if base > key { base } else { key }
    }

    /// The points of a column and whether to subtract them.
    #[inline(always)]
    pub(super) fn column(&self, column: usize) -> impl Iterator<Item = (&Entry, bool)> {
        self.key.column(column).chain(self.base.column(column))
    }

    /// Reads a word of every point, so that all of them are on their way from a far cache together and not one after the other.
    #[inline(always)]
    fn fetch(&self) {
        let mut any = 0;
        for column in 0..self.columns() {
            for ([first, .., last], _) in self.column(column) {
                any |= first | last;
            }
        }
        core::hint::black_box(any);
    }

    /// The sum, point by point; exact for every table of points on the curve.
    #[must_use]
    pub(super) fn sum(&self) -> Sum {
        let mut sum = Sum::INFINITY;
        for column in (0..self.columns()).rev() {
            let mut points = self.column(column).map(|(entry, negative)| Affine::from_entry(entry, negative));
            if !sum.is_infinity() {
                sum = sum.double();
            } else if let Some(first) = points.next() {
                sum = points.next().map_or(first.sum(), |second| first.add(&second));
            }
            for point in points {
                sum = sum.add_affine(&point);
            }
        }
        sum
    }
}

/// Some points that are added up together, a column of a signature.
#[derive(Clone, Copy)]
struct Group {
    signature: u8,
    count: u8,
    from: u16,
}

/// The sums of those terms that are there.
#[must_use]
pub(super) fn sums<const SIGNATURES: usize>(terms: &[Option<Terms<'_>>; SIGNATURES]) -> [Sum; SIGNATURES] {
    if let [Some(terms)] = terms.as_slice() {
        terms.fetch();
        return [terms.sum(); SIGNATURES];
    }
    let mut points = [[Affine { x: Field::ZERO, y: Field::ZERO }; MOST_POINTS]; SIGNATURES];
    let mut groups = [[Group { signature: 0, count: 0, from: 0 }; MOST_DIGITS]; SIGNATURES];
    let mut after = [[Field::ZERO; MOST_POINTS / 2]; SIGNATURES];
    let (points, groups, after) = (points.as_flattened_mut(), groups.as_flattened_mut(), after.as_flattened_mut());
    let (mut used, mut free) = (0, 0);
    for (signature, terms) in terms.iter().enumerate() {
        let Some(terms) = terms else { continue };
        terms.fetch();
        for column in (0..terms.columns()).rev() {
            let from = free;
            for ((entry, negative), slot) in terms.column(column).zip(&mut points[from..]) {
                *slot = Affine::from_entry(entry, negative);
                free += 1;
            }
            groups[used] = Group { signature: signature as u8, count: (free - from) as u8, from: from as u16 };
            used += 1;
        }
    }
    let groups = &mut groups[..used];
    let mut exceptional = [false; SIGNATURES];
    while groups.iter().map(|group| usize::from(group.count / 2)).sum::<usize>() >= FEWEST_PAIRS {
        add_pairs(points, after, groups, &mut exceptional);
    }
    let mut sums = [Sum::INFINITY; SIGNATURES];
    for group in groups.iter() {
        let sum = &mut sums[usize::from(group.signature)];
        *sum = add_group(sum, &points[usize::from(group.from)..][..usize::from(group.count)]);
    }
    for ((sum, exceptional), terms) in sums.iter_mut().zip(exceptional).zip(terms) {
        if let (true, Some(terms)) = (exceptional, terms) {
            *sum = terms.sum();
        }
    }
    sums
}

/// Twice the sum of the higher columns plus this column.
#[inline(always)]
fn add_group(sum: &Sum, points: &[Affine]) -> Sum {
    let (mut sum, points) = match points {
        [first, second, rest @ ..] if sum.is_infinity() => (first.add(second), rest),
        [first, rest @ ..] if sum.is_infinity() => (first.sum(), rest),
        _ => (sum.double(), points),
    };
    for point in points {
        sum = sum.add_affine(point);
    }
    sum
}

/// Replaces each group's points by the sums of its pairs, and one left over.
///
/// A pair with the same x has no slope: its signature is marked, and its difference counts as 1.
fn add_pairs(points: &mut [Affine], after: &mut [Field], groups: &mut [Group], exceptional: &mut [bool]) {
    let mut all = Field::ONE;
    let mut pairs = 0;
    for group in groups.iter().rev() {
        let from = usize::from(group.from);
        for pair in points[from..from + usize::from(group.count)].as_chunks::<2>().0.iter().rev() {
            let difference = pair[1].x.sub(&pair[0].x);
            after[pairs] = all;
            pairs += 1;
            if difference.is_zero() {
                exceptional[usize::from(group.signature)] = true;
            } else {
                all = all.mul(&difference);
            }
        }
    }
    let mut inverse = all.invert();
    for group in groups {
        let (from, count) = (usize::from(group.from), usize::from(group.count));
        for i in 0..count / 2 {
            let (first, second) = (points[from + 2 * i], points[from + 2 * i + 1]);
            let difference = second.x.sub(&first.x);
            pairs -= 1;
            let slope = second.y.sub(&first.y).mul(&inverse.mul(&after[pairs]));
            if !difference.is_zero() {
                inverse = inverse.mul(&difference);
            }
            points[from + i] = first.chord(&second, &slope);
        }
        if count % 2 == 1 {
            points[from + count / 2] = points[from + count - 1];
        }
        group.count = count.div_ceil(2) as u8;
    }
}
