//! u · G + v · Q from two tables on eight lanes: for one signature with eight partial sums, for two with four each, or for up to eight with one each.
//!
//! The kernel is the same for all: a [`Plan`] says which entry each lane adds at which step, lanes double together between the columns of the
//! combs, and in the end the lanes of a signature are added up in halves. A lane that may have met an equal or opposite point is not
//! trusted: the exact portable sum takes its signature's place.
//!
//! Every addition and doubling yields the opposite of the sum, which spares a subtraction of ten columns; x is the same, and [`run`] knows the
//! sign of each lane.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "lanes and steps are counted below the arrays' lengths; limbs are below 2^52 when they are put together"
)]

use super::base;
use super::comb::MOST_DIGITS;
use super::field::Field;
use super::lanes::Lanes;
use super::point::{Entry, Quotient};
use super::sum::Terms;
use super::wide::Wide;

/// Most steps of a lane; a column may end with a step that is not full.
const MOST_STEPS: usize = MOST_DIGITS + base::SHAPE.digits();

/// One addition in every lane.
#[derive(Clone, Copy)]
pub(super) struct Step<'t> {
    pub(super) entries: [&'t Entry; 8],
    /// The lanes that subtract.
    negative: u8,
    /// The lanes that have something to add.
    live: u8,
}

/// How many steps before an entry is needed it is asked for.
const AHEAD: usize = 8;

impl Step<'_> {
    #[inline(always)]
    fn fetch<L: Lanes>(&self) {
        self.entries.iter().for_each(|entry| L::fetch(entry));
    }
}

/// Room for the steps of a [`Plan`]. Apart from it, because the compiler clears the whole of a structure that begins in part.
pub(super) type Steps<'t> = heapless::Vec<Step<'t>, MOST_STEPS>;

/// What the lanes do.
pub(super) struct Plan<'t, 'p> {
    steps: &'p mut Steps<'t>,
    /// After which steps the lanes double, from the highest column to the lowest but one.
    columns: [u8; MOST_DIGITS],
    doublings: usize,
    /// Two to this power is the number of lanes of a signature: 3, 2, 1 or 0.
    halvings: u32,
}

impl<'t, 'p> Plan<'t, 'p> {
    /// Plans for one to eight signatures, all with the same number of columns, in room without steps.
    pub(super) fn new(terms: &[&'t Terms<'_>], steps: &'p mut Steps<'t>) -> Self {
        let halvings = match terms.len() {
            1 => 3,
            2 => 2,
            3 | 4 => 1,
            _ => 0,
        };
        let mut plan = Self { steps, columns: [0; MOST_DIGITS], doublings: 0, halvings };
        if let Some(first) = terms.first() {
            plan.fill(terms, first);
        }
        plan
    }

    fn fill(&mut self, terms: &[&'t Terms<'_>], first: &'t Terms<'_>) {
        let mut turn = 0;
        for column in (0..first.columns()).rev() {
            let (from, mut count) = (self.steps.len(), 0);
            for group in 0..8 >> self.halvings {
                // a group without a signature of its own repeats one
                count = self.put(terms.get(group).unwrap_or(&first), column, (from, self.lane(group)), turn);
            }
            turn += count;
            if column > 0 {
                self.columns[self.doublings] = self.steps.len() as u8;
                self.doublings += 1;
            }
        }
    }

    /// Deals the points of a column to the lanes of a group, beginning where the last column ended.
    fn put(&mut self, terms: &'t Terms<'_>, column: usize, (from, lanes): (usize, usize), turn: usize) -> usize {
        const NOTHING: Entry = [0; 8];
        let mut count = 0;
        for (entry, negative) in terms.column(column) {
            let at = from + (count >> self.halvings);
            if at == self.steps.len() {
                // as much room as any two combs have points
                let _ = self.steps.push(Step { entries: [&NOTHING; 8], negative: 0, live: 0 });
            }
            let lane = (lanes + ((turn + count) & ((1 << self.halvings) - 1))) % 8;
            let step = &mut self.steps[at];
            step.entries[lane] = entry;
            step.negative |= u8::from(negative) << lane;
            step.live |= 1 << lane;
            count += 1;
        }
        count
    }

    /// The first two steps, if every lane adds in both and none doubles between them.
    fn pairs(&self) -> Option<[&Step<'t>; 2]> {
        match self.steps() {
            [first, second, ..] if first.live & second.live == 0xff && (self.doublings == 0 || self.columns[0] > 1) => {
                Some([first, second])
            }
            _ => None,
        }
    }

    /// The steps.
    pub(super) fn steps(&self) -> &[Step<'t>] {
        self.steps
    }

    /// The lane in which signature `i` ends.
    const fn lane(&self, i: usize) -> usize {
        i << self.halvings
    }
}

/// Eight points in the coordinates of [`super::point::Sum`]; the bounds are x 1, y 4, zz and zzz 2.
#[derive(Clone, Copy)]
pub(super) struct Sums<L> {
    pub(super) x: Wide<L>,
    pub(super) y: Wide<L>,
    pub(super) zz: Wide<L>,
    pub(super) zzz: Wide<L>,
}

impl<L: Lanes> Sums<L> {
    /// No point at all.
    #[inline(always)]
    fn none() -> Self {
        Self { x: Wide::zero(), y: Wide::zero(), zz: Wide::zero(), zzz: Wide::zero() }
    }

    /// The points in a table, or their opposites.
    #[inline(always)]
    pub(super) fn from_entries(x: &Wide<L>, y: &Wide<L>, negative: u8) -> Self {
        Self { x: x.reduced::<2>(), y: y.reduced_opposite::<18>(negative), zz: Wide::one(), zzz: Wide::one() }
    }

    /// The opposites of the sums of two points of a table each: 4 products and 2 squares.
    #[inline(always)]
    pub(super) fn from_pairs(first: &Self, second: &Self) -> (Self, u8) {
        let p = second.x.sub::<2>(&first.x);
        let r = second.y.sub::<2>(&first.y);
        let pp = p.square();
        let rr = r.square_signed();
        let q = first.x.mul(&pp);
        let ppp = p.mul(&pp);
        let x = rr.less::<6, 3>([&ppp, &q, &q]);
        let y = Wide::mul_plus_mul(&r, &x.sub::<2>(&q), &first.y, &ppp);
        (Self { x, y, zz: pp, zzz: ppp }, p.maybe_zero())
    }

    /// The opposites of the sums with points of a table, or with their opposites: 8 products and 2 squares. The lanes that may have met the
    /// same x are in the mask.
    #[inline(always)]
    pub(super) fn add_entries(&self, x: &Wide<L>, y: &Wide<L>, negative: u8) -> (Self, u8) {
        let p = x.mul_less::<2>(&self.zz, 0, &self.x);
        let r = y.mul_less::<7>(&self.zzz, negative, &self.y);
        // no product stands right behind one that it needs: CPUs do not look far enough ahead
        let pp = p.square();
        let rr = r.square_signed();
        let q = self.x.mul(&pp);
        let zz = self.zz.mul(&pp);
        let ppp = p.mul(&pp);
        let x = rr.less::<6, 3>([&ppp, &q, &q]);
        let zzz = self.zzz.mul(&ppp);
        let y = Wide::mul_plus_mul(&r, &x.sub::<2>(&q), &self.y, &ppp);
        (Self { x, y, zz, zzz }, p.maybe_zero())
    }

    /// Adds to the sums of the lanes whose bit of `DISTANCE` is clear those of the lanes that have it set, and takes the opposite: 6
    /// products and a square; with `LAST`, 5 and 1 for X and ZZ alone. The former lanes make one of every two products, and the latter, in
    /// which no sum is left, the other one.
    #[inline(always)]
    pub(super) fn fold<const DISTANCE: usize, const LAST: bool>(&self) -> (Self, u8) {
        let latter = Self::latter::<DISTANCE>();
        let both = |former: &Wide<L>, in_latter: &Wide<L>| former.select(latter, in_latter);
        let (zz, zzz) = (self.zz.exchange::<DISTANCE>(), self.zzz.exchange::<DISTANCE>());
        let (u, s) = (self.x.mul(&zz), self.y.mul(&zzz));
        let (other_u, other_s) = (u.exchange::<DISTANCE>(), s.exchange::<DISTANCE>());
        let (p, r) = (other_u.sub::<2>(&u), other_s.sub::<2>(&s));
        // P² and R²
        let squares = both(&p, &r).square();
        let other_squares = squares.exchange::<DISTANCE>();
        let pp = both(&squares, &other_squares);
        // P³ and U · P²
        let products = both(&p, &other_u).mul(&pp);
        let q = products.exchange::<DISTANCE>();
        let x = other_squares.less::<6, 3>([&products, &q, &q]);
        let zs = both(&self.zz, &self.zzz).mul(&both(&zz, &zzz)).mul(&both(&pp, &q));
        if LAST {
            return (Self { x, y: x, zz: zs, zzz: zs }, p.maybe_zero() & !latter);
        }
        let halves = both(&r, &other_s).mul(&both(&x.sub::<2>(&q), &q));
        let y = halves.add(&halves.exchange::<DISTANCE>());
        (Self { x, y, zz: zs, zzz: zs.exchange::<DISTANCE>() }, p.maybe_zero() & !latter)
    }

    /// The lanes whose bit of `DISTANCE` is set.
    const fn latter<const DISTANCE: usize>() -> u8 {
        match DISTANCE {
            4 => 0xf0,
            2 => 0xcc,
            _ => 0xaa,
        }
    }

    /// All sums with the sign of those whose bit is clear.
    #[inline(always)]
    pub(super) fn of_one_sign(self, opposite: u8) -> Self {
        Self { y: self.y.reduced_opposite::<5>(opposite), ..self }
    }

    /// The opposites of twice the sums: 7 products and 2 squares.
    #[inline(always)]
    pub(super) fn double(&self) -> Self {
        let u = self.y.add(&self.y);
        let v = u.square();
        let w = u.mul(&v);
        let s = self.x.mul(&v);
        let m = self.x.sub::<2>(&self.zz).mul(&self.x.add(&self.zz));
        let m = m.add(&m).add(&m);
        let x = m.square_signed().less::<5, 2>([&s, &s]);
        let y = Wide::mul_plus_mul(&m, &x.sub::<2>(&s), &w, &self.y);
        Self { x, y, zz: v.mul(&self.zz), zzz: w.mul(&self.zzz) }
    }

    #[inline(always)]
    fn select(&self, lanes: u8, other: &Self) -> Self {
        Self {
            x: self.x.select(lanes, &other.x),
            y: self.y.select(lanes, &other.y),
            zz: self.zz.select(lanes, &other.zz),
            zzz: self.zzz.select(lanes, &other.zzz),
        }
    }
}

/// The two coordinates of entries.
#[inline(always)]
pub(super) fn coordinates<L: Lanes>(entries: &[&Entry; 8]) -> (Wide<L>, Wide<L>) {
    let [a, b, c, d, e, f, g, h] = L::rows(entries);
    (Wide::from_words([a, b, c, d]), Wide::from_words([e, f, g, h]))
}

/// What the lanes hold at the end, X and ZZ, and those that are not to be trusted.
#[derive(Clone, Copy)]
pub(super) struct Outcome {
    x: [[u64; 8]; 5],
    zz: [[u64; 8]; 5],
    exceptional: u8,
}

/// Runs a plan.
#[inline(always)]
pub(super) fn run<L: Lanes>(plan: &Plan<'_, '_>) -> Outcome {
    // the lanes that have a sum, those whose sum is the opposite of the true one, and those that are not to be trusted
    let (mut sums, mut begun, mut opposite, mut exceptional) = (Sums::<L>::none(), 0, 0, 0);
    let mut doublings = plan.columns[..plan.doublings].iter().map(|after| usize::from(*after));
    let mut next = doublings.next();
    let mut done = 0;
    plan.steps().iter().take(AHEAD).for_each(Step::fetch::<L>);
    if let Some([first, second]) = plan.pairs() {
        (sums, exceptional) = Sums::from_pairs(&from_table(first), &from_table(second));
        (begun, opposite, done) = (0xff, 0xff, 2);
    }
    for (i, step) in plan.steps().iter().enumerate().skip(done) {
        plan.steps().get(i + AHEAD - done).into_iter().for_each(Step::fetch::<L>);
        while next == Some(i) {
            sums = sums.double();
            opposite ^= begun;
            next = doublings.next();
        }
        let both = begun & step.live;
        if both != 0 {
            let (x, y) = coordinates(&step.entries);
            let (added, same) = sums.add_entries(&x, &y, step.negative ^ opposite);
            exceptional |= same & both;
            opposite ^= both;
            sums = if both == 0xff { added } else { sums.select(both, &added) };
        }
        let fresh = step.live & !begun;
        if fresh != 0 {
            sums = sums.select(fresh, &from_table(step));
            begun |= fresh;
        }
    }
    exceptional |= !begun;
    if plan.halvings > 0 && opposite != 0xff && opposite != 0 {
        sums = sums.of_one_sign(opposite);
    }
    let mut lanes = 0xff;
    if plan.halvings > 2 {
        let (folded, same) = sums.fold::<4, false>();
        (sums, exceptional, lanes) = (folded, exceptional | same, 0x0f);
    }
    if plan.halvings > 1 {
        let (folded, same) = sums.fold::<2, false>();
        (sums, exceptional, lanes) = (folded, exceptional | same & lanes, lanes & 0x33);
    }
    if plan.halvings > 0 {
        let (folded, same) = sums.fold::<1, true>();
        (sums, exceptional) = (folded, exceptional | same & lanes);
    }
    Outcome { x: sums.x.words(), zz: sums.zz.words(), exceptional }
}

/// The points of a step, as sums of one.
#[inline(always)]
fn from_table<L: Lanes>(step: &Step<'_>) -> Sums<L> {
    let (x, y) = coordinates(&step.entries);
    Sums::from_entries(&x, &y, step.negative)
}

impl Outcome {
    /// The affine x of signature `i`'s sum; `None` when a lane of it is exceptional.
    pub(super) fn quotient(&self, plan: &Plan<'_, '_>, i: usize) -> Option<Quotient> {
        let lane = plan.lane(i);
        let lanes = ((1_u16 << (1 << plan.halvings)) - 1) << lane;
        if u16::from(self.exceptional) & lanes != 0 {
            return None;
        }
        Some(Quotient { numerator: field(&self.x, lane), denominator: field(&self.zz, lane) })
    }
}

/// One lane's number, below 2^260, modulo p; the factor that Montgomery's forms differ by is the same in numerator and denominator.
fn field(limbs: &[[u64; 8]; 5], lane: usize) -> Field {
    let [a, b, c, d, e] = limbs.map(|words| words[lane % 8]);
    let low = Field([a | b << 52, b >> 12 | c << 40, c >> 24 | d << 28, d >> 36 | e << 16]);
    // what is above 2^256, times 2^256
    low.add(&Field::from_limbs([e >> 48, 0, 0, 0]))
}
