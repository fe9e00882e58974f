//! The kernel over intervals: a lane is the least and the most that it can hold, so one run stands for all inputs, corrupt tables included.
//!
//! Every operation asserts what the CPU's would get wrong in silence: a sum that wraps, a product's factor of more than 52 bits. The loop of
//! additions and doublings is run until its intervals no longer grow; what holds then, holds for any number of steps.

use super::eight::{Sums, coordinates};
use super::lanes::{LOW_52, Lanes};
use super::point::Entry;
use super::wide::Wide;

const UNIT: i128 = 1 << 48;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Interval {
    least: i128,
    most: i128,
}

impl Interval {
    /// A word that is only ever taken as signed, or only ever as unsigned.
    fn new(least: i128, most: i128) -> Self {
        let signed = least >= i128::from(i64::MIN) && most <= i128::from(i64::MAX);
        let unsigned = least >= 0 && most <= i128::from(u64::MAX);
        assert!(least <= most && (signed || unsigned), "{least} to {most} is no word");
        Self { least, most }
    }

    fn hull(self, other: Self) -> Self {
        Self::new(self.least.min(other.least), self.most.max(other.most))
    }

    fn assert_factor(self) {
        assert!(self.least >= 0 && self.most <= i128::from(LOW_52), "{self:?} has bits that a product would lose");
    }
}

impl Lanes for Interval {
    fn splat(word: u64) -> Self {
        Self::new(word.into(), word.into())
    }

    fn rows(_: &[&Entry; 8]) -> [Self; 8] {
        [Self::new(0, u64::MAX.into()); 8]
    }

    fn words(self) -> [u64; 8] {
        panic!("an interval has no words")
    }

    fn add(self, other: Self) -> Self {
        Self::new(self.least + other.least, self.most + other.most)
    }

    fn sub(self, other: Self) -> Self {
        Self::new(self.least - other.most, self.most - other.least)
    }

    fn and(self, other: Self) -> Self {
        assert!(other.least == other.most && (other.most + 1).count_ones() == 1, "masks are low bits");
        if self.least >= 0 && self.most <= other.most { self } else { Self::new(0, other.most) }
    }

    fn shift_left<const BY: u32>(self) -> Self {
        let bits = i128::from(u64::MAX >> BY << BY);
        if self.least >= 0 && self.most << BY > bits { Self::new(0, bits) } else { Self::new(self.least << BY, self.most << BY) }
    }

    fn shift_right<const BY: u32>(self) -> Self {
        assert!(self.least >= 0, "{self:?} is signed");
        Self::new(self.least >> BY, self.most >> BY)
    }

    fn shift_right_signed<const BY: u32>(self) -> Self {
        assert!(self.most <= i128::from(i64::MAX), "{self:?} is not signed");
        Self::new(self.least >> BY, self.most >> BY)
    }

    fn low(self) -> Self {
        Self::new(0, LOW_52.into())
    }

    fn add_low(self, a: Self, b: Self) -> Self {
        a.assert_factor();
        b.assert_factor();
        self.add(Self::new(0, (a.most * b.most).min(LOW_52.into())))
    }

    fn add_high(self, a: Self, b: Self) -> Self {
        a.assert_factor();
        b.assert_factor();
        self.add(Self::new((a.least * b.least) >> 52, (a.most * b.most) >> 52))
    }

    fn promise_at_most(self, most: u64) {
        assert!(self.most <= most.into(), "{self:?} breaks the promise of at most {most}");
    }

    fn zeros(self) -> u8 {
        0
    }

    fn select(self, lanes: u8, other: Self) -> Self {
        if lanes == 0 { self } else { self.hull(other) }
    }

    fn exchange<const DISTANCE: usize>(self) -> Self {
        self
    }
}

fn hull(a: &Sums<Interval>, b: &Sums<Interval>) -> Sums<Interval> {
    Sums { x: a.x.select(1, &b.x), y: a.y.select(1, &b.y), zz: a.zz.select(1, &b.zz), zzz: a.zzz.select(1, &b.zzz) }
}

fn limbs(sums: &Sums<Interval>) -> [[Interval; 5]; 4] {
    [sums.x.0, sums.y.0, sums.zz.0, sums.zzz.0]
}

fn assert_top(number: &Wide<Interval>, sixteenths: i128) {
    assert!(
        number.0[4].least >= 0 && number.0[4].most * 16 <= sixteenths * UNIT,
        "{:?} is {} sixteenths",
        number.0[4],
        number.0[4].most * 16 / UNIT
    );
}

/// Everything that can be in a lane while points are added, from the beginning and for any number of steps.
fn reachable() -> Sums<Interval> {
    let (x, y) = coordinates::<Interval>(&[&[0; 8]; 8]);
    let start = Sums::from_entries(&x, &y, 0xff);
    // lanes that have not begun are zero, and double with the others
    let mut sums = hull(&start, &Sums { x: Wide::zero(), y: Wide::zero(), zz: Wide::zero(), zzz: Wide::zero() });
    sums = hull(&sums, &Sums::from_pairs(&start, &start).0);
    for _ in 0..10_000 {
        let more = hull(&hull(&sums, &sums.add_entries(&x, &y, 0xff).0), &sums.double());
        if limbs(&more) == limbs(&sums) {
            return sums;
        }
        sums = more;
    }
    panic!("the bounds keep growing")
}

#[test]
fn no_limb_overflows_and_no_product_loses_bits() {
    let sums = reachable();
    // the bounds that stand beside the type
    assert_top(&sums.x, 17);
    assert_top(&sums.y, 4 * 16);
    assert_top(&sums.zz, 2 * 16);
    assert_top(&sums.zzz, 2 * 16);
    let sums = hull(&sums, &sums.of_one_sign(0x55));
    let four = sums.fold::<4, false>().0;
    let two = hull(&sums, &four).fold::<2, false>().0;
    let one = hull(&hull(&sums, &four), &two).fold::<1, true>().0;
    assert_top(&one.x, 17);
    assert_top(&one.zz, 2 * 16);
}

#[test]
#[should_panic = "would lose"]
fn a_product_of_a_number_that_was_not_carried_is_noticed() {
    let large = Wide([Interval::new(0, 1 << 52); 5]);
    let _ = large.mul(&large);
}

#[test]
#[should_panic = "is no word"]
fn a_sum_that_wraps_is_noticed() {
    let large = Interval::new(0, u64::MAX.into());
    let _ = large.add(large);
}
