//! Portable Montgomery arithmetic modulo an odd n < R = 2^(256·K), on digits of 256 bits (P. Montgomery, 1985; the separated operand
//! scanning of Koç, Acar and Kaliski, 1996, with a squaring that forms each product of two different digits once).
//!
//! Numbers are lazy: any value below R stands for its residue. (T + m·n)/R < R + n for T < R², so one subtraction of n where the sum
//! leaves R restores the range. A last multiplication by a number below n gives less than 2n.
#![expect(clippy::indexing_slicing, reason = "every range is within the 2K digits of a product, for each i < K")]
#![expect(clippy::arithmetic_side_effects, reason = "indices of at most 2K digits, counts of at most 256·K bits")]

use super::digit::{Digit, add, double_add, multiply_add, multiply_low, negative_inverse, square};
use super::power::Ring;

/// A modulus with the constants of its arithmetic.
#[derive(Clone, Copy)]
pub(super) struct Modulus<'t, const K: usize> {
    /// n, odd.
    pub(super) modulus: &'t [Digit; K],
    /// −1/n mod 2^256.
    pub(super) inverse: &'t Digit,
    /// R² mod n, which brings a number into the Montgomery domain.
    pub(super) square: &'t [Digit; K],
}

impl<const K: usize> Ring for Modulus<'_, K> {
    type Element = [Digit; K];

    fn multiply(&self, x: &[Digit; K], y: &[Digit; K]) -> [Digit; K] {
        let mut product = [[[0; 4]; K]; 2];
        let wide = product.as_flattened_mut();
        for (i, x) in x.iter().enumerate() {
            wide[i + K] = multiply_row(&mut wide[i..], x, y);
        }
        self.reduce(&mut product)
    }

    fn square(&self, x: &[Digit; K]) -> [Digit; K] {
        let mut product = [[[0; 4]; K]; 2];
        let wide = product.as_flattened_mut();
        for (i, digit) in x.iter().enumerate() {
            let above = &x[i + 1..];
            wide[i + K] = multiply_row(&mut wide[2 * i + 1..], digit, above);
        }
        let (mut top, mut carry) = (0, false);
        for (pair, digit) in wide.as_chunks_mut::<2>().0.iter_mut().zip(x) {
            let (low, high) = square(digit);
            (pair[0], top, carry) = double_add(&pair[0], &low, top, carry);
            (pair[1], top, carry) = double_add(&pair[1], &high, top, carry);
        }
        self.reduce(&mut product)
    }
}

impl<const K: usize> Modulus<'_, K> {
    /// T/R mod n.
    #[inline(always)]
    fn reduce(&self, product: &mut [[Digit; K]; 2]) -> [Digit; K] {
        let wide = product.as_flattened_mut();
        let mut carry = false;
        for i in 0..K {
            let quotient = multiply_low(&wide[i], self.inverse);
            let top = multiply_row(&mut wide[i..], &quotient, self.modulus);
            (wide[i + K], carry) = add(&wide[i + K], &top, carry);
        }
        let [_, high] = product;
        if carry {
            subtract(high, self.modulus);
        }
        *high
    }
}

/// Adds x·y to the start of `sum` and returns the digit that leaves at the top of y.
#[inline(always)]
fn multiply_row(sum: &mut [Digit], x: &Digit, y: &[Digit]) -> Digit {
    let mut carry = [0; 4];
    for (t, y) in sum.iter_mut().zip(y) {
        (*t, carry) = multiply_add(x, y, t, &carry);
    }
    carry
}

/// x − n, mod R.
pub(super) fn subtract<const K: usize>(x: &mut [Digit; K], n: &[Digit; K]) {
    let mut borrow = false;
    for (x, n) in x.as_flattened_mut().iter_mut().zip(n.as_flattened()) {
        (*x, borrow) = x.borrowing_sub(*n, borrow);
    }
}

/// Whether x < y.
pub(super) fn is_less<const K: usize>(x: &[Digit; K], y: &[Digit; K]) -> bool {
    x.as_flattened().iter().rev().lt(y.as_flattened().iter().rev())
}

/// The constants −1/n mod 2^256 and R² mod n.
pub(super) fn constants<const K: usize>(modulus: &[Digit; K]) -> (Digit, [Digit; K]) {
    let inverse = negative_inverse(&modulus[0]);
    // 2^(256·K + 4·K) is R·2^(4·K), and six Montgomery squarings make that R·2^(256·K)
    let mut square = power_of_two(modulus, 260 * K);
    let ring = Modulus { modulus, inverse: &inverse, square: &[[0; 4]; K] };
    for _ in 0..6 {
        square = ring.square(&square);
    }
    (inverse, square)
}

/// 2^exponent mod n, for an exponent not below the bit length of n.
pub(super) fn power_of_two<const K: usize>(n: &[Digit; K], exponent: usize) -> [Digit; K] {
    let limbs = n.as_flattened();
    let length = limbs.len() - limbs.iter().rev().take_while(|limb| **limb == 0).count();
    let mut x = [[0; 4]; K];
    // the highest power of two below n: an odd n > 1 is none itself
    let Some(top) = length.checked_sub(1) else { return x };
    let bit = 63 - limbs[top].leading_zeros();
    x.as_flattened_mut()[top] = 1 << bit;
    let power = 64 * top + usize::try_from(bit).unwrap_or(0);
    for _ in power..exponent {
        let mut top = 0;
        for limb in x.as_flattened_mut() {
            (*limb, top) = (*limb << 1 | top, *limb >> 63);
        }
        if top != 0 || !is_less(&x, n) {
            subtract(&mut x, n);
        }
    }
    x
}
