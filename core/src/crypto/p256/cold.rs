//! u · G + v · Q for a key without a table: one chain of 256 doublings, with odd multiples of Q made on the spot and the table of G.
//!
//! Doublings rule here, so the sum is kept in Jacobian coordinates, x = X / Z², y = Y / Z³, where a doubling costs 8 multiplications. v is
//! recoded to digits that are 0 or odd, at most 15, of which any five neighbours have at most one that is not 0 (the width-5
//! NAF: J. Solinas, "Efficient arithmetic on Koblitz curves", 2000).

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "arrays of constant length under masked indices and loop counters; digits of at most five bits"
)]

use super::comb::{Term, normalize};
use super::field::{Field, add4};
use super::point::{Affine, Sum};

const WIDTH: u32 = 5;
/// Odd multiples up to 15.
const ODD: usize = 8;
/// A carry may make one digit more than there are bits.
const PLACES: usize = 257;

/// Any point; infinity has X = Z = 0.
#[derive(Clone, Copy)]
struct Jacobian {
    x: Field,
    y: Field,
    z: Field,
}

impl Jacobian {
    const INFINITY: Self = Self { x: Field::ZERO, y: Field::ZERO, z: Field::ZERO };

    /// Twice the point: 5 multiplications and 3 squares; right for infinity.
    #[inline(always)]
    const fn double(&self) -> Self {
        let u = self.y.double();
        let v = u.square();
        let s = self.x.mul(&v);
        let zz = self.z.square();
        let m = self.x.sub(&zz).mul(&self.x.add(&zz));
        let m = m.double().add(&m);
        let x = m.square_less(&[&s, &s]);
        // 8Y⁴ is v² / 2
        let y = Field::mul_less_mul(&m, &s.sub(&x), &v, &v.halve());
        Self { x, y, z: u.mul(&self.z) }
    }

    /// Adds a point: 8 multiplications and 3 squares.
    #[inline(always)]
    fn add_affine(&self, point: &Affine) -> Self {
        let zz = self.z.square();
        let p = point.x.mul_less(&zz, &[&self.x]);
        let r = point.y.mul_less(&self.z.mul(&zz), &[&self.y]);
        if p.is_zero() {
            core::hint::cold_path();
            return self.add_same_x(point, &r);
        }
        let pp = p.square();
        let ppp = p.mul(&pp);
        let q = self.x.mul(&pp);
        let x = r.square_less(&[&ppp, &q, &q]);
        let y = Field::mul_less_mul(&r, &q.sub(&x), &self.y, &ppp);
        Self { x, y, z: self.z.mul(&p) }
    }

    /// The sum is infinity, the point or its opposite.
    #[inline(never)]
    fn add_same_x(&self, point: &Affine, r: &Field) -> Self {
        let point = Self { x: point.x, y: point.y, z: Field::ONE };
        if self.z.is_zero() {
            point
        } else if r.is_zero() {
            point.double()
        } else if cfg!(feature = "inject-pitfall-2") {
            Self { z: Field::ZERO, ..point }
        } else {
            Self::INFINITY
        }
    }
}

/// The multiple of G in `base` plus v · `key`.
#[must_use]
pub(super) fn sum(key: &Affine, v: &[u64; 4], base: &Term<'_>) -> Sum {
    let odd = odd_multiples(key);
    let digits = recode(v);
    let mut sum = Jacobian::INFINITY;
    for (place, digit) in digits.iter().enumerate().rev() {
        sum = sum.double();
        if *digit != 0 {
            let Affine { x, y } = odd[usize::from(digit.unsigned_abs() / 2) % ODD];
            sum = sum.add_affine(&Affine { x, y: y.negate_if(*digit < 0) });
        }
        for (entry, negative) in base.column(place) {
            sum = sum.add_affine(&Affine::from_entry(entry, negative));
        }
    }
    let zz = sum.z.square();
    Sum { x: sum.x, y: sum.y, zz, zzz: zz.mul(&sum.z) }
}

/// 1, 3, … 15 times the point, canonical.
fn odd_multiples(point: &Affine) -> [Affine; ODD] {
    let mut sums = [point.sum(); ODD];
    let twice = point.sum().double();
    for i in 1..ODD {
        // no two of 2 and 1, 3, … 13 are equal or opposite modulo n
        sums[i] = sums[i - 1].add(&twice);
    }
    normalize(&sums, ODD).map(|Affine { x, y }| Affine { x: x.canonical(), y: y.canonical() })
}

/// The width-5 NAF of v, lowest digit first.
fn recode(v: &[u64; 4]) -> [i8; PLACES] {
    let mut digits = [0; PLACES];
    let mut rest = *v;
    let mut place = 0;
    while rest != [0; 4] {
        let zeros = rest[0].trailing_zeros();
        if zeros > 0 {
            let shift = if zeros < 63 { zeros } else { 63 };
            rest = shift_right(&rest, shift, false);
            place += shift as usize;
            continue;
        }
        let low = (rest[0] & 31) as i8;
        rest[0] &= !31;
        let mut over = false;
        let digit = if low < 16 {
            low
        } else {
            (rest, over) = add4(&rest, &[32, 0, 0, 0]);
            low - 32
        };
        if let Some(slot) = digits.get_mut(place) {
            *slot = digit;
        }
        rest = shift_right(&rest, WIDTH, over);
        place += WIDTH as usize;
    }
    digits
}

/// Bits shifted down by 1 to 63, with one more bit on top.
fn shift_right(x: &[u64; 4], by: u32, over: bool) -> [u64; 4] {
    let up = 64 - by;
    [x[0] >> by | x[1] << up, x[1] >> by | x[2] << up, x[2] >> by | x[3] << up, x[3] >> by | u64::from(over) << up]
}
