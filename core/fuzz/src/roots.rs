//! Moduli of which anybody can take roots, because their factors are small: whoever owns a key may choose one.

use std::sync::OnceLock;

/// Little-endian words of 64 bits.
type Number = Vec<u64>;

/// A product of different primes.
pub(super) struct Factors(Vec<u64>);

impl Factors {
    /// Up to 66 primes of 62 bits, and of 3, 5, 17 and 257 those whose bits are set.
    pub(super) fn new(count: usize, small: u8) -> Self {
        let small = [3, 5, 17, 257].into_iter().enumerate().filter(|(bit, _)| small >> bit & 1 == 1);
        Self(primes().iter().copied().take(count).chain(small.map(|(_, prime)| prime)).collect())
    }

    /// Big-endian, without leading zeros.
    pub(super) fn product(&self) -> Vec<u8> {
        let octets = octets(&self.0.iter().fold(vec![1], |product, prime| multiply_add(&[], &product, *prime)));
        octets.iter().copied().skip_while(|octet| *octet == 0).collect()
    }

    /// The number whose power is this one modulo the product, for an odd exponent below 2^33: by the Chinese remainder theorem (H. Garner, 1959).
    pub(super) fn root(&self, power: &[u8], exponent: u64) -> Vec<u8> {
        let (mut root, mut product): (Number, Number) = (vec![0], vec![1]);
        for prime in &self.0 {
            let remainder =
                power.iter().fold(0, |sum, octet| (u128::from(sum) << 8 | u128::from(*octet)).rem_euclid((*prime).into()) as u64);
            let wanted = raise(remainder, inverse(exponent, *prime), *prime);
            let missing = (wanted + prime - remainder_of(&root, *prime)) % prime;
            let times = times(missing, raise(remainder_of(&product, *prime), prime - 2, *prime), *prime);
            root = multiply_add(&root, &product, times);
            product = multiply_add(&[], &product, *prime);
        }
        let length = self.product().len();
        let octets = octets(&root);
        let zeros = vec![0; length.saturating_sub(octets.len())];
        [&zeros, &octets[octets.len().saturating_sub(length)..]].concat()
    }
}

/// Modulo p − 1. That is 2q for a prime q above all exponents, or a power of two: the order of units divides q − 1, or p − 1.
fn inverse(exponent: u64, prime: u64) -> u64 {
    raise(exponent % (prime - 1), if prime > 257 { (prime - 1) / 2 - 2 } else { prime - 2 }, prime - 1)
}

/// The largest primes p below 2^62 for which (p − 1) / 2 is a prime as well.
fn primes() -> &'static [u64] {
    static PRIMES: OnceLock<Vec<u64>> = OnceLock::new();
    // such a p is 11 modulo 12
    let candidates = || (0..).map(|step| (1 << 62) - 5 - 12 * step);
    PRIMES.get_or_init(|| candidates().filter(|p| is_prime(p / 2) && is_prime(*p)).take(66).collect())
}

/// M. Rabin's test (1980), which these bases make exact for 64 bits.
fn is_prime(number: u64) -> bool {
    const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    let odd = (number - 1) >> (number - 1).trailing_zeros();
    BASES.iter().all(|base| !number.is_multiple_of(*base))
        && BASES.iter().all(|base| {
            let mut x = raise(*base, odd, number);
            let squares = core::iter::from_fn(|| {
                let last = x;
                x = times(x, x, number);
                Some(last)
            });
            let mut squares = squares.take((number - 1).trailing_zeros() as usize);
            squares.next().is_some_and(|first| first == 1 || first == number - 1) || squares.any(|x| x == number - 1)
        })
}

fn times(a: u64, b: u64, modulus: u64) -> u64 {
    (u128::from(a) * u128::from(b)).rem_euclid(modulus.into()) as u64
}

fn raise(base: u64, exponent: u64, modulus: u64) -> u64 {
    let bits = (0..64 - exponent.leading_zeros()).rev();
    bits.fold(1 % modulus, |power, bit| {
        let square = times(power, power, modulus);
        if exponent >> bit & 1 == 1 { times(square, base, modulus) } else { square }
    })
}

fn remainder_of(number: &[u64], modulus: u64) -> u64 {
    number.iter().rev().fold(0, |sum, word| (u128::from(sum) << 64 | u128::from(*word)).rem_euclid(modulus.into()) as u64)
}

/// sum + number · factor.
fn multiply_add(sum: &[u64], number: &[u64], factor: u64) -> Number {
    let mut carry = 0;
    let length = sum.len().max(number.len() + 1);
    let word = |of: &[u64], at: usize| u128::from(of.get(at).copied().unwrap_or(0));
    (0..length)
        .map(|at| {
            carry += word(sum, at) + word(number, at) * u128::from(factor);
            let low = carry as u64;
            carry >>= 64;
            low
        })
        .collect()
}

fn octets(number: &[u64]) -> Vec<u8> {
    number.iter().rev().flat_map(|word| word.to_be_bytes()).collect()
}
