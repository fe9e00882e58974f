//! Arithmetic modulo n, the order of G, and the two scalars of a verification.
//!
//! Numbers are four 64-bit limbs. [`scaled`] is Montgomery's product a · b / 2^256; the factor is never removed one by one, it goes into the
//! numerator of the one division that a verification needs.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "arrays of constant length under constant indices; carries whose bounds stand beside them; `as` turns a carry into a word"
)]

use super::divide::{Modulus, divide};
use super::field::{Field, P, add_carry, add4, limbs_of, multiply, product, sub4};

/// n.
pub(super) const N: [u64; 4] = [0xf3b9_cac2_fc63_2551, 0xbce6_faad_a717_9e84, 0xffff_ffff_ffff_ffff, 0xffff_ffff_0000_0000];
const MODULUS: Modulus = Modulus::new(N);
/// 2^256 mod n = 2^256 − n.
const RADIX: [u64; 4] = sub4(&[0; 4], &N).0;
/// p − n, above which r + n is no coordinate.
const P_MINUS_N: [u64; 4] = sub4(&P, &N).0;
/// −n^−1 modulo 2^64.
const MINUS_INVERSE: u64 = {
    let mut inverse = N[0];
    let mut i = 0;
    while i < 5 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(N[0].wrapping_mul(inverse)));
        i += 1;
    }
    inverse.wrapping_neg()
};

/// Both halves of a signature, each from 1 to n − 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) r: [u64; 4],
    pub(super) s: [u64; 4],
}

/// The multipliers of G and of the key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Multipliers {
    pub(super) of_base: [u64; 4],
    pub(super) of_key: [u64; 4],
}

impl Pair {
    /// Stands in a batch for a signature that was refused already.
    pub(super) const ONES: Self = Self { r: [1, 0, 0, 0], s: [1, 0, 0, 0] };

    /// Reads r and s (RFC 7518 section 3.4); a high s is as good as a low one.
    #[must_use]
    pub(super) fn from_bytes(signature: &[u8; 64]) -> Option<Self> {
        let ([r, s], []) = signature.as_chunks::<32>() else {
            return None;
        };
        let pair = Self { r: limbs_of(r), s: limbs_of(s) };
        (in_range(&pair.r) && in_range(&pair.s)).then_some(pair)
    }

    /// The coordinates whose residue modulo n is r: r itself, and r + n where that is below p.
    #[must_use]
    pub(super) fn coordinates(&self) -> (Field, Option<Field>) {
        let second = if sub4(&self.r, &P_MINUS_N).1 { Some(Field::from_limbs(add4(&self.r, &N).0)) } else { None };
        (Field::from_limbs(self.r), second)
    }
}

/// digest / s and r / s modulo n, for each of the signatures, with one division (P. Montgomery, 1987).
pub(super) fn multipliers<const COUNT: usize>(pairs: &[Pair; COUNT], digests: &[&[u8; 32]; COUNT]) -> [Multipliers; COUNT] {
    let mut before = [[0; 4]; COUNT];
    let mut all = [0; 4];
    for (i, pair) in pairs.iter().enumerate() {
        before[i] = all;
        all = if i == 0 { pair.s } else { scaled(&all, &pair.s) };
    }
    // with 2^256 over the product, each factor of 2^256 that a scaled product takes away comes back
    let mut inverse = divide(&MODULUS, &RADIX, &all);
    let mut out = [Multipliers { of_base: [0; 4], of_key: [0; 4] }; COUNT];
    for (i, pair) in pairs.iter().enumerate().rev() {
        let mut of_s = inverse;
        if i > 0 {
            of_s = scaled(&inverse, &before[i]);
            inverse = scaled(&inverse, &pair.s);
        }
        out[i] = Multipliers { of_base: scaled(&of_s, &limbs_of(digests[i])), of_key: scaled(&of_s, &pair.r) };
    }
    out
}

fn in_range(x: &[u64; 4]) -> bool {
    (x[0] | x[1] | x[2] | x[3]) != 0 && sub4(x, &N).1
}

/// a · b / 2^256 modulo n, below n, for a below n and any b below 2^256.
#[must_use]
fn scaled(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
    let mut t = product(a, b);
    let mut over = false;
    let mut i = 0;
    while i < 4 {
        let q = t[i].wrapping_mul(MINUS_INVERSE);
        let (_, high) = multiply(q, N[0]);
        // the low limb becomes zero, with a carry unless it was zero
        let mut carry = high + (t[i] != 0) as u64;
        let mut j = 1;
        while j < 4 {
            let (low, high) = multiply(q, N[j]);
            let (low, first) = low.overflowing_add(carry);
            let (low, second) = low.overflowing_add(t[i + j]);
            t[i + j] = low;
            carry = high + first as u64 + second as u64;
            j += 1;
        }
        (t[i + 4], over) = add_carry(t[i + 4], carry, over);
        i += 1;
    }
    // (a · b + q · n) / 2^256 < 2n
    let high = [t[4], t[5], t[6], t[7]];
    let (reduced, below) = sub4(&high, &N);
    if below && !over { high } else { reduced }
}
