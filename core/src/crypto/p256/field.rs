//! Arithmetic modulo p = 2^256 − 2^224 + 2^192 + 2^96 − 1 (FIPS 186-5, SP 800-186 section 3.2.1.3) in Montgomery's form.
//!
//! A residue x is kept as x · 2^256 mod p in four 64-bit limbs. The range is lazy: a [`Field`] may hold any number below 2^256, so it has
//! at most two representatives (v and v + p), and every function takes and returns that range. Values below p are called canonical.
//! Every function is `const`, because the compiler makes the table of G with them.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "arrays of constant length under constant indices; shifts and carries whose bounds stand beside them; `as` only widens, splits or turns a carry into a word"
)]

use super::divide::{Modulus, divide};

/// p.
pub(super) const P: [u64; 4] = [0xffff_ffff_ffff_ffff, 0x0000_0000_ffff_ffff, 0, 0xffff_ffff_0000_0001];
const MODULUS: Modulus = Modulus::new(P);
/// 2^512 mod p: brings a number into Montgomery's form, and an inverse back into it.
const SQUARE_OF_RADIX: Field = Field([3, 0xffff_fffb_ffff_ffff, 0xffff_ffff_ffff_fffe, 0x0000_0004_ffff_fffd]);

/// −over · p modulo 2^256, for over from −3 to 1; the rest makes an index of three bits safe.
const MULTIPLES: [[u64; 4]; 8] = {
    let (minus, _) = sub4(&[0; 4], &P);
    let (twice, _) = add4(&P, &P);
    let (thrice, _) = add4(&twice, &P);
    [thrice, twice, P, [0; 4], minus, [0; 4], [0; 4], [0; 4]]
};

/// A residue modulo p in Montgomery's form; any number below 2^256.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field(pub(super) [u64; 4]);

/// a + b + carry.
#[inline(always)]
pub(super) const fn add_carry(a: u64, b: u64, carry: bool) -> (u64, bool) {
    let (sum, first) = a.overflowing_add(b);
    let (sum, second) = sum.overflowing_add(carry as u64);
    (sum, first | second)
}

/// a − b − borrow.
#[inline(always)]
pub(super) const fn sub_borrow(a: u64, b: u64, borrow: bool) -> (u64, bool) {
    let (difference, first) = a.overflowing_sub(b);
    let (difference, second) = difference.overflowing_sub(borrow as u64);
    (difference, first | second)
}

/// The low and the high word of a · b.
#[inline(always)]
pub(super) const fn multiply(a: u64, b: u64) -> (u64, u64) {
    let product = a as u128 * b as u128;
    (product as u64, (product >> 64) as u64)
}

/// a + b and the carry out of bit 255.
#[inline(always)]
pub(super) const fn add4(a: &[u64; 4], b: &[u64; 4]) -> ([u64; 4], bool) {
    let (w, c) = add_carry(a[0], b[0], false);
    let (x, c) = add_carry(a[1], b[1], c);
    let (y, c) = add_carry(a[2], b[2], c);
    let (z, c) = add_carry(a[3], b[3], c);
    ([w, x, y, z], c)
}

/// a − b modulo 2^256 and whether a < b.
#[inline(always)]
pub(super) const fn sub4(a: &[u64; 4], b: &[u64; 4]) -> ([u64; 4], bool) {
    let (w, c) = sub_borrow(a[0], b[0], false);
    let (x, c) = sub_borrow(a[1], b[1], c);
    let (y, c) = sub_borrow(a[2], b[2], c);
    let (z, c) = sub_borrow(a[3], b[3], c);
    ([w, x, y, z], c)
}

/// The big-endian number in `bytes`.
#[must_use]
pub(super) const fn limbs_of(bytes: &[u8; 32]) -> [u64; 4] {
    let (words, _) = bytes.as_chunks::<8>();
    [u64::from_be_bytes(words[3]), u64::from_be_bytes(words[2]), u64::from_be_bytes(words[1]), u64::from_be_bytes(words[0])]
}

/// The 512-bit product; exact.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) const fn product(a: &[u64; 4], b: &[u64; 4]) -> [u64; 8] {
    let mut t = [0; 8];
    let mut i = 0;
    while i < 4 {
        let (l0, h0) = multiply(a[0], b[i]);
        let (l1, h1) = multiply(a[1], b[i]);
        let (l2, h2) = multiply(a[2], b[i]);
        let (l3, h3) = multiply(a[3], b[i]);
        // what came from the rows before plus this row is below 2^320, so the last carry of each chain fits
        let (t0, c) = add_carry(t[i], l0, false);
        let (t1, c) = add_carry(t[i + 1], l1, c);
        let (t2, c) = add_carry(t[i + 2], l2, c);
        let (t3, c) = add_carry(t[i + 3], l3, c);
        let t4 = h3 + c as u64;
        let (t1, c) = add_carry(t1, h0, false);
        let (t2, c) = add_carry(t2, h1, c);
        let (t3, c) = add_carry(t3, h2, c);
        t[i] = t0;
        t[i + 1] = t1;
        t[i + 2] = t2;
        t[i + 3] = t3;
        t[i + 4] = t4 + c as u64;
        i += 1;
    }
    t
}

/// The 512-bit square; exact.
#[cfg_attr(not(debug_assertions), inline(always))]
const fn square_product(a: &[u64; 4]) -> [u64; 8] {
    let (t1, h) = multiply(a[0], a[1]);
    let (l, h2) = multiply(a[0], a[2]);
    let (t2, c) = add_carry(l, h, false);
    let (l, h) = multiply(a[0], a[3]);
    let (t3, c) = add_carry(l, h2, c);
    let t4 = h + c as u64;
    let (l, h) = multiply(a[1], a[2]);
    let (m, h2) = multiply(a[1], a[3]);
    let (t3, c) = add_carry(t3, l, false);
    let (t4, c) = add_carry(t4, h, c);
    let t5 = h2 + c as u64;
    let (t4, c) = add_carry(t4, m, false);
    let (l, h) = multiply(a[2], a[3]);
    let (t5, c) = add_carry(t5, l, c);
    let t6 = h + c as u64;
    // twice the mixed products, then the squares
    let t7 = t6 >> 63;
    let t6 = t6 << 1 | t5 >> 63;
    let t5 = t5 << 1 | t4 >> 63;
    let t4 = t4 << 1 | t3 >> 63;
    let t3 = t3 << 1 | t2 >> 63;
    let t2 = t2 << 1 | t1 >> 63;
    let (t0, h) = multiply(a[0], a[0]);
    let (t1, c) = add_carry(t1 << 1, h, false);
    let (l, h) = multiply(a[1], a[1]);
    let (t2, c) = add_carry(t2, l, c);
    let (t3, c) = add_carry(t3, h, c);
    let (l, h) = multiply(a[2], a[2]);
    let (t4, c) = add_carry(t4, l, c);
    let (t5, c) = add_carry(t5, h, c);
    let (l, h) = multiply(a[3], a[3]);
    let (t6, c) = add_carry(t6, l, c);
    [t0, t1, t2, t3, t4, t5, t6, t7 + h + c as u64]
}

/// (t + q · p) / 2^64 for the q that makes it exact: t's low limb, because p ≡ −1 modulo 2^64.
///
/// Below 2^192 + p for t < 2^256, so below 2^256.
#[inline(always)]
const fn step(t: [u64; 4]) -> [u64; 4] {
    let q = t[0];
    let (low, high) = multiply(q, P[3]);
    let (t1, c) = add_carry(t[1], q << 32, false);
    let (t2, c) = add_carry(t[2], q >> 32, c);
    let (t3, c) = add_carry(t[3], low, c);
    [t1, t2, t3, high + c as u64]
}

impl Field {
    pub(super) const ZERO: Self = Self([0; 4]);
    /// 2^256 mod p.
    pub(super) const ONE: Self = Self([1, 0xffff_ffff_0000_0000, 0xffff_ffff_ffff_ffff, 0x0000_0000_ffff_fffe]);

    /// The residue of any number below 2^256.
    #[must_use]
    pub(super) const fn from_limbs(limbs: [u64; 4]) -> Self {
        Self(limbs).mul(&SQUARE_OF_RADIX)
    }

    /// The big-endian number in `bytes`, unless it is p or more; canonical.
    #[must_use]
    pub(super) const fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let limbs = limbs_of(bytes);
        if sub4(&limbs, &P).1 { Some(Self::from_limbs(limbs).canonical()) } else { None }
    }

    /// The representative below p.
    #[inline(always)]
    #[must_use]
    pub(super) const fn canonical(&self) -> Self {
        let (reduced, below) = sub4(&self.0, &P);
        if below { *self } else { Self(reduced) }
    }

    /// Whether the residue is zero.
    #[inline(always)]
    #[must_use]
    pub(super) const fn is_zero(&self) -> bool {
        let [a, b, c, d] = self.0;
        (a | b | c | d) == 0 || ((a ^ P[0]) | (b ^ P[1]) | c | (d ^ P[3])) == 0
    }

    /// Whether two residues are the same.
    #[must_use]
    pub(super) const fn equals(&self, other: &Self) -> bool {
        self.sub(other).is_zero()
    }

    /// Takes p away once when `over`, that is when the true value is 2^256 more. It must be below 2^256 + p.
    #[cfg_attr(not(debug_assertions), inline(always))]
    const fn fold(t: [u64; 4], over: bool) -> Self {
        let mask = 0_u64.wrapping_sub(over as u64);
        Self(sub4(&t, &[mask, mask & P[1], 0, mask & P[3]]).0)
    }

    /// Montgomery's reduction of any number t below 2^512: (t + q · p) / 2^256 < 2^256 + p, then one fold.
    #[cfg_attr(not(debug_assertions), inline(always))]
    const fn reduce(t: [u64; 8]) -> Self {
        let low = step(step(step(step([t[0], t[1], t[2], t[3]]))));
        let (sum, over) = add4(&low, &[t[4], t[5], t[6], t[7]]);
        Self::fold(sum, over)
    }

    /// Product of any two; any number below 2^256, see [`Self::reduce`].
    #[inline(always)]
    #[must_use]
    pub(super) const fn mul(&self, other: &Self) -> Self {
        Self::reduce(product(&self.0, &other.0))
    }

    /// Square, bounded like a product.
    #[inline(always)]
    #[must_use]
    pub(super) const fn square(&self) -> Self {
        Self::reduce(square_product(&self.0))
    }

    /// The product less some residues, at most three, with the last correction of the product and those of the differences made in one: see
    /// [`Self::reduce_less`].
    #[inline(always)]
    #[must_use]
    pub(super) const fn mul_less<const COUNT: usize>(&self, other: &Self, less: &[&Self; COUNT]) -> Self {
        Self::reduce_less(product(&self.0, &other.0), less)
    }

    /// The square less some residues, at most three; bounded like [`Self::mul_less`].
    #[inline(always)]
    #[must_use]
    pub(super) const fn square_less<const COUNT: usize>(&self, less: &[&Self; COUNT]) -> Self {
        Self::reduce_less(square_product(&self.0), less)
    }

    /// a · b − c · d with one reduction: the difference is above −2^512 and below 2^512, so it settles from −2^256 to 2^256 + p.
    #[inline(always)]
    #[must_use]
    pub(super) const fn mul_less_mul(a: &Self, b: &Self, c: &Self, d: &Self) -> Self {
        let (minuend, subtrahend) = (product(&a.0, &b.0), product(&c.0, &d.0));
        let [e, f, g, h, ..] = minuend;
        let [i, j, k, l, ..] = subtrahend;
        let (low, borrow) = sub4(&[e, f, g, h], &[i, j, k, l]);
        let [.., e, f, g, h] = minuend;
        let [.., i, j, k, l] = subtrahend;
        let (e, borrow) = sub_borrow(e, i, borrow);
        let (f, borrow) = sub_borrow(f, j, borrow);
        let (g, borrow) = sub_borrow(g, k, borrow);
        let (h, borrow) = sub_borrow(h, l, borrow);
        let (sum, over) = add4(&step(step(step(step(low)))), &[e, f, g, h]);
        Self::settle(sum, over as i64 - borrow as i64)
    }

    /// t / 2^256 less the residues, at most three of them: from −3 · 2^256 to 2^256 + p.
    #[cfg_attr(not(debug_assertions), inline(always))]
    const fn reduce_less<const COUNT: usize>(t: [u64; 8], less: &[&Self; COUNT]) -> Self {
        let mut high = [t[4], t[5], t[6], t[7]];
        let mut over = 0;
        let mut i = 0;
        while i < COUNT {
            let borrow;
            (high, borrow) = sub4(&high, &less[i].0);
            over -= borrow as i64;
            i += 1;
        }
        let (sum, carry) = add4(&step(step(step(step([t[0], t[1], t[2], t[3]])))), &high);
        Self::settle(sum, over + carry as i64)
    }

    /// The residue of t + over · 2^256, for over from −3 to 1 and a value below 2^256 + p.
    #[cfg_attr(not(debug_assertions), inline(always))]
    const fn settle(t: [u64; 4], over: i64) -> Self {
        let multiple = &MULTIPLES[(over + 3) as usize & 7];
        let (t, carry) = add4(&t, multiple);
        // adding k · p takes a value in −k · 2^256..−(k − 1) · 2^256 to 0..2^256, but for the lowest ones, about one in 2^30
        // otherwise nothing is carried
        if (over < 0) != carry {
            core::hint::cold_path();
            return Self(add4(&t, &P).0);
        }
        Self(t)
    }

    /// Sum; below 2^257, so p is taken away up to twice.
    #[inline(always)]
    #[must_use]
    pub(super) const fn add(&self, other: &Self) -> Self {
        let (t, over) = add4(&self.0, &other.0);
        let mask = 0_u64.wrapping_sub(over as u64);
        let (t, below) = sub4(&t, &[mask, mask & P[1], 0, mask & P[3]]);
        // `below` implies `over`; they differ when both terms were close to 2^256, about once in 2^32 sums
        if over != below {
            core::hint::cold_path();
            return Self::fold(t, true);
        }
        Self(t)
    }

    /// Difference; above −2^256, so p is added up to twice.
    #[inline(always)]
    #[must_use]
    pub(super) const fn sub(&self, other: &Self) -> Self {
        let (t, below) = sub4(&self.0, &other.0);
        let mask = 0_u64.wrapping_sub(below as u64);
        let (t, over) = add4(&t, &[mask, mask & P[1], 0, mask & P[3]]);
        // `over` implies `below`; compared, and not tested one by one, because each alone is a coin toss for a branch predictor
        if below != over {
            core::hint::cold_path();
            return Self(add4(&t, &P).0);
        }
        Self(t)
    }

    /// Half of the residue: of the number or of it plus p, whichever is even; below 2^256, as that sum is below 2^257.
    #[inline(always)]
    #[must_use]
    pub(super) const fn halve(&self) -> Self {
        let mask = 0_u64.wrapping_sub(self.0[0] & 1);
        let ([a, b, c, d], over) = add4(&self.0, &[mask, mask & P[1], 0, mask & P[3]]);
        Self([a >> 1 | b << 63, b >> 1 | c << 63, c >> 1 | d << 63, d >> 1 | (over as u64) << 63])
    }

    /// Twice the residue, bounded like a sum.
    #[inline(always)]
    #[must_use]
    pub(super) const fn double(&self) -> Self {
        self.add(self)
    }

    /// p minus the number when `negative`; it must be below p for a right answer, and any word is answered. Branch-free: nobody can foresee it.
    #[inline(always)]
    #[must_use]
    pub(super) const fn negate_if(&self, negative: bool) -> Self {
        // p − x is the complement of x plus p + 1
        let mask = 0_u64.wrapping_sub(negative as u64);
        let [a, b, c, d] = self.0;
        let complement = [a ^ mask, b ^ mask, c ^ mask, d ^ mask];
        Self(add4(&complement, &[0, mask & (1 << 32), 0, mask & P[3]]).0)
    }

    /// The inverse, canonical; zero of zero.
    #[must_use]
    pub(super) const fn invert(&self) -> Self {
        // the number is x · 2^256, so 2^512 divided by it is x^−1 · 2^256
        Self(divide(&MODULUS, &SQUARE_OF_RADIX.0, &self.canonical().0))
    }
}
