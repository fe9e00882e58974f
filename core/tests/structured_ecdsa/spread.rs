//! Keys made for the spread of a sum over lanes.
//!
//! On eight lanes the points of one signature, or of two, are dealt to several lanes, each of which adds up its own; in the end the lanes are
//! added to each other. Each holds a·G + b·Q with known a and b, so whoever chooses q = −(a ∓ a′)/(b ∓ b′) makes two of them meet, equal or
//! opposite, in mid-sum. The model of combs and dealing is the test's own: it works on numbers where the kernel works on points.

use p256::Scalar;
use p256::elliptic_curve::PrimeField as _;

/// Teeth and blocks of a comb.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comb {
    pub(crate) teeth: usize,
    pub(crate) blocks: usize,
}

/// G's comb.
const OF_BASE: Comb = Comb { teeth: 11, blocks: 24 };

impl Comb {
    const fn digits(self) -> usize {
        256_usize.div_ceil(self.teeth)
    }

    const fn columns(self) -> usize {
        self.digits().div_ceil(self.blocks)
    }

    /// The points of a column for a multiplier, from block to block.
    fn column(self, k: Scalar, column: usize) -> Vec<Scalar> {
        let odd = bool::from(k.is_odd());
        let bytes: [u8; 32] = if odd { k } else { -k }.to_repr().into();
        let is_plus = |place: usize| match place + 1 {
            next if next == self.teeth * self.digits() => odd,
            256.. => !odd,
            next => (bytes[31 - next / 8] >> (next % 8) & 1 == 1) == odd,
        };
        let digit = |first: usize, shift: usize| {
            (0..self.teeth).map(|tooth| tooth * self.digits()).fold(Scalar::ZERO, |sum, place| {
                let power = (0..first - shift + place).fold(Scalar::ONE, |power, _| power + power);
                if is_plus(first + place) { sum + power } else { sum - power }
            })
        };
        let end = if column < self.columns() { self.digits() } else { 0 };
        (column..end).step_by(self.columns()).map(|first| digit(first, column)).collect()
    }
}

/// a·G + b·Q.
#[derive(Clone, Copy)]
struct Held {
    a: Scalar,
    b: Scalar,
}

impl Held {
    fn plus(self, other: Self) -> Self {
        Self { a: self.a + other.a, b: self.b + other.b }
    }

    /// The keys q for which this is the other or its opposite.
    fn meeting(self, other: Self) -> impl Iterator<Item = Scalar> {
        let zero = |a: Scalar, b: Scalar| Option::<Scalar>::from(b.invert()).map(|inverse| -a * inverse);
        [zero(self.a - other.a, self.b - other.b), zero(self.a + other.a, self.b + other.b)].into_iter().flatten()
    }
}

/// The keys for which u·G + v·Q meets an exception in one of `lanes` lanes, before its end.
pub(crate) fn keys(of_key: Comb, (u, v): (Scalar, Scalar), lanes: usize) -> Vec<Scalar> {
    let mut held = vec![None; lanes];
    let (mut found, mut turn) = (Vec::new(), 0);
    for column in (0..OF_BASE.columns().max(of_key.columns())).rev() {
        let key = of_key.column(v, column).into_iter().map(|b| Held { a: Scalar::ZERO, b });
        let base = OF_BASE.column(u, column).into_iter().map(|a| Held { a, b: Scalar::ZERO });
        for point in key.chain(base) {
            let lane: &mut Option<Held> = &mut held[turn % lanes];
            if let Some(sum) = lane {
                found.extend(sum.meeting(point));
            }
            *lane = Some(lane.map_or(point, |sum| sum.plus(point)));
            turn += 1;
        }
        if column > 0 {
            held.iter_mut().flatten().for_each(|sum| *sum = sum.plus(*sum));
        }
    }
    let mut held: Vec<_> = held.into_iter().map(|sum| sum.expect("every lane has a point")).collect();
    while held.len() > 1 {
        let latter = held.split_off(held.len() / 2);
        let met = held.iter().zip(&latter).flat_map(|(former, latter)| former.meeting(*latter));
        // what meets in the last addition is the sum itself
        found.extend(met.filter(|_| held.len() > 1));
        held.iter_mut().zip(latter).for_each(|(former, latter)| *former = former.plus(latter));
    }
    found
}
