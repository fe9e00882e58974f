//! Products of 256-bit digits of four 64-bit limbs, least significant first: the unit of work of the portable Montgomery arithmetic.
//!
//! A row of four products is added in two carry chains, one of low and one of high halves, which costs two additions with carry a
//! product where limb by limb costs four.
#![expect(clippy::arithmetic_side_effects, reason = "the sums are bounded beside each function")]

/// A 256-bit number.
pub(super) type Digit = [u64; 4];

/// (low, high) of x·y + t + c, which is at most (2^256 − 1)² + 2(2^256 − 1) = 2^512 − 1.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn multiply_add(x: &Digit, y: &Digit, t: &Digit, c: &Digit) -> (Digit, Digit) {
    let [t0, t1, t2, t3] = *t;
    let (l0, sum) = row(x[0], y, c);
    let (l1, sum) = row(x[1], y, &sum);
    let (l2, sum) = row(x[2], y, &sum);
    let (l3, [s0, s1, s2, s3]) = row(x[3], y, &sum);
    let (l0, carry) = l0.carrying_add(t0, false);
    let (l1, carry) = l1.carrying_add(t1, carry);
    let (l2, carry) = l2.carrying_add(t2, carry);
    let (l3, carry) = l3.carrying_add(t3, carry);
    let (s0, carry) = s0.carrying_add(0, carry);
    let (s1, carry) = s1.carrying_add(0, carry);
    let (s2, carry) = s2.carrying_add(0, carry);
    let (s3, _) = s3.carrying_add(0, carry);
    ([l0, l1, l2, l3], [s0, s1, s2, s3])
}

/// (lowest limb, the four above) of x·y + sum, which is at most (2^64 − 1)(2^256 − 1) + 2^256 − 1 < 2^320.
#[inline(always)]
fn row(x: u64, y: &Digit, sum: &Digit) -> (u64, Digit) {
    let (l0, h0) = x.carrying_mul(y[0], 0);
    let (l1, h1) = x.carrying_mul(y[1], 0);
    let (l2, h2) = x.carrying_mul(y[2], 0);
    let (l3, h3) = x.carrying_mul(y[3], 0);
    let (s0, carry) = sum[0].carrying_add(l0, false);
    let (s1, carry) = sum[1].carrying_add(l1, carry);
    let (s2, carry) = sum[2].carrying_add(l2, carry);
    let (s3, carry) = sum[3].carrying_add(l3, carry);
    // a high half is at most 2^64 − 2
    let s4 = h3 + u64::from(carry);
    let (s1, carry) = s1.carrying_add(h0, false);
    let (s2, carry) = s2.carrying_add(h1, carry);
    let (s3, carry) = s3.carrying_add(h2, carry);
    (s0, [s1, s2, s3, s4.wrapping_add(u64::from(carry))])
}

/// (low, high) of x², exact: each partial sum is at most (2^64 − 1)² + 2(2^64 − 1) = 2^128 − 1.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn square(x: &Digit) -> (Digit, Digit) {
    // the six products off the diagonal
    let (r1, k) = x[0].carrying_mul(x[1], 0);
    let (r2, k) = x[0].carrying_mul(x[2], k);
    let (r3, r4) = x[0].carrying_mul(x[3], k);
    let (r3, k) = x[1].carrying_mul_add(x[2], r3, 0);
    let (r4, r5) = x[1].carrying_mul_add(x[3], r4, k);
    let (r5, r6) = x[2].carrying_mul_add(x[3], r5, 0);
    let (low, top, carry) = double_add(&[0, r1, r2, r3], &diagonal(x[0], x[1]), 0, false);
    let (high, ..) = double_add(&[r4, r5, r6, 0], &diagonal(x[2], x[3]), top, carry);
    (low, high)
}

#[inline(always)]
fn diagonal(x: u64, y: u64) -> Digit {
    let (l0, h0) = x.carrying_mul(x, 0);
    let (l1, h1) = y.carrying_mul(y, 0);
    [l0, h0, l1, h1]
}

/// 2x + y with the bit shifted in below and the carry, exact: the bit that leaves 2x and the carry are returned beside the digit.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn double_add(x: &Digit, y: &Digit, below: u64, carry: bool) -> (Digit, u64, bool) {
    let [x0, x1, x2, x3] = *x;
    let (r0, carry) = (x0 << 1 | below).carrying_add(y[0], carry);
    let (r1, carry) = (x1 << 1 | x0 >> 63).carrying_add(y[1], carry);
    let (r2, carry) = (x2 << 1 | x1 >> 63).carrying_add(y[2], carry);
    let (r3, carry) = (x3 << 1 | x2 >> 63).carrying_add(y[3], carry);
    ([r0, r1, r2, r3], x3 >> 63, carry)
}

/// x + y + carry.
#[inline(always)]
pub(super) fn add(x: &Digit, y: &Digit, carry: bool) -> (Digit, bool) {
    let (r0, carry) = x[0].carrying_add(y[0], carry);
    let (r1, carry) = x[1].carrying_add(y[1], carry);
    let (r2, carry) = x[2].carrying_add(y[2], carry);
    let (r3, carry) = x[3].carrying_add(y[3], carry);
    ([r0, r1, r2, r3], carry)
}

/// x·y mod 2^256.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn multiply_low(x: &Digit, y: &Digit) -> Digit {
    let (r0, k) = x[0].carrying_mul(y[0], 0);
    let (r1, k) = x[0].carrying_mul(y[1], k);
    let (r2, k) = x[0].carrying_mul(y[2], k);
    let r3 = x[0].wrapping_mul(y[3]).wrapping_add(k);
    let (r1, k) = x[1].carrying_mul_add(y[0], r1, 0);
    let (r2, k) = x[1].carrying_mul_add(y[1], r2, k);
    let r3 = x[1].wrapping_mul(y[2]).wrapping_add(k).wrapping_add(r3);
    let (r2, k) = x[2].carrying_mul_add(y[0], r2, 0);
    let r3 = x[2].wrapping_mul(y[1]).wrapping_add(k).wrapping_add(r3);
    [r0, r1, r2, x[3].wrapping_mul(y[0]).wrapping_add(r3)]
}

/// −1/x mod 2^256 of an odd x, by Newton's iteration: where x·y = −1 + ε, x·y(2 + x·y) = −1 + ε².
pub(super) fn negative_inverse(x: &Digit) -> Digit {
    let mut y = [negative_inverse_of_limb(x[0]), 0, 0, 0];
    // 64 bits are right, then 128, then 256
    for _ in 0..2 {
        let (factor, _) = add(&multiply_low(x, &y), &[2, 0, 0, 0], false);
        y = multiply_low(&y, &factor);
    }
    y
}

/// −1/x mod 2^64 of an odd x.
pub(super) fn negative_inverse_of_limb(x: u64) -> u64 {
    // x·x = 1 mod 8, so three bits are right, then 6, 12, 24, 48, 96
    let mut y = x.wrapping_neg();
    for _ in 0..5 {
        y = y.wrapping_mul(x.wrapping_mul(y).wrapping_add(2));
    }
    y
}
