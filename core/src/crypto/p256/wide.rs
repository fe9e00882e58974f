//! Eight residues modulo p, one a lane, in five limbs of 52 bits and Montgomery's form for 2^260.
//!
//! A [`Wide`] that goes into a product has limbs below 2^52; only its top limb says how large it is. Beside each function stands the bound
//! of the top limb, in units of 2^48, which is p's top limb to sixteen bits; `bounds.rs` runs all of it over intervals and proves them.
//! A table's words x · 2^256 become x · 2^260 for nothing, when they are cut into limbs four bits higher.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "arrays of five and ten under constant indices; constants made of p's limbs times at most 64"
)]

use super::lanes::{LOW_52, Lanes};

/// p in limbs of 52 bits.
const P: [u64; 5] = [LOW_52, (1 << 44) - 1, 0, 1 << 36, 0xffff_ffff_0000];
/// 2^260 mod p.
const ONE: [u64; 5] = [0x10, 0xf_0000_0000_0000, 0xf_ffff_ffff_ffff, 0xf_feff_ffff_ffff, 0xf_ffff];

/// Eight residues.
#[derive(Clone, Copy)]
pub(super) struct Wide<L>(pub(super) [L; 5]);

/// Ten columns of a product before the reduction, signed.
type Columns<L> = [L; 10];

/// An array of five; `core::array::from_fn` may stay a call, with all lanes in memory.
#[inline(always)]
fn five<L>(limb: impl Fn(usize) -> L) -> [L; 5] {
    [limb(0), limb(1), limb(2), limb(3), limb(4)]
}

/// An array of ten.
#[inline(always)]
fn ten<L>(limb: impl Fn(usize) -> L) -> [L; 10] {
    [limb(0), limb(1), limb(2), limb(3), limb(4), limb(5), limb(6), limb(7), limb(8), limb(9)]
}

impl<L: Lanes> Wide<L> {
    #[inline(always)]
    pub(super) fn zero() -> Self {
        Self([L::splat(0); 5])
    }

    /// 1 in Montgomery's form.
    #[inline(always)]
    pub(super) fn one() -> Self {
        Self(five(|i| L::splat(ONE[i])))
    }

    /// Four words of an entry, x · 2^256, as x · 2^260; any words: below 16.
    #[inline(always)]
    pub(super) fn from_words([a, b, c, d]: [L; 4]) -> Self {
        let mask = L::splat(LOW_52);
        // the parts of a limb have no bit in common, so a sum is as good as an `or`
        Self([
            a.shift_left::<4>().and(mask),
            a.shift_right::<48>().add(b.shift_left::<16>()).and(mask),
            b.shift_right::<36>().add(c.shift_left::<28>()).and(mask),
            c.shift_right::<24>().add(d.shift_left::<40>()).and(mask),
            d.shift_right::<12>(),
        ])
    }

    /// Carries signed limbs of a number that is not negative: all but the top limb end below 2^52, and the number stays what it was.
    #[inline(always)]
    fn carried(mut t: [L; 5]) -> Self {
        let mask = L::splat(LOW_52);
        for i in 0..4 {
            t[i + 1] = t[i + 1].add(t[i].shift_right_signed::<52>());
            t[i] = t[i].and(mask);
        }
        Self(t)
    }

    /// Carries, after the bits from 2^256 on were replaced by what they are modulo p: below 1 and a little. The number must be at least 2^256.
    #[inline(always)]
    fn folded(mut t: [L; 5]) -> Self {
        let k = t[4].shift_right_signed::<48>();
        // 2^256 ≡ 2^224 − 2^192 − 2^96 + 1
        t[0] = t[0].add(k);
        t[1] = t[1].sub(k.shift_left::<44>());
        t[3] = t[3].sub(k.shift_left::<36>());
        t[4] = t[4].and(L::splat((1 << 48) - 1)).add(k.shift_left::<16>());
        Self::carried(t)
    }

    /// self + k · p, folded; at most 1 and a little.
    #[inline(always)]
    pub(super) fn reduced<const K: u64>(&self) -> Self {
        Self::folded(five(|i| self.0[i].add(L::splat(K * P[i]))))
    }

    /// The opposite in the lanes whose bit is set, and then as [`Self::reduced`]; K must be above the bound of self.
    #[inline(always)]
    pub(super) fn reduced_opposite<const K: u64>(&self, opposite: u8) -> Self {
        let zero = L::splat(0);
        Self(five(|i| self.0[i].select(opposite, zero.sub(self.0[i])))).reduced::<K>()
    }

    /// self − other + K · p, carried: K is at least other's bound b, and with bound a of self the result is a + K.
    #[inline(always)]
    pub(super) fn sub<const K: u64>(&self, other: &Self) -> Self {
        Self::carried(five(|i| self.0[i].sub(other.0[i]).add(L::splat(K * P[i]))))
    }

    /// self + other, carried: a + b.
    #[inline(always)]
    pub(super) fn add(&self, other: &Self) -> Self {
        Self::carried(five(|i| self.0[i].add(other.0[i])))
    }

    /// The columns of a product: each below 10 · 2^52.
    #[inline(always)]
    fn columns(&self, other: &Self) -> Columns<L> {
        self.columns_after([L::splat(0); 10], other)
    }

    /// The columns of a product added to others.
    #[inline(always)]
    fn columns_after(&self, mut t: Columns<L>, other: &Self) -> Columns<L> {
        let (a, b) = (&self.0, &other.0);
        for i in 0..5 {
            for j in 0..5 {
                t[i + j] = t[i + j].add_low(a[i], b[j]);
                t[i + j + 1] = t[i + j + 1].add_high(a[i], b[j]);
            }
        }
        t
    }

    /// The columns of a square, in 30 products; bounded like those of a product.
    #[inline(always)]
    fn square_columns(&self) -> Columns<L> {
        let a = &self.0;
        let mut t = [L::splat(0); 10];
        for i in 0..5 {
            for j in i + 1..5 {
                t[i + j] = t[i + j].add_low(a[i], a[j]);
                t[i + j + 1] = t[i + j + 1].add_high(a[i], a[j]);
            }
        }
        t = ten(|i| t[i].add(t[i]));
        for i in 0..5 {
            t[2 * i] = t[2 * i].add_low(a[i], a[i]);
            t[2 * i + 1] = t[2 * i + 1].add_high(a[i], a[i]);
        }
        t
    }

    /// (t + q · p) / 2^260 in signed limbs, where q makes it exact: a top limb of 1 more than t's.
    #[inline(always)]
    fn reduce(mut t: Columns<L>) -> [L; 5] {
        let [c44, c36, top] = [L::splat(1 << 44), L::splat(1 << 36), L::splat(P[4])];
        for i in 0..5 {
            // p ≡ −1 modulo 2^52, so q's limb is this one; with it, this limb turns into its own carry, and 2^96 · q is left of p's two low limbs
            let q = t[i].low();
            t[i + 1] = t[i + 1].add(t[i].shift_right_signed::<52>());
            t[i + 1] = t[i + 1].add_low(q, c44);
            t[i + 2] = t[i + 2].add_high(q, c44);
            t[i + 3] = t[i + 3].add_low(q, c36);
            t[i + 4] = t[i + 4].add_high(q, c36).add_low(q, top);
            t[i + 5] = t[i + 5].add_high(q, top);
        }
        [t[5], t[6], t[7], t[8], t[9]]
    }

    /// Product: with bounds a and b, a · b / 16 + 1.
    #[inline(always)]
    pub(super) fn mul(&self, other: &Self) -> Self {
        Self::carried(Self::reduce(self.columns(other)))
    }

    /// Square: with bound a, a² / 16 + 1.
    #[inline(always)]
    pub(super) fn square(&self) -> Self {
        Self::carried(Self::reduce(self.square_columns()))
    }

    /// ±a · b − c + K · p, minus in the lanes whose bit is set: K is at least c, and a · b / 16 + 1 + c where there are such lanes; the result is
    /// a · b / 16 + 1 + K.
    #[inline(always)]
    pub(super) fn mul_less<const K: u64>(&self, other: &Self, opposite: u8, less: &Self) -> Self {
        let t = Self::reduce(self.columns(other));
        let zero = L::splat(0);
        Self::carried(five(|i| {
            let product = t[i].select(opposite, zero.sub(t[i]));
            product.sub(less.0[i]).add(L::splat(K * P[i]))
        }))
    }

    /// Square, in signed limbs that nobody has carried.
    #[inline(always)]
    pub(super) fn square_signed(&self) -> Self {
        Self(Self::reduce(self.square_columns()))
    }

    /// self, whose limbs may be signed, less some numbers + K · p, folded; at most 1 and a little. K is above the sum of what is taken away.
    #[inline(always)]
    pub(super) fn less<const K: u64, const COUNT: usize>(&self, less: [&Self; COUNT]) -> Self {
        Self::folded(five(|i| {
            let mut sum = self.0[i].add(L::splat(K * P[i]));
            for number in less {
                sum = sum.sub(number.0[i]);
            }
            sum
        }))
    }

    /// a · b + c · d, with one reduction: (a · b + c · d) / 16 + 1.
    #[inline(always)]
    pub(super) fn mul_plus_mul(a: &Self, b: &Self, c: &Self, d: &Self) -> Self {
        Self::carried(Self::reduce(c.columns_after(a.columns(b), d)))
    }

    /// The lanes that may be 0 modulo p, for a number below 8p: all that are, and about one in 2^49 of the others.
    #[inline(always)]
    pub(super) fn maybe_zero(&self) -> u8 {
        self.0[4].promise_at_most(8 * P[4] - 1);
        if cfg!(feature = "inject-pitfall-2") {
            return 0;
        }
        // the low limb of k · p is −k
        self.0[0].add(L::splat(7)).and(L::splat(LOW_52)).shift_right::<3>().zeros()
    }

    /// `other` in the lanes whose bit is set.
    #[inline(always)]
    pub(super) fn select(&self, lanes: u8, other: &Self) -> Self {
        Self(five(|i| self.0[i].select(lanes, other.0[i])))
    }

    /// The limbs' words.
    #[inline(always)]
    pub(super) fn words(&self) -> [[u64; 8]; 5] {
        five(|i| self.0[i].words())
    }

    /// See [`Lanes::exchange`].
    #[inline(always)]
    pub(super) fn exchange<const DISTANCE: usize>(&self) -> Self {
        Self(five(|i| self.0[i].exchange::<DISTANCE>()))
    }
}
