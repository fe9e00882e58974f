//! Integers modulo p = 2^255 − 19 in four saturated limbs.
//!
//! Bounds: *loose* is any value below 2^256; *tight* is below 2^255 + 2^11. Every function takes loose operands; [`Field::mul`] and
//! [`Field::square`] return tight ones, sums and differences return loose ones. Two values are equal as residues only after [`Field::canonical`].
//!
//! All of it is `const`, so that the compiler can build the table of B; `u64::carrying_mul_add` is not `const` in Rust 1.95, the
//! same words through `u128` are, and compile to the same instructions.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "four limbs under constant indices; every sum has room in its type, as said beside it; `u128` halves are taken apart by `as`"
)]

/// A residue modulo p, little-endian limbs, not necessarily the least one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field(pub(super) [u64; 4]);

/// 2^255 − 19.
pub(super) const P: [u64; 4] = [0xffff_ffff_ffff_ffed, u64::MAX, u64::MAX, u64::MAX >> 1];

const LOW_63: u64 = u64::MAX >> 1;

/// `a * b + c + d` never exceeds 2^128 − 1.
#[inline(always)]
pub(super) const fn mul_add(a: u64, b: u64, c: u64, d: u64) -> (u64, u64) {
    let t = a as u128 * b as u128 + c as u128 + d as u128;
    (t as u64, (t >> 64) as u64)
}

#[inline(always)]
pub(super) const fn add_carry(a: u64, b: u64, carry: bool) -> (u64, bool) {
    let (x, first) = a.overflowing_add(b);
    let (x, second) = x.overflowing_add(carry as u64);
    (x, first | second)
}

#[inline(always)]
pub(super) const fn sub_borrow(a: u64, b: u64, borrow: bool) -> (u64, bool) {
    let (x, first) = a.overflowing_sub(b);
    let (x, second) = x.overflowing_sub(borrow as u64);
    (x, first | second)
}

impl Field {
    /// 0.
    pub(super) const ZERO: Self = Self([0; 4]);
    /// 1.
    pub(super) const ONE: Self = Self([1, 0, 0, 0]);
    /// (p + 1) / 2.
    pub(super) const HALF: Self = Self([0xffff_ffff_ffff_fff7, u64::MAX, u64::MAX, u64::MAX >> 2]);

    /// The 255 low bits of `bytes`, little-endian, and the bit above them; the number may be p or more.
    #[must_use]
    pub(super) const fn from_bytes(bytes: &[u8; 32]) -> (Self, bool) {
        let mut limbs = limbs_of(bytes);
        let sign = limbs[3] >> 63 == 1;
        limbs[3] &= LOW_63;
        (Self(limbs), sign)
    }

    /// Whether the limbs are the least representative.
    #[must_use]
    pub(super) const fn is_canonical(&self) -> bool {
        less(&self.0, &P)
    }

    /// The least representative, in [0, p).
    #[must_use]
    pub(super) const fn canonical(&self) -> Self {
        let [a, b, c, d] = self.0;
        // below 2^255 + 38, then one p at most
        let (a, k) = a.overflowing_add(19 * (d >> 63));
        let (b, k) = add_carry(b, 0, k);
        let (c, k) = add_carry(c, 0, k);
        let d = (d & LOW_63) + k as u64;
        let (e, k) = a.overflowing_add(19);
        let (f, k) = add_carry(b, 0, k);
        let (g, k) = add_carry(c, 0, k);
        let h = d.wrapping_add(k as u64);
        if h >> 63 == 1 { Self([e, f, g, h & LOW_63]) } else { Self([a, b, c, d]) }
    }

    /// Whether the residue is 0.
    #[must_use]
    pub(super) const fn is_zero(&self) -> bool {
        let [a, b, c, d] = self.canonical().0;
        a | b | c | d == 0
    }

    /// Whether the residues are the same.
    #[must_use]
    pub(super) const fn equals(&self, other: &Self) -> bool {
        self.sub(other).is_zero()
    }

    /// The lowest bit of the least representative: the "sign" of RFC 8032.
    #[must_use]
    pub(super) const fn is_odd(&self) -> bool {
        self.canonical().0[0] & 1 == 1
    }

    /// `yes` or `no`, without a branch.
    #[inline(always)]
    #[must_use]
    pub(super) const fn select(condition: bool, yes: &Self, no: &Self) -> Self {
        let mask = 0_u64.wrapping_sub(condition as u64);
        let ([a, b, c, d], [e, f, g, h]) = (yes.0, no.0);
        Self([e ^ (e ^ a) & mask, f ^ (f ^ b) & mask, g ^ (g ^ c) & mask, h ^ (h ^ d) & mask])
    }

    /// Sum; loose.
    #[inline(always)]
    #[must_use]
    pub(super) const fn add(&self, other: &Self) -> Self {
        let (a, k) = self.0[0].overflowing_add(other.0[0]);
        let (b, k) = add_carry(self.0[1], other.0[1], k);
        let (c, k) = add_carry(self.0[2], other.0[2], k);
        let (d, k) = add_carry(self.0[3], other.0[3], k);
        // 2^256 ≡ 38; a second carry leaves less than 38, so the third step stays in limb 0
        let (a, k) = a.overflowing_add(38 * k as u64);
        let (b, k) = add_carry(b, 0, k);
        let (c, k) = add_carry(c, 0, k);
        let (d, k) = add_carry(d, 0, k);
        Self([a.wrapping_add(38 * k as u64), b, c, d])
    }

    /// Sum of two tight values; loose. A carry leaves less than 2^12, so its 38 stay in limb 0.
    #[inline(always)]
    #[must_use]
    pub(super) const fn add_tight(&self, other: &Self) -> Self {
        let (a, k) = self.0[0].overflowing_add(other.0[0]);
        let (b, k) = add_carry(self.0[1], other.0[1], k);
        let (c, k) = add_carry(self.0[2], other.0[2], k);
        let (d, k) = add_carry(self.0[3], other.0[3], k);
        Self([a.wrapping_add(38 * k as u64), b, c, d])
    }

    /// Difference; loose.
    #[inline(always)]
    #[must_use]
    pub(super) const fn sub(&self, other: &Self) -> Self {
        let (a, k) = self.0[0].overflowing_sub(other.0[0]);
        let (b, k) = sub_borrow(self.0[1], other.0[1], k);
        let (c, k) = sub_borrow(self.0[2], other.0[2], k);
        let (d, k) = sub_borrow(self.0[3], other.0[3], k);
        // the borrowed 2^256 was 38 too many; a second borrow leaves at least 2^256 − 38, so the third step stays in limb 0
        let (a, k) = a.overflowing_sub(38 * k as u64);
        let (b, k) = sub_borrow(b, 0, k);
        let (c, k) = sub_borrow(c, 0, k);
        let (d, k) = sub_borrow(d, 0, k);
        Self([a.wrapping_sub(38 * k as u64), b, c, d])
    }

    /// The residue's opposite; loose.
    #[must_use]
    pub(super) const fn negate(&self) -> Self {
        Self::ZERO.sub(self)
    }

    /// Product; tight.
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[must_use]
    pub(super) const fn mul(&self, other: &Self) -> Self {
        let ([a, b, c, d], [w, x, y, z]) = (self.0, other.0);
        let (t0, k) = mul_add(a, w, 0, 0);
        let (t1, k) = mul_add(b, w, k, 0);
        let (t2, k) = mul_add(c, w, k, 0);
        let (t3, t4) = mul_add(d, w, k, 0);
        let (t1, k) = mul_add(a, x, t1, 0);
        let (t2, k) = mul_add(b, x, t2, k);
        let (t3, k) = mul_add(c, x, t3, k);
        let (t4, t5) = mul_add(d, x, t4, k);
        let (t2, k) = mul_add(a, y, t2, 0);
        let (t3, k) = mul_add(b, y, t3, k);
        let (t4, k) = mul_add(c, y, t4, k);
        let (t5, t6) = mul_add(d, y, t5, k);
        let (t3, k) = mul_add(a, z, t3, 0);
        let (t4, k) = mul_add(b, z, t4, k);
        let (t5, k) = mul_add(c, z, t5, k);
        let (t6, t7) = mul_add(d, z, t6, k);
        Self::fold([t0, t1, t2, t3, t4, t5, t6, t7])
    }

    /// Square; tight.
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[must_use]
    pub(super) const fn square(&self) -> Self {
        let [a, b, c, d] = self.0;
        let (t1, k) = mul_add(a, b, 0, 0);
        let (t2, k) = mul_add(a, c, k, 0);
        let (t3, t4) = mul_add(a, d, k, 0);
        let (t3, k) = mul_add(b, c, t3, 0);
        let (t4, t5) = mul_add(b, d, t4, k);
        let (t5, t6) = mul_add(c, d, t5, 0);
        // twice the mixed products, then the squares
        let t7 = t6 >> 63;
        let t6 = t6 << 1 | t5 >> 63;
        let t5 = t5 << 1 | t4 >> 63;
        let t4 = t4 << 1 | t3 >> 63;
        let t3 = t3 << 1 | t2 >> 63;
        let t2 = t2 << 1 | t1 >> 63;
        let (t0, high) = mul_add(a, a, 0, 0);
        let (t1, k) = (t1 << 1).overflowing_add(high);
        let (low, high) = mul_add(b, b, 0, 0);
        let (t2, k) = add_carry(t2, low, k);
        let (t3, k) = add_carry(t3, high, k);
        let (low, high) = mul_add(c, c, 0, 0);
        let (t4, k) = add_carry(t4, low, k);
        let (t5, k) = add_carry(t5, high, k);
        let (low, high) = mul_add(d, d, 0, 0);
        let (t6, k) = add_carry(t6, low, k);
        let (t7, _) = add_carry(t7, high, k);
        Self::fold([t0, t1, t2, t3, t4, t5, t6, t7])
    }

    /// Any number of 512 bits; tight, because at most 39·2 + 1 multiples of 2^255 are turned into as many times 19.
    #[cfg_attr(not(debug_assertions), inline(always))]
    const fn fold(t: [u64; 8]) -> Self {
        let (a, k) = mul_add(t[4], 38, t[0], 0);
        let (b, k) = mul_add(t[5], 38, t[1], k);
        let (c, k) = mul_add(t[6], 38, t[2], k);
        let (d, k) = mul_add(t[7], 38, t[3], k);
        let (a, over) = a.overflowing_add(19 * (k << 1 | d >> 63));
        let (b, over) = add_carry(b, 0, over);
        let (c, over) = add_carry(c, 0, over);
        Self([a, b, c, (d & LOW_63) + over as u64])
    }

    /// The value squared `count` times.
    #[must_use]
    pub(super) const fn square_times(&self, count: u32) -> Self {
        let mut value = *self;
        let mut i = 0;
        while i < count {
            value = value.square();
            i += 1;
        }
        value
    }

    /// The value to the power 2^252 − 3 = (p − 5) / 8, as in RFC 8032 section 5.1.3.
    #[must_use]
    pub(super) const fn pow_p58(&self) -> Self {
        // ones(n) is the power 2^n − 1; ones(m + n) = ones(m)^(2^n) · ones(n)
        let ones_2 = self.square().mul(self);
        let ones_4 = ones_2.square_times(2).mul(&ones_2);
        let ones_5 = ones_4.square().mul(self);
        let ones_10 = ones_5.square_times(5).mul(&ones_5);
        let ones_20 = ones_10.square_times(10).mul(&ones_10);
        let ones_40 = ones_20.square_times(20).mul(&ones_20);
        let ones_50 = ones_40.square_times(10).mul(&ones_10);
        let ones_100 = ones_50.square_times(50).mul(&ones_50);
        let ones_200 = ones_100.square_times(100).mul(&ones_100);
        let ones_250 = ones_200.square_times(50).mul(&ones_50);
        ones_250.square_times(2).mul(self)
    }
}

/// The little-endian number in `bytes`.
#[must_use]
pub(super) const fn limbs_of(bytes: &[u8; 32]) -> [u64; 4] {
    let words = bytes.as_chunks::<8>().0;
    [u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1]), u64::from_le_bytes(words[2]), u64::from_le_bytes(words[3])]
}

/// Whether `a < b`.
#[must_use]
pub(super) const fn less(a: &[u64; 4], b: &[u64; 4]) -> bool {
    let (_, k) = a[0].overflowing_sub(b[0]);
    let (_, k) = sub_borrow(a[1], b[1], k);
    let (_, k) = sub_borrow(a[2], b[2], k);
    sub_borrow(a[3], b[3], k).1
}
