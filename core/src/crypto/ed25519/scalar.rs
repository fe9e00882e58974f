//! Scalars: integers below L, the order of B, as four little-endian limbs.
//!
//! A key may have a component of small order, and then k and k + L are different multiples of it: the integer k modulo L of
//! RFC 8032 must reach the curve as it is. Only multiples of B may be replaced by others of the same class modulo L.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "fixed arrays under constant indices; carries have room, as said beside them"
)]

use super::field::{less, limbs_of, mul_add, sub_borrow};

/// 2^252 + 27742317777372353535851937790883648493.
pub(super) const L: [u64; 4] = [0x5812_631a_5cf5_d3ed, 0x14de_f9de_a2f7_9cd6, 0, 0x1000_0000_0000_0000];

/// The quotient 2^512 / L, rounded down: 261 bits.
const RECIPROCAL: [u64; 5] = {
    let mut quotient = [0; 5];
    let mut rest = [0_u64; 4];
    let mut bit = 513;
    while bit > 0 {
        bit -= 1;
        // `rest` is below L < 2^253, so the shift loses nothing
        rest =
            [rest[0] << 1 | (bit == 512) as u64, rest[1] << 1 | rest[0] >> 63, rest[2] << 1 | rest[1] >> 63, rest[3] << 1 | rest[2] >> 63];
        if !less(&rest, &L) {
            rest = subtract(&rest, &L);
            quotient[bit / 64] |= 1 << (bit % 64);
        }
    }
    quotient
};

/// The scalar in `bytes`; `None` when it is L or more (RFC 8032 section 5.1.7, step 1).
#[must_use]
pub(super) const fn from_canonical_bytes(bytes: &[u8; 32]) -> Option<[u64; 4]> {
    let limbs = limbs_of(bytes);
    if less(&limbs, &L) { Some(limbs) } else { None }
}

/// A 512-bit number modulo L: Barrett's reduction, "Handbook of Applied Cryptography" 14.42 with b = 2^64 and k = 4.
#[must_use]
pub(super) const fn reduce(bytes: &[u8; 64]) -> [u64; 4] {
    let mut x = [0_u64; 8];
    let words = bytes.as_chunks::<8>().0;
    let mut i = 0;
    while i < 8 {
        x[i] = u64::from_le_bytes(words[i]);
        i += 1;
    }
    let estimate = multiply(&[x[3], x[4], x[5], x[6], x[7]], &RECIPROCAL);
    let multiple = multiply(&[estimate[5], estimate[6], estimate[7], estimate[8], estimate[9]], &[L[0], L[1], L[2], L[3], 0]);
    // the estimate is at most 2 too small, so the difference is below 3 L < 2^254 and four limbs hold it
    let mut rest = subtract(&[x[0], x[1], x[2], x[3]], &[multiple[0], multiple[1], multiple[2], multiple[3]]);
    while !less(&rest, &L) {
        rest = subtract(&rest, &L);
    }
    rest
}

/// a − b modulo 2^256.
#[must_use]
pub(super) const fn subtract(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
    let (w, k) = a[0].overflowing_sub(b[0]);
    let (x, k) = sub_borrow(a[1], b[1], k);
    let (y, k) = sub_borrow(a[2], b[2], k);
    let (z, _) = sub_borrow(a[3], b[3], k);
    [w, x, y, z]
}

const fn multiply(a: &[u64; 5], b: &[u64; 5]) -> [u64; 10] {
    let mut t = [0; 10];
    let mut i = 0;
    while i < 5 {
        let mut carry = 0;
        let mut j = 0;
        while j < 5 {
            (t[i + j], carry) = mul_add(a[i], b[j], t[i + j], carry);
            j += 1;
        }
        t[i + 5] = carry;
        i += 1;
    }
    t
}

/// The non-adjacent form of width 5 of k < 2^253: digit i is 0 or odd, in ±1 … ±15, and k = Σ digit · 2^i.
#[must_use]
pub(super) fn non_adjacent(k: &[u64; 4]) -> [i8; 254] {
    let mut digits = [0; 254];
    let bits = [k[0], k[1], k[2], k[3], 0];
    let mut carry = 0;
    let mut i = 0;
    while i < 254 {
        let (word, shift) = (i / 64, i % 64);
        let mut window = bits[word] >> shift;
        if shift > 59 {
            window |= bits[word + 1] << (64 - shift);
        }
        let window = carry + (window & 31);
        if window & 1 == 0 {
            // an even window is a bit and a carry that agree: both pass on
            i += 1;
            continue;
        }
        carry = (window > 16) as u64;
        digits[i] = (window as i8) - ((carry as i8) << 5);
        i += 5;
    }
    digits
}
