//! Points of −x² + y² = 1 + d·x²·y², after H. Hisil, K. Wong, G. Carter, E. Dawson, "Twisted Edwards Curves Revisited" (2008).
//!
//! −1 is a square modulo p and d is not, so the addition used here has no exceptional case on the curve, points of small order and
//! doublings among them: no branch is needed, and a hostile key cannot find one that is missing.

use super::field::Field;

/// −121665 / 121666.
pub(super) const D: Field = Field([0x75eb_4dca_1359_78a3, 0x0070_0a4d_4141_d8ab, 0x8cc7_4079_7779_e898, 0x5203_6cee_2b6f_fe73]);
const D2: Field = Field([0xebd6_9b94_26b2_f159, 0x00e0_149a_8283_b156, 0x198e_80f2_eef3_d130, 0x2406_d9dc_56df_fce7]);
const D4: Field = D2.add(&D2);
/// A square root of −1.
const ROOT: Field = Field([0xc4ee_1b27_4a0e_a0b0, 0x2f43_1806_ad2f_e478, 0x2b4d_0099_3dfb_d7a7, 0x2b83_2480_4fc1_df0b]);

/// A point in affine coordinates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine {
    /// The first coordinate.
    pub(super) x: Field,
    /// The second coordinate.
    pub(super) y: Field,
}

/// x = X/Z, y = Y/Z; all tight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Projective {
    pub(super) x: Field,
    pub(super) y: Field,
    pub(super) z: Field,
}

/// [`Projective`] with T = XY/Z; all tight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extended {
    pub(super) x: Field,
    pub(super) y: Field,
    pub(super) z: Field,
    pub(super) t: Field,
}

/// A sum before its last multiplications: x = E/G, y = H/F. The next operation says whether T is worth one; all loose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Completed {
    e: Field,
    f: Field,
    g: Field,
    h: Field,
}

/// A point as the right operand of an addition: Y + X, Y − X, 2Z, 2dT; all loose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addend {
    plus: Field,
    minus: Field,
    z2: Field,
    dt2: Field,
}

/// A point in a table: (y + x)/2, (y − x)/2, d·x·y. The halves save the addition a doubling of Z; any limbs are safe to read.
pub(super) type Entry = [[u64; 4]; 3];

impl Affine {
    /// B of RFC 8032 section 5.1.
    pub(super) const BASE: Self = Self {
        x: Field([0xc956_2d60_8f25_d51a, 0x692c_c760_9525_a7b2, 0xc0a4_e231_fdd6_dc5c, 0x2169_36d3_cd6e_53fe]),
        y: Field([0x6666_6666_6666_6658, 0x6666_6666_6666_6666, 0x6666_6666_6666_6666, 0x6666_6666_6666_6666]),
    };

    /// The point with this y and a root x of unspecified sign, by RFC 8032 section 5.1.3; `None` when there is none.
    #[must_use]
    pub(super) const fn from_y(y: Field) -> Option<Self> {
        let yy = y.square();
        let u = yy.sub(&Field::ONE);
        let v = D.mul(&yy).add(&Field::ONE);
        // (u/v)^((p+3)/8) = u·v³·(u·v⁷)^((p−5)/8)
        let v3 = v.square().mul(&v);
        let x = u.mul(&v3).mul(&u.mul(&v3.square().mul(&v)).pow_p58());
        let vxx = v.mul(&x.square());
        if vxx.equals(&u) {
            Some(Self { x, y })
        } else if vxx.equals(&u.negate()) {
            Some(Self { x: x.mul(&ROOT), y })
        } else {
            None
        }
    }

    /// The opposite point.
    #[must_use]
    pub(super) const fn negate(&self) -> Self {
        Self { x: self.x.negate().canonical(), y: self.y }
    }

    /// Whether eight times the point is (0, 1).
    #[must_use]
    pub(super) const fn is_small_order(&self) -> bool {
        let eight = self.extended().projective().double().projective().double().projective().double().projective();
        eight.x.is_zero() && eight.y.equals(&eight.z)
    }

    /// In extended coordinates.
    #[must_use]
    pub(super) const fn extended(&self) -> Extended {
        Extended { x: self.x.mul(&Field::ONE), y: self.y.mul(&Field::ONE), z: Field::ONE, t: self.x.mul(&self.y) }
    }
}

impl Projective {
    /// "dbl-2008-hwcd" for a = −1 with two signs turned: 3 squarings, 1 multiplication.
    #[inline(always)]
    #[must_use]
    pub(super) const fn double(&self) -> Completed {
        let (xx, yy, zz, xy) = (self.x.square(), self.y.square(), self.z.square(), self.x.mul(&self.y));
        let g = yy.sub(&xx);
        Completed { e: xy.add_tight(&xy), f: zz.add_tight(&zz).sub(&g), g, h: xx.add_tight(&yy) }
    }

    /// The point in the form of a table, given 1/(2Z).
    #[must_use]
    pub(super) const fn entry(&self, half_inverse: &Field) -> Entry {
        let (x, y) = (self.x.mul(half_inverse), self.y.mul(half_inverse));
        [y.add_tight(&x).canonical().0, y.sub(&x).canonical().0, x.mul(&y).mul(&D4).canonical().0]
    }
}

impl Extended {
    /// Without T.
    #[inline(always)]
    #[must_use]
    pub(super) const fn projective(&self) -> Projective {
        Projective { x: self.x, y: self.y, z: self.z }
    }

    /// "add-2008-hwcd-3" with Z = 1 on the right: 3 multiplications. Adds the opposite of `entry` when `negative`.
    #[inline(always)]
    #[must_use]
    #[expect(clippy::indexing_slicing, clippy::as_conversions, reason = "a bool is 0 or 1, below three")]
    pub(super) const fn add_entry(&self, entry: &Entry, negative: bool) -> Completed {
        // an index, not a branch: the signs are random and would be mispredicted
        let a = self.y.sub(&self.x).mul(&Field(entry[!negative as usize]));
        let b = self.y.add_tight(&self.x).mul(&Field(entry[negative as usize]));
        let c = self.t.mul(&Field(entry[2]));
        let (less, more) = (self.z.sub(&c), self.z.add_tight(&c));
        Completed { e: b.sub(&a), f: Field::select(negative, &more, &less), g: Field::select(negative, &less, &more), h: b.add_tight(&a) }
    }

    /// "add-2008-hwcd-3": 4 multiplications. Adds the opposite of `other` when `negative`.
    #[inline(always)]
    #[must_use]
    pub(super) const fn add(&self, other: &Addend, negative: bool) -> Completed {
        let (plus, minus) = if negative { (&other.minus, &other.plus) } else { (&other.plus, &other.minus) };
        let a = self.y.sub(&self.x).mul(minus);
        let b = self.y.add_tight(&self.x).mul(plus);
        let c = self.t.mul(&other.dt2);
        let d = self.z.mul(&other.z2);
        let (less, more) = (d.sub(&c), d.add_tight(&c));
        let (f, g) = if negative { (more, less) } else { (less, more) };
        Completed { e: b.sub(&a), f, g, h: b.add_tight(&a) }
    }

    /// The point as a right operand.
    #[must_use]
    pub(super) const fn addend(&self) -> Addend {
        Addend { plus: self.y.add_tight(&self.x), minus: self.y.sub(&self.x), z2: self.z.add_tight(&self.z), dt2: self.t.mul(&D2) }
    }
}

impl Completed {
    /// (0, 1).
    pub(super) const IDENTITY: Self = Self { e: Field::ZERO, f: Field::ONE, g: Field::ONE, h: Field::ONE };

    /// Three multiplications: what a doubling or a comparison needs.
    #[inline(always)]
    #[must_use]
    pub(super) const fn projective(&self) -> Projective {
        Projective { x: self.e.mul(&self.f), y: self.g.mul(&self.h), z: self.f.mul(&self.g) }
    }

    /// Four multiplications: what an addition needs.
    #[inline(always)]
    #[must_use]
    pub(super) const fn extended(&self) -> Extended {
        Extended { x: self.e.mul(&self.f), y: self.g.mul(&self.h), z: self.f.mul(&self.g), t: self.e.mul(&self.h) }
    }
}
