//! Division modulo p by variable-time "safegcd": D. J. Bernstein and B.-Y. Yang, "Fast constant-time gcd computation and modular
//! inversion" (2019), in the arrangement of P. Wuille's "The safegcd implementation in libsecp256k1 explained": 62 division steps at
//! a time on the low words, collected in a 2×2 matrix, which is then applied to the full numbers.
//!
//! Numbers are signed, five limbs of 62 bits of which the top one carries the sign.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "five limbs under constant indices; sums of two products of 63 by 62 bits fit `i128`; two's complement words are cut by `as`"
)]

use super::field::{Field, P};

const LOW_62: u64 = u64::MAX >> 2;
/// p^−1 modulo 2^62, by Newton's iteration.
const P_INVERSE: u64 = {
    let mut x = 1_u64;
    let mut i = 0;
    while i < 6 {
        x = x.wrapping_mul(2_u64.wrapping_sub(P[0].wrapping_mul(x)));
        i += 1;
    }
    x & LOW_62
};
/// Division steps enough for any 256-bit input come to 12 batches (Theorem 11.2 of the paper: 741 steps).
const BATCHES: u32 = 12;

type Signed = [i64; 5];
/// p in signed limbs that are mostly zero: 128·2^248 − 19.
const SIGNED_P: Signed = [-19, 0, 0, 0, 128];

/// The matrix of 62 steps, times 2^62; the absolute values in a row sum to at most 2^62.
struct Steps {
    u: i64,
    v: i64,
    q: i64,
    r: i64,
}

/// `numerator / denominator`, canonical; 0 when the denominator is 0.
#[must_use]
pub(super) const fn divide(numerator: &Field, denominator: &Field) -> Field {
    let mut f = split(&P);
    let mut g = split(&denominator.canonical().0);
    let mut d = [0; 5];
    let mut e = split(&numerator.canonical().0);
    let mut eta = -1;
    let mut batch = 0;
    while batch < BATCHES && (g[0] | g[1] | g[2] | g[3] | g[4]) != 0 {
        let steps;
        (eta, steps) = divsteps(eta, f[0] as u64 | (f[1] as u64) << 62, g[0] as u64 | (g[1] as u64) << 62);
        update_de(&mut d, &mut e, &steps);
        update_fg(&mut f, &mut g, &steps);
        batch += 1;
    }
    // now f = ±1 (±p when the denominator was 0, with d = 0)
    normalize(&d, f[4] < 0)
}

/// 62 division steps on the low 64 bits of f and g.
const fn divsteps(mut eta: i64, f0: u64, g0: u64) -> (i64, Steps) {
    let (mut u, mut v, mut q, mut r) = (1_u64, 0_u64, 0_u64, 1_u64);
    let (mut f, mut g) = (f0, g0);
    let mut left = 62;
    loop {
        // a sentinel bit stops the count at the steps that are left
        let zeros = (g | u64::MAX << left).trailing_zeros();
        g >>= zeros;
        u <<= zeros;
        v <<= zeros;
        eta -= zeros as i64;
        left -= zeros;
        if left == 0 {
            break;
        }
        // now f and g are odd: choose w so that g + w·f has as many zeros as can be cancelled before the next swap
        let w = if eta < 0 {
            eta = -eta;
            (f, g) = (g, f.wrapping_neg());
            (u, q) = (q, u.wrapping_neg());
            (v, r) = (r, v.wrapping_neg());
            // f·(f² − 2) is −1/f modulo 2^6
            f.wrapping_mul(g).wrapping_mul(f.wrapping_mul(f).wrapping_sub(2)) & low_mask(eta, left) & 63
        } else {
            // f + 2·((f + 1) & 4) is 1/f modulo 2^4
            let inverse = f.wrapping_add((f.wrapping_add(1) & 4) << 1);
            inverse.wrapping_neg().wrapping_mul(g) & low_mask(eta, left) & 15
        };
        g = g.wrapping_add(f.wrapping_mul(w));
        q = q.wrapping_add(u.wrapping_mul(w));
        r = r.wrapping_add(v.wrapping_mul(w));
    }
    (eta, Steps { u: u as i64, v: v as i64, q: q as i64, r: r as i64 })
}

/// As many ones as there are steps before the next swap or the end of the batch; at least one.
#[inline(always)]
const fn low_mask(eta: i64, left: u32) -> u64 {
    let limit = if eta + 1 > left as i64 { left } else { (eta + 1) as u32 };
    u64::MAX >> ((64 - limit) & 63)
}

/// (d, e) becomes the matrix times (d, e) / 2^62 modulo p. Both stay in (−2p, p).
#[inline(always)]
const fn update_de(d: &mut Signed, e: &mut Signed, steps: &Steps) {
    let Steps { u, v, q, r } = *steps;
    let (d_sign, e_sign) = (d[4] >> 63, e[4] >> 63);
    // negative inputs get one p; then the multiple of p that makes the low 62 bits vanish
    let mut add_d = (u & d_sign) + (v & e_sign);
    let mut add_e = (q & d_sign) + (r & e_sign);
    let mut low_d = wide(u, d[0]) + wide(v, e[0]);
    let mut low_e = wide(q, d[0]) + wide(r, e[0]);
    add_d -= (P_INVERSE.wrapping_mul(low_d as u64).wrapping_add(add_d as u64) & LOW_62) as i64;
    add_e -= (P_INVERSE.wrapping_mul(low_e as u64).wrapping_add(add_e as u64) & LOW_62) as i64;
    low_d = (low_d + wide(SIGNED_P[0], add_d)) >> 62;
    low_e = (low_e + wide(SIGNED_P[0], add_e)) >> 62;
    let mut i = 1;
    while i < 5 {
        low_d += wide(u, d[i]) + wide(v, e[i]);
        low_e += wide(q, d[i]) + wide(r, e[i]);
        if i == 4 {
            low_d += wide(SIGNED_P[4], add_d);
            low_e += wide(SIGNED_P[4], add_e);
        }
        d[i - 1] = (low_d as u64 & LOW_62) as i64;
        e[i - 1] = (low_e as u64 & LOW_62) as i64;
        low_d >>= 62;
        low_e >>= 62;
        i += 1;
    }
    d[4] = low_d as i64;
    e[4] = low_e as i64;
}

/// (f, g) becomes the matrix times (f, g) / 2^62, which is exact.
#[inline(always)]
const fn update_fg(f: &mut Signed, g: &mut Signed, steps: &Steps) {
    let Steps { u, v, q, r } = *steps;
    let mut low_f = (wide(u, f[0]) + wide(v, g[0])) >> 62;
    let mut low_g = (wide(q, f[0]) + wide(r, g[0])) >> 62;
    let mut i = 1;
    while i < 5 {
        low_f += wide(u, f[i]) + wide(v, g[i]);
        low_g += wide(q, f[i]) + wide(r, g[i]);
        f[i - 1] = (low_f as u64 & LOW_62) as i64;
        g[i - 1] = (low_g as u64 & LOW_62) as i64;
        low_f >>= 62;
        low_g >>= 62;
        i += 1;
    }
    f[4] = low_f as i64;
    g[4] = low_g as i64;
}

#[inline(always)]
const fn wide(a: i64, b: i64) -> i128 {
    a as i128 * b as i128
}

const fn split(x: &[u64; 4]) -> Signed {
    [
        (x[0] & LOW_62) as i64,
        ((x[0] >> 62 | x[1] << 2) & LOW_62) as i64,
        ((x[1] >> 60 | x[2] << 4) & LOW_62) as i64,
        ((x[2] >> 58 | x[3] << 6) & LOW_62) as i64,
        (x[3] >> 56) as i64,
    ]
}

/// ±d for d in (−2p, p), canonical.
const fn normalize(d: &Signed, negate: bool) -> Field {
    // d + 2p lies in (0, 3p), below 2^257: its limbs, carried, then cut to 64 bits with the two top bits folded
    let mut limbs = [0_u64; 5];
    let mut carry = 0_i64;
    let mut i = 0;
    while i < 5 {
        carry += d[i] + 2 * SIGNED_P[i];
        limbs[i] = if i < 4 { carry as u64 & LOW_62 } else { carry as u64 };
        carry >>= 62;
        i += 1;
    }
    let low =
        Field([limbs[0] | limbs[1] << 62, limbs[1] >> 2 | limbs[2] << 60, limbs[2] >> 4 | limbs[3] << 58, limbs[3] >> 6 | limbs[4] << 56]);
    let value = low.add(&Field([38 * (limbs[4] >> 8), 0, 0, 0]));
    if negate { value.negate().canonical() } else { value.canonical() }
}
