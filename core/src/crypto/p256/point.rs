//! Points of P-256, y² = x³ − 3x + b, in the coordinates "XYZZ" of M. Hamburg's and the EFD's naming: x = X / ZZ, y = Y / ZZZ and ZZ³ = ZZZ².
//!
//! The formulas are `mmadd-2008-s`, `madd-2008-s`, `add-2008-s` and `dbl-2008-s-1` of the Explicit-Formulas Database
//! (<https://hyperelliptic.org/EFD/g1p/auto-shortw-xyzz-3.html>). None of them is complete: equal and opposite points, which whoever owns
//! a key can bring about, are seen by P = 0 and answered exactly. Infinity is (0, 0, 0, 0): its X makes P = 0 as well, so the one test
//! before each addition sees it too. A cancellation must therefore clear X, not only ZZ.

use super::field::Field;

/// A point that is not infinity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine {
    pub(super) x: Field,
    pub(super) y: Field,
}

/// X, then Y of a point in a table: canonical limbs in Montgomery's form.
pub(super) type Entry = [u64; 8];

/// Any point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum {
    pub(super) x: Field,
    pub(super) y: Field,
    pub(super) zz: Field,
    pub(super) zzz: Field,
}

const B: Field = Field::from_limbs([0x3bce_3c3e_27d2_604b, 0x651d_06b0_cc53_b0f6, 0xb3eb_bd55_7698_86bc, 0x5ac6_35d8_aa3a_93e7]);

impl Affine {
    /// G.
    pub(super) const BASE: Self = Self {
        x: Field::from_limbs([0xf4a1_3945_d898_c296, 0x7703_7d81_2deb_33a0, 0xf8bc_e6e5_63a4_40f2, 0x6b17_d1f2_e12c_4247]).canonical(),
        y: Field::from_limbs([0xcbb6_4068_37bf_51f5, 0x2bce_3357_6b31_5ece, 0x8ee7_eb4a_7c0f_9e16, 0x4fe3_42e2_fe1a_7f9b]).canonical(),
    };

    /// Whether y² = x³ − 3x + b.
    #[must_use]
    pub(super) const fn is_on_curve(&self) -> bool {
        let three_x = self.x.double().add(&self.x);
        let right = self.x.square().mul(&self.x).sub(&three_x).add(&B);
        self.y.square().equals(&right)
    }

    /// The point in `entry`, or its opposite.
    #[inline(always)]
    #[must_use]
    pub(super) const fn from_entry(entry: &Entry, negative: bool) -> Self {
        let [a, b, c, d, e, f, g, h] = *entry;
        Self { x: Field([a, b, c, d]), y: Field([e, f, g, h]).negate_if(negative) }
    }

    /// For a table; canonical.
    #[must_use]
    pub(super) const fn entry(&self) -> Entry {
        let ([a, b, c, d], [e, f, g, h]) = (self.x.canonical().0, self.y.canonical().0);
        [a, b, c, d, e, f, g, h]
    }

    /// The sum of two points, which may be the same or opposite: 4 multiplications and 2 squares.
    #[inline(always)]
    #[must_use]
    pub(super) const fn add(&self, point: &Self) -> Sum {
        let p = point.x.sub(&self.x);
        let r = point.y.sub(&self.y);
        if p.is_zero() {
            core::hint::cold_path();
            return self.sum().add_same_x(point, &r);
        }
        let pp = p.square();
        let ppp = p.mul(&pp);
        let q = self.x.mul(&pp);
        let x = r.square_less(&[&ppp, &q, &q]);
        let y = Field::mul_less_mul(&r, &q.sub(&x), &self.y, &ppp);
        Sum { x, y, zz: pp, zzz: ppp }
    }

    /// The sum of two points on a line of this slope.
    #[inline(always)]
    #[must_use]
    pub(super) const fn chord(&self, point: &Self, slope: &Field) -> Self {
        let x = slope.square_less(&[&self.x, &point.x]);
        Self { x, y: slope.mul_less(&self.x.sub(&x), &[&self.y]) }
    }

    /// The same point as a sum of one.
    #[inline(always)]
    #[must_use]
    pub(super) const fn sum(&self) -> Sum {
        Sum { x: self.x, y: self.y, zz: Field::ONE, zzz: Field::ONE }
    }
}

impl Sum {
    pub(super) const INFINITY: Self = Self { x: Field::ZERO, y: Field::ZERO, zz: Field::ZERO, zzz: Field::ZERO };

    #[must_use]
    pub(super) const fn is_infinity(&self) -> bool {
        self.zz.is_zero()
    }

    /// Adds a point: 8 multiplications and 2 squares.
    #[inline(always)]
    #[must_use]
    pub(super) const fn add_affine(&self, point: &Affine) -> Self {
        let p = point.x.mul_less(&self.zz, &[&self.x]);
        let r = point.y.mul_less(&self.zzz, &[&self.y]);
        if p.is_zero() {
            core::hint::cold_path();
            return self.add_same_x(point, &r);
        }
        let pp = p.square();
        let ppp = p.mul(&pp);
        let q = self.x.mul(&pp);
        let x = r.square_less(&[&ppp, &q, &q]);
        let y = Field::mul_less_mul(&r, &q.sub(&x), &self.y, &ppp);
        Self { x, y, zz: self.zz.mul(&pp), zzz: self.zzz.mul(&ppp) }
    }

    /// The sum is infinity, the point or its opposite.
    #[inline(never)]
    const fn add_same_x(&self, point: &Affine, r: &Field) -> Self {
        if self.is_infinity() {
            point.sum()
        } else if r.is_zero() {
            point.sum().double()
        } else {
            Self::cancelled(point)
        }
    }

    /// Infinity, after two opposite points met.
    #[cfg(not(feature = "inject-pitfall-2"))]
    const fn cancelled(_: &Affine) -> Self {
        Self::INFINITY
    }

    /// The bug that ordinary tests do not find: ZZ says infinity, and X does not.
    #[cfg(feature = "inject-pitfall-2")]
    const fn cancelled(point: &Affine) -> Self {
        Self { x: point.x, y: point.y, zz: Field::ZERO, zzz: Field::ZERO }
    }

    /// Adds any sum: 12 multiplications and 2 squares.
    #[must_use]
    pub(super) const fn add(&self, other: &Self) -> Self {
        if self.is_infinity() {
            return *other;
        }
        if other.is_infinity() {
            return *self;
        }
        let u = self.x.mul(&other.zz);
        let s = self.y.mul(&other.zzz);
        let p = other.x.mul_less(&self.zz, &[&u]);
        let r = other.y.mul_less(&self.zzz, &[&s]);
        if p.is_zero() {
            return if r.is_zero() { self.double() } else { Self::INFINITY };
        }
        let pp = p.square();
        let ppp = p.mul(&pp);
        let q = u.mul(&pp);
        let x = r.square().sub(&ppp).sub(&q.double());
        let y = Field::mul_less_mul(&r, &q.sub(&x), &s, &ppp);
        Self { x, y, zz: self.zz.mul(&other.zz).mul(&pp), zzz: self.zzz.mul(&other.zzz).mul(&ppp) }
    }

    /// Twice the sum: 7 multiplications and 2 squares. Right for infinity, and no point has y = 0, because n is odd.
    #[inline(always)]
    #[must_use]
    pub(super) const fn double(&self) -> Self {
        let u = self.y.double();
        let v = u.square();
        let w = u.mul(&v);
        let s = self.x.mul(&v);
        let m = self.x.sub(&self.zz).mul(&self.x.add(&self.zz));
        let m = m.double().add(&m);
        let x = m.square_less(&[&s, &s]);
        let y = Field::mul_less_mul(&m, &s.sub(&x), &w, &self.y);
        Self { x, y, zz: v.mul(&self.zz), zzz: w.mul(&self.zzz) }
    }

    /// The affine point, from the inverse of ZZZ; meaningless for infinity.
    #[must_use]
    pub(super) const fn affine(&self, inverse_zzz: &Field) -> Affine {
        let inverse_z = inverse_zzz.mul(&self.zz);
        Affine { x: self.x.mul(&inverse_z.square()), y: self.y.mul(inverse_zzz) }
    }

    /// The affine x.
    #[must_use]
    pub(super) const fn quotient(&self) -> Quotient {
        Quotient { numerator: self.x, denominator: self.zz }
    }
}

/// An affine x that nobody divided; the denominator of infinity is zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quotient {
    pub(super) numerator: Field,
    pub(super) denominator: Field,
}

impl Quotient {
    /// Whether it is `x`; infinity has none.
    #[must_use]
    pub(super) const fn is(&self, x: &Field) -> bool {
        !self.denominator.is_zero() && x.mul(&self.denominator).equals(&self.numerator)
    }
}
