//! Field, scalars and divisions against crypto-bigint, on edges and at random.

extern crate std;

use super::divide::{Modulus, divide};
use super::field::{Field, P, sub4};
use super::scalar::{N, Pair, multipliers};
use crypto_bigint::{NonZero, U256, U512};
use std::vec::Vec;

fn random() -> impl FnMut() -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// Any numbers below 2^256: the borders of limbs, of p, of n and of 2^256, and random ones.
fn numbers(of_each: usize) -> Vec<[u64; 4]> {
    let mut numbers = Vec::new();
    for border in [
        [0; 4],
        P,
        N,
        [u64::MAX; 4],
        [0, 0, 0, 1 << 63],
        [u64::MAX, 0, 0, 0],
        [u64::MAX, u64::MAX, 0, 0],
        [0, u64::MAX, 0, u64::MAX],
        [0, 1 << 32, 0, 0],
    ] {
        for distance in 0..3 {
            let value = U256::from_words(border);
            numbers.push(value.wrapping_add(&U256::from_u64(distance)).to_words());
            numbers.push(value.wrapping_sub(&U256::from_u64(distance)).to_words());
        }
    }
    let mut next = random();
    for i in 0..of_each {
        numbers.push([next(), next(), next(), next()]);
        // long runs of ones and zeros
        numbers.push(core::array::from_fn(|j| if i >> j & 1 == 1 { u64::MAX >> (next() % 64) } else { u64::MAX << (next() % 64) }));
    }
    numbers
}

fn remainder(x: &U512, modulus: [u64; 4]) -> U256 {
    let modulus = U512::from((U256::from_words(modulus), U256::ZERO));
    let (low, _): (U256, U256) = x.rem_vartime(&NonZero::new(modulus).unwrap()).into();
    low
}

fn wide(x: [u64; 4]) -> U512 {
    U512::from((U256::from_words(x), U256::ZERO))
}

/// What a field element stands for: the number divided by 2^256.
fn value(x: &Field) -> U256 {
    remainder(&wide(x.mul(&Field([1, 0, 0, 0])).0), P)
}

fn times(a: &U256, b: &U256) -> U512 {
    let (low, high) = a.widening_mul(b);
    U512::from((low, high))
}

#[test]
fn field_operations_are_those_of_integers_modulo_p() {
    let numbers = numbers(60);
    let p = U512::from((U256::from_words(P), U256::ZERO));
    for a in &numbers {
        let x = Field(*a);
        let a = value(&x);
        assert_eq!(
            remainder(&wide(Field::from_limbs(x.0).0), P),
            remainder(&U512::from((U256::ZERO, U256::from_words(x.0))), P),
            "into Montgomery's form"
        );
        assert_eq!(U256::from_words(x.canonical().0), remainder(&wide(x.0), P));
        assert_eq!(x.is_zero(), a == U256::ZERO);
        assert_eq!(value(&x.square()), remainder(&times(&a, &a), P));
        assert_eq!(value(&x.double()), remainder(&U512::from((a, U256::ZERO)).wrapping_add(&U512::from((a, U256::ZERO))), P));
        assert_eq!(value(&x.halve().double()), a);
        let inverse = value(&x.invert());
        assert_eq!(remainder(&times(&inverse, &a), P), if a == U256::ZERO { U256::ZERO } else { U256::ONE });
        assert_eq!(value(&x.canonical().negate_if(true)), remainder(&p.wrapping_sub(&U512::from((a, U256::ZERO))), P));
        assert_eq!(x.negate_if(false).0, x.0);
        for b in &numbers {
            let y = Field(*b);
            let b = value(&y);
            assert_eq!(value(&x.mul(&y)), remainder(&times(&a, &b), P));
            assert_eq!(value(&x.add(&y)), remainder(&U512::from((a, U256::ZERO)).wrapping_add(&U512::from((b, U256::ZERO))), P));
            assert_eq!(
                value(&x.sub(&y)),
                remainder(&U512::from((a, U256::ZERO)).wrapping_add(&p).wrapping_sub(&U512::from((b, U256::ZERO))), P)
            );
            assert_eq!(x.equals(&y), a == b);
        }
    }
}

#[test]
fn fused_operations_are_what_they_are_made_of() {
    let numbers = numbers(12);
    for (i, a) in numbers.iter().enumerate() {
        for b in &numbers {
            for (j, c) in numbers.iter().enumerate() {
                let (a, b, c, d) = (Field(*a), Field(*b), Field(*c), Field(numbers[(i + 7 * j) % numbers.len()]));
                assert!(a.mul_less(&b, &[&c]).equals(&a.mul(&b).sub(&c)));
                assert!(a.mul_less(&b, &[&c, &d, &d]).equals(&a.mul(&b).sub(&c).sub(&d).sub(&d)));
                assert!(a.square_less(&[&b, &c, &d]).equals(&a.square().sub(&b).sub(&c).sub(&d)));
                assert!(Field::mul_less_mul(&a, &b, &c, &d).equals(&a.mul(&b).sub(&c.mul(&d))));
            }
        }
    }
}

#[test]
fn divisions_are_exact_for_both_moduli() {
    for modulus in [P, N] {
        let ready = Modulus::new(modulus);
        let numbers: Vec<[u64; 4]> = numbers(2_000).into_iter().filter(|x| sub4(x, &modulus).1).collect();
        for (i, y) in numbers.iter().enumerate() {
            let x = numbers[(i * 31 + 5) % numbers.len()];
            let quotient = divide(&ready, &x, y);
            assert!(sub4(&quotient, &modulus).1);
            let expected = if *y == [0; 4] { U256::ZERO } else { U256::from_words(x) };
            assert_eq!(remainder(&times(&U256::from_words(quotient), &U256::from_words(*y)), modulus), expected);
        }
    }
}

fn bytes(x: &[u64; 4]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (chunk, word) in bytes.chunks_mut(8).rev().zip(x) {
        chunk.copy_from_slice(&word.to_be_bytes());
    }
    bytes
}

#[test]
fn multipliers_are_quotients_alone_and_together() {
    let numbers = numbers(200);
    let scalars: Vec<[u64; 4]> = numbers.iter().copied().filter(|x| *x != [0; 4] && sub4(x, &N).1).collect();
    let check = |digest: &[u64; 4], pair: &Pair, of_base: &[u64; 4], of_key: &[u64; 4]| {
        for (quotient, expected) in [(of_base, digest), (of_key, &pair.r)] {
            assert!(sub4(quotient, &N).1);
            assert_eq!(remainder(&times(&U256::from_words(*quotient), &U256::from_words(pair.s)), N), remainder(&wide(*expected), N));
        }
    };
    for (i, s) in scalars.iter().enumerate() {
        let pairs: [Pair; 8] = core::array::from_fn(|j| Pair {
            r: scalars[(i * 3 + j) % scalars.len()],
            s: if j == i % 8 { *s } else { scalars[(i + j * 11) % scalars.len()] },
        });
        let plain: [[u64; 4]; 8] = core::array::from_fn(|j| numbers[(i * 5 + j) % numbers.len()]);
        let digests = plain.map(|digest| bytes(&digest));
        let together = multipliers(&pairs, &digests.each_ref());
        let [alone] = multipliers(&[pairs[0]], &[&digests[0]]);
        assert_eq!((alone.of_base, alone.of_key), (together[0].of_base, together[0].of_key));
        for ((multipliers, pair), digest) in together.iter().zip(&pairs).zip(&plain) {
            check(digest, pair, &multipliers.of_base, &multipliers.of_key);
        }
    }
}

#[test]
fn halves_of_a_signature_are_from_1_to_n_less_1() {
    let below = sub4(&N, &[1, 0, 0, 0]).0;
    let one = [1, 0, 0, 0];
    for (r, s, good) in [
        (one, one, true),
        (below, below, true),
        ([0; 4], one, false),
        (one, [0; 4], false),
        (N, one, false),
        (one, N, false),
        ([u64::MAX; 4], one, false),
        (one, [u64::MAX; 4], false),
    ] {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&bytes(&r));
        signature[32..].copy_from_slice(&bytes(&s));
        assert_eq!(Pair::from_bytes(&signature).is_some(), good);
    }
    let (_, second) = Pair { r: one, s: one }.coordinates();
    assert!(second.is_some());
    // p − n − 1 has a second coordinate, p − 1, and p − n has none
    let gap = sub4(&P, &N).0;
    assert!(Pair { r: sub4(&gap, &one).0, s: one }.coordinates().1.is_some());
    assert!(Pair { r: gap, s: one }.coordinates().1.is_none());
}
