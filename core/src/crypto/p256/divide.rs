//! Division modulo p or n by division steps in variable time: D. J. Bernstein and B.-Y. Yang, "Fast constant-time gcd computation and
//! modular inversion" (2019), with the bookkeeping that P. Wuille describes in "The safegcd implementation in libsecp256k1 explained".
//!
//! f starts as the modulus M, g as the denominator, and d, e with d · y ≡ f · x and e · y ≡ g · x modulo M for x / y. A step halves g after
//! making it even with f. 62 steps are found at a time from the low words alone, collected in a matrix times 2^62, and then
//! applied to the full numbers. When g is 0, f is ±1 and d is ±x / y.
//!
//! A number is five signed limbs of 62 bits; the top one carries the sign.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "five limbs under indices up to a count of at most five; a limb's sums stay below 2^127; `as` cuts two's complement words on purpose"
)]

const LOW: u64 = u64::MAX >> 2;
const STEPS: u32 = 62;
/// Enough for every input of 256 bits: section 11 of the paper bounds the steps by 741.
const MOST_ROUNDS: u32 = 12;

type Signed = [i64; 5];

/// An odd number M with 2^255 < M < 2^256, made ready to divide by.
pub(super) struct Modulus {
    limbs: Signed,
    /// M^−1 modulo 2^62.
    inverse: u64,
}

impl Modulus {
    pub(super) const fn new(modulus: [u64; 4]) -> Self {
        let low = modulus[0];
        // an odd number is its own inverse to three bits, and Newton's iteration doubles them
        let mut inverse = low;
        let mut i = 0;
        while i < 5 {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(low.wrapping_mul(inverse)));
            i += 1;
        }
        Self { limbs: signed(&modulus), inverse: inverse & LOW }
    }
}

/// What 62 steps do: 2^62 · (f, g) becomes (f_from_f · f + f_from_g · g, g_from_f · f + g_from_g · g); a row's absolute values add to at most 2^62.
struct Steps {
    f_from_f: i64,
    f_from_g: i64,
    g_from_f: i64,
    g_from_g: i64,
}

/// `numerator / denominator` modulo M, below M; both must be below M. 0 when the denominator is 0.
#[must_use]
pub(super) const fn divide(modulus: &Modulus, numerator: &[u64; 4], denominator: &[u64; 4]) -> [u64; 4] {
    let mut f = modulus.limbs;
    let mut g = signed(denominator);
    let mut d = [0; 5];
    let mut e = signed(numerator);
    let mut delta = 1;
    // how many limbs f and g still need; the last one in use carries the sign
    let mut used = 5;
    let mut round = 0;
    while round < MOST_ROUNDS {
        let steps;
        // a limb is 62 bits, and no step looks further
        (delta, steps) = find(delta, f[0] as u64, g[0] as u64);
        apply_modulo(&steps, &mut d, &mut e, modulus);
        apply(&steps, &mut f, &mut g, used);
        if g[0] | g[1] | g[2] | g[3] | g[4] == 0 {
            break;
        }
        used = shorten(&mut f, &mut g, used);
        round += 1;
    }
    finish(&d, f[used - 1] < 0, modulus)
}

/// Looks for the next 62 steps in the low words of f (odd) and g.
#[inline(always)]
const fn find(mut delta: i64, mut f: u64, mut g: u64) -> (i64, Steps) {
    let (mut a, mut b, mut c, mut d) = (1_u64, 0_u64, 0_u64, 1_u64);
    let mut left = STEPS;
    loop {
        // all steps that only halve g, at once; the ones on top keep the count within this round
        let halvings = (g | u64::MAX << left).trailing_zeros();
        g >>= halvings;
        a <<= halvings;
        b <<= halvings;
        delta += halvings as i64;
        left -= halvings;
        if left == 0 {
            break;
        }
        if delta > 0 {
            delta = -delta;
            (f, g) = (g, f.wrapping_neg());
            (a, c) = (c, a.wrapping_neg());
            (b, d) = (d, b.wrapping_neg());
        }
        // f stays the same for the next 1 − δ steps, so a multiple of f can clear that many bits of g at once, here up to six
        let room = if 1 - delta < left as i64 { (1 - delta) as u32 } else { left };
        let mask = if room < 6 { (1 << room) - 1 } else { 63 };
        // −1 / f modulo 2^6 is f · (f² − 2): an odd square is 1 modulo 8
        let multiple = g.wrapping_mul(f).wrapping_mul(f.wrapping_mul(f).wrapping_sub(2)) & mask;
        g = g.wrapping_add(f.wrapping_mul(multiple));
        c = c.wrapping_add(a.wrapping_mul(multiple));
        d = d.wrapping_add(b.wrapping_mul(multiple));
    }
    (delta, Steps { f_from_f: a as i64, f_from_g: b as i64, g_from_f: c as i64, g_from_g: d as i64 })
}

#[inline(always)]
const fn wide(a: i64, b: i64) -> i128 {
    a as i128 * b as i128
}

/// Applies the steps to f and g; the division by 2^62 is exact.
#[inline(always)]
const fn apply(steps: &Steps, f: &mut Signed, g: &mut Signed, used: usize) {
    let Steps { f_from_f, f_from_g, g_from_f, g_from_g } = *steps;
    let mut of_f = (wide(f_from_f, f[0]) + wide(f_from_g, g[0])) >> STEPS;
    let mut of_g = (wide(g_from_f, f[0]) + wide(g_from_g, g[0])) >> STEPS;
    let mut i = 1;
    while i < used {
        of_f += wide(f_from_f, f[i]) + wide(f_from_g, g[i]);
        of_g += wide(g_from_f, f[i]) + wide(g_from_g, g[i]);
        f[i - 1] = (of_f as u64 & LOW) as i64;
        g[i - 1] = (of_g as u64 & LOW) as i64;
        of_f >>= STEPS;
        of_g >>= STEPS;
        i += 1;
    }
    f[used - 1] = of_f as i64;
    g[used - 1] = of_g as i64;
}

/// Applies the steps to d and e modulo M. Both stay above −2M and below M: see the invariant in Wuille's text, which holds for any start in it.
#[inline(always)]
const fn apply_modulo(steps: &Steps, d: &mut Signed, e: &mut Signed, modulus: &Modulus) {
    let Steps { f_from_f, f_from_g, g_from_f, g_from_g } = *steps;
    let (d_sign, e_sign) = (d[4] >> 63, e[4] >> 63);
    let mut of_d = wide(f_from_f, d[0]) + wide(f_from_g, e[0]);
    let mut of_e = wide(g_from_f, d[0]) + wide(g_from_g, e[0]);
    // one M for a negative number, and then the multiple of M that makes the low 62 bits vanish
    let m_d = (f_from_f & d_sign) + (f_from_g & e_sign);
    let m_e = (g_from_f & d_sign) + (g_from_g & e_sign);
    let m_d = m_d - (modulus.inverse.wrapping_mul(of_d as u64).wrapping_add(m_d as u64) & LOW) as i64;
    let m_e = m_e - (modulus.inverse.wrapping_mul(of_e as u64).wrapping_add(m_e as u64) & LOW) as i64;
    of_d = (of_d + wide(modulus.limbs[0], m_d)) >> STEPS;
    of_e = (of_e + wide(modulus.limbs[0], m_e)) >> STEPS;
    let mut i = 1;
    while i < 5 {
        of_d += wide(f_from_f, d[i]) + wide(f_from_g, e[i]) + wide(modulus.limbs[i], m_d);
        of_e += wide(g_from_f, d[i]) + wide(g_from_g, e[i]) + wide(modulus.limbs[i], m_e);
        d[i - 1] = (of_d as u64 & LOW) as i64;
        e[i - 1] = (of_e as u64 & LOW) as i64;
        of_d >>= STEPS;
        of_e >>= STEPS;
        i += 1;
    }
    d[4] = of_d as i64;
    e[4] = of_e as i64;
}

/// Drops the top limb while both only repeat the sign in it.
#[inline(always)]
const fn shorten(f: &mut Signed, g: &mut Signed, used: usize) -> usize {
    let top = used - 1;
    if top == 0 || (f[top] != 0 && f[top] != -1) || (g[top] != 0 && g[top] != -1) {
        return used;
    }
    // the sign moves to the two free bits of the limb below
    f[top - 1] |= ((f[top] as u64) << STEPS) as i64;
    g[top - 1] |= ((g[top] as u64) << STEPS) as i64;
    g[top] = 0;
    top
}

const fn signed(x: &[u64; 4]) -> Signed {
    [
        (x[0] & LOW) as i64,
        ((x[0] >> 62 | x[1] << 2) & LOW) as i64,
        ((x[1] >> 60 | x[2] << 4) & LOW) as i64,
        ((x[2] >> 58 | x[3] << 6) & LOW) as i64,
        (x[3] >> 56) as i64,
    ]
}

/// d or −d, which lies above −2M and below 2M, brought to 0..M.
const fn finish(d: &Signed, negate: bool, modulus: &Modulus) -> [u64; 4] {
    let mut value = *d;
    if negate {
        value = plus_multiple(&[0; 5], value, -1);
    }
    while value[4] < 0 {
        value = plus_multiple(&value, modulus.limbs, 1);
    }
    loop {
        let less = plus_multiple(&value, modulus.limbs, -1);
        if less[4] < 0 {
            break;
        }
        value = less;
    }
    let [a, b, c, d, e] = value;
    let [a, b, c, d, e] = [a as u64, b as u64, c as u64, d as u64, e as u64];
    [a | b << 62, b >> 2 | c << 60, c >> 4 | d << 58, d >> 6 | e << 56]
}

/// x + sign · y, carried.
const fn plus_multiple(x: &Signed, y: Signed, sign: i64) -> Signed {
    let mut sum = [0; 5];
    let mut carry = 0;
    let mut i = 0;
    while i < 5 {
        carry += x[i] + sign * y[i];
        sum[i] = if i < 4 { (carry as u64 & LOW) as i64 } else { carry };
        carry >>= STEPS;
        i += 1;
    }
    sum
}
