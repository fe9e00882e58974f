//! The arithmetic against curve25519-dalek and crypto-bigint; what the public functions answer is tested in `tests/`.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::as_conversions,
    reason = "a test that panics has done its work"
)]

use super::comb::{Comb, Term, build};
use super::divide::divide;
use super::field::{Field, P};
use super::point::{Affine, Projective};
use super::*;
use crypto_bigint::{NonZero, U256, U512};
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT as B, EIGHT_TORSION};
use curve25519_dalek::{EdwardsPoint, Scalar};
use std::vec;
use std::vec::Vec;

/// Numbers that only look random (G. Marsaglia, "Xorshift RNGs", 2003).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn limbs(&mut self) -> [u64; 4] {
        // a limb of all zeros or all ones now and then: carries run through it
        core::array::from_fn(|_| match self.next() % 8 {
            0 => 0,
            1 => u64::MAX,
            _ => self.next(),
        })
    }

    fn scalar(&mut self) -> [u64; 4] {
        let mut bytes = [0; 64];
        bytes.fill_with(|| (self.next() >> 40) as u8);
        words(&Scalar::from_bytes_mod_order_wide(&bytes).to_bytes())
    }
}

fn words(bytes: &[u8; 32]) -> [u64; 4] {
    limbs_of(bytes)
}

fn octets(limbs: &[u64; 4]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (eight, limb) in bytes.as_chunks_mut().0.iter_mut().zip(limbs) {
        *eight = limb.to_le_bytes();
    }
    bytes
}

/// Values at which a carry, a borrow or a last subtraction changes.
fn edges() -> Vec<[u64; 4]> {
    let mut edges = vec![[0; 4], [u64::MAX; 4], P, [0, 0, 0, 1 << 63], [37, 0, 0, 1 << 63], [2_900, 0, 0, 1 << 63]];
    for near in 0..80 {
        edges.push([near, 0, 0, 0]);
        edges.push([u64::MAX - near, u64::MAX, u64::MAX, u64::MAX]);
        edges.push([u64::MAX - near, u64::MAX, u64::MAX, u64::MAX >> 1]);
        edges.push([near, 0, 0, 1 << 63]);
    }
    for bit in 0..256 {
        let mut power = [0; 4];
        power[bit / 64] = 1 << (bit % 64);
        edges.push(power);
    }
    edges
}

fn modulus() -> NonZero<U256> {
    NonZero::new(U256::from_words(P)).unwrap()
}

fn big(x: &[u64; 4]) -> U256 {
    U256::from_words(*x).rem_vartime(&modulus())
}

fn same(field: Field, expected: &U256, tight: bool) {
    assert_eq!(U256::from_words(field.canonical().0), *expected);
    assert!(field.canonical().is_canonical());
    assert!(!tight || field.0[3] < 1 << 63 || field.0[3] == 1 << 63 && field.0[2] == 0 && field.0[1] == 0 && field.0[0] < 1 << 11);
}

fn compare_field(a: [u64; 4], b: [u64; 4]) {
    let (x, y, p) = (big(&a), big(&b), modulus());
    let wide: U512 = x.concatenating_mul(&y);
    same(Field(a).mul(&Field(b)), &(wide % NonZero::new(U512::from(&U256::from_words(P))).unwrap()).resize(), true);
    same(Field(a).add(&Field(b)), &x.add_mod(&y, &p), false);
    same(Field(a).sub(&Field(b)), &x.sub_mod(&y, &p), false);
    assert_eq!(Field(a).equals(&Field(b)), x == y);
    let tight = [Field(a).mul(&Field::ONE), Field(b).mul(&Field::ONE)];
    same(tight[0].add_tight(&tight[1]), &x.add_mod(&y, &p), false);
}

fn compare_unary(a: [u64; 4]) {
    let x = big(&a);
    same(Field(a), &x, false);
    same(Field(a).negate(), &x.neg_mod(&modulus()), false);
    assert_eq!(Field(a).square().canonical().0, Field(a).mul(&Field(a)).canonical().0);
    assert_eq!(Field(a).is_odd(), x.as_words()[0] & 1 == 1);
    assert_eq!(Field(a).is_zero(), x == U256::ZERO);
    let quotient = divide(&Field(a), &Field(a));
    assert_eq!(quotient.0, if x == U256::ZERO { [0; 4] } else { Field::ONE.0 });
}

#[test]
fn the_field_agrees_with_crypto_bigint() {
    let edges = edges();
    for a in &edges {
        compare_unary(*a);
        for b in &edges {
            compare_field(*a, *b);
        }
    }
    let mut numbers = Numbers(1);
    for _ in 0..100_000 {
        let (a, b) = (numbers.limbs(), numbers.limbs());
        compare_field(a, b);
        compare_unary(a);
    }
}

#[test]
fn largest_tight_values_add_without_a_lost_carry() {
    let largest = [(1 << 11) - 1, 0, 0, 1 << 63];
    let twice = big(&largest).add_mod(&big(&largest), &modulus());
    same(Field(largest).add_tight(&Field(largest)), &twice, false);
}

#[test]
fn a_quotient_times_the_divisor_is_the_dividend() {
    let (edges, mut numbers) = (edges(), Numbers(2));
    let random: Vec<[u64; 4]> = (0..20_000).map(|_| numbers.limbs()).collect();
    for (a, b) in edges.iter().flat_map(|a| edges.iter().map(move |b| (a, b))).chain(random.iter().zip(random.iter().skip(1))) {
        let quotient = divide(&Field(*a), &Field(*b));
        assert!(quotient.is_canonical());
        if !Field(*b).is_zero() {
            assert!(quotient.mul(&Field(*b)).equals(&Field(*a)));
        } else {
            assert!(quotient.is_zero());
        }
    }
}

#[test]
fn scalars_agree_with_dalek() {
    let mut numbers = Numbers(3);
    let compare = |low: [u64; 4], high: [u64; 4]| {
        let mut wide = [0; 64];
        wide[..32].copy_from_slice(&octets(&low));
        wide[32..].copy_from_slice(&octets(&high));
        assert_eq!(octets(&scalar::reduce(&wide)), Scalar::from_bytes_mod_order_wide(&wide).to_bytes());
        let canonical = Option::<Scalar>::from(Scalar::from_canonical_bytes(octets(&low)));
        assert_eq!(scalar::from_canonical_bytes(&octets(&low)), canonical.map(|s| words(&s.to_bytes())));
    };
    let mut edges = edges();
    for near in 0..40 {
        edges.push([scalar::L[0] - 20 + near, scalar::L[1], scalar::L[2], scalar::L[3]]);
    }
    for low in &edges {
        for high in edges.iter().step_by(3) {
            compare(*low, *high);
        }
    }
    for _ in 0..100_000 {
        let (low, high) = (numbers.limbs(), numbers.limbs());
        compare(low, high);
    }
    // multiples of L and their neighbours
    let l = U256::from_words(scalar::L);
    for _ in 0..10_000 {
        let factor = U256::from_words(numbers.limbs());
        let product: U512 = l.concatenating_mul(&factor);
        for near in [product.wrapping_sub(&U512::ONE), product, product.wrapping_add(&U512::ONE)] {
            let (low, high) = near.split();
            compare(*low.as_words(), *high.as_words());
        }
    }
}

#[test]
fn the_non_adjacent_form_is_the_number() {
    let mut numbers = Numbers(4);
    for k in scalars().into_iter().chain((0..5_000).map(|_| numbers.scalar())) {
        let digits = scalar::non_adjacent(&k);
        let mut sum = Scalar::ZERO;
        for digit in digits.iter().rev() {
            sum = sum + sum;
            let magnitude = Scalar::from(digit.unsigned_abs());
            sum = if *digit < 0 { sum - magnitude } else { sum + magnitude };
            assert!(*digit == 0 || digit % 2 != 0 && digit.abs() < 16);
        }
        assert_eq!(octets(&k), sum.to_bytes());
    }
}

fn affine(point: &EdwardsPoint) -> Affine {
    let (y, sign) = Field::from_bytes(&point.compress().to_bytes());
    let even = Affine::from_y(y).unwrap();
    if even.x.is_odd() == sign { even } else { even.negate() }
}

fn encode(point: &Projective) -> [u8; 32] {
    let (x, y) = (divide(&point.x, &point.z), divide(&point.y, &point.z));
    let mut bytes = octets(&y.0);
    bytes[31] |= u8::from(x.is_odd()) << 7;
    bytes
}

fn scalar_of(k: &[u64; 4]) -> Scalar {
    Option::<Scalar>::from(Scalar::from_canonical_bytes(octets(k))).unwrap()
}

/// Zero, the ends, powers of two and their neighbours, runs and gaps of bits: the edges of every digit of every shape among them.
fn scalars() -> Vec<[u64; 4]> {
    let mut scalars = vec![Scalar::ZERO, Scalar::ONE, -Scalar::ONE, -(Scalar::ONE + Scalar::ONE)];
    let mut power = Scalar::ONE;
    for _ in 0..253 {
        scalars.extend([power, power - Scalar::ONE, power + Scalar::ONE, -power, -power + Scalar::ONE]);
        power = power + power;
    }
    let mut scalars: Vec<[u64; 4]> = scalars.iter().map(|s| words(&s.to_bytes())).collect();
    for pattern in [0x5555_5555_5555_5555, 0xaaaa_aaaa_aaaa_aaaa, 0xffff_0000_ffff_0000, 0x00ff_00ff_00ff_00ff, 0x8080_8080_8080_8080] {
        scalars.push([pattern, pattern, pattern, pattern >> 4]);
    }
    // from 2^252 up to L: one number in 2^127, which the comb does not cover
    scalars.extend([[0, 0, 0, 1 << 60], [1, 0, 0, 1 << 60], [scalar::L[0] - 1, scalar::L[1], 0, 1 << 60], [0, 1 << 60, 0, 1 << 60]]);
    scalars
}

/// Points with the multiple of B that they are, apart from a component of small order.
fn points() -> Vec<(EdwardsPoint, Scalar)> {
    let mut points: Vec<(EdwardsPoint, Scalar)> = EIGHT_TORSION.iter().map(|small| (*small, Scalar::ZERO)).collect();
    let mut power = Scalar::ONE;
    for place in 0..252_usize {
        if place < 3 || place % 7 == 0 || place % 9 == 0 {
            points.extend([(B * power, power), (B * -power, -power)]);
            points.push((B * power + EIGHT_TORSION[1 + place % 7], power));
        }
        power = power + power;
    }
    let mut numbers = Numbers(5);
    for turn in 0..16_usize {
        let random = scalar_of(&numbers.scalar());
        points.push((B * random, random));
        points.push((B * random + EIGHT_TORSION[turn % 8], random));
    }
    points
}

/// Every path to \[s\]B − \[k\]A for one A.
struct Paths {
    key: PublicKey,
    tables: Vec<Vec<u64>>,
}

impl Paths {
    fn new(point: &EdwardsPoint) -> Self {
        let key = PublicKey { bytes: point.compress().to_bytes(), opposite: affine(&-point) };
        let tables = [0].into_iter().chain(SHAPES.map(words_of)).map(|size| {
            let mut table = vec![0x5555; size];
            assert_eq!(prepare(&key, &mut table), size);
            table
        });
        Self { key, tables: tables.collect() }
    }

    /// How many were compared.
    fn compare(&self, s: &[u64; 4], k: &[u64; 4], expected: &EdwardsPoint) -> usize {
        let expected = expected.compress().to_bytes();
        let (y, sign) = Field::from_bytes(&expected);
        for table in &self.tables {
            let sum = combine(&self.key, table, s, k).unwrap();
            assert_eq!(encode(&sum), expected, "A {:x?}, {} words, s {s:x?}, k {k:x?}", self.key.bytes, table.len());
            assert!(encodes_as(&sum, &y, sign) && !encodes_as(&sum, &y, !sign) && !encodes_as(&sum, &y.add(&Field::ONE), sign));
        }
        self.tables.len()
    }
}

#[test]
fn structured_double_multiplications_agree_with_dalek() {
    let (scalars, points) = (scalars(), points());
    let compared: usize = std::thread::scope(|scope| {
        let halves = points.chunks(points.len().div_ceil(2)).map(|half| scope.spawn(|| compare_all(&scalars, half)));
        halves.collect::<Vec<_>>().into_iter().map(|half| half.join().unwrap()).sum()
    });
    assert!(compared >= 300_000, "only {compared}");
}

fn compare_all(scalars: &[[u64; 4]], points: &[(EdwardsPoint, Scalar)]) -> usize {
    let (mut compared, mut numbers) = (0, Numbers(6));
    for (turn, (point, log)) in points.iter().enumerate() {
        let paths = Paths::new(point);
        let mut compare = |s: Scalar, k: Scalar| {
            let expected = B * s - point * k;
            compared += paths.compare(&words(&s.to_bytes()), &words(&k.to_bytes()), &expected);
        };
        for (i, k) in scalars.iter().enumerate().skip(turn % 48).step_by(48) {
            let k = scalar_of(k);
            // cancellations: the sum ends in 0, ±B, ±A, or in a point of small order
            for s in [k * log, k * log + Scalar::ONE, -(k * log), (k + Scalar::ONE) * log] {
                compare(s, k);
            }
            compare(scalar_of(&scalars[(i * 31 + turn) % scalars.len()]), k);
            compare(scalar_of(&numbers.scalar()), k);
            compare(k, scalar_of(&numbers.scalar()));
        }
        for edge in scalars.iter().take(4).chain(scalars.iter().rev().take(9)) {
            for other in scalars.iter().take(4).chain(scalars.iter().rev().take(9)) {
                compare(scalar_of(edge), scalar_of(other));
            }
        }
    }
    compared
}

#[test]
fn a_table_holds_the_sums_that_its_comment_says() {
    let point = B * scalar_of(&Numbers(7).scalar()) + EIGHT_TORSION[3];
    for shape in SHAPES.into_iter().chain([base::SHAPE]) {
        let Comb { teeth, blocks, columns } = shape;
        assert!((252..=256).contains(&(teeth * shape.digits())) && shape.digits() <= 64 && teeth <= 9);
        let mut entries = vec![[[0; 4]; 3]; shape.entries()];
        build(&mut entries, shape, &affine(&point));
        let power = |places: usize| (0..places).fold(point, |power, _| power + power);
        for (index, found) in entries.iter().enumerate().take(blocks << (teeth - 1)) {
            if index % 61 > 1 && index % 64 != 63 {
                continue;
            }
            let (block, signs) = (index >> (teeth - 1), index % (1 << (teeth - 1)));
            let expected = (0..teeth).fold(EIGHT_TORSION[0], |sum, tooth| {
                let part = power(tooth * shape.digits() + block * columns);
                if tooth == teeth - 1 || signs >> tooth & 1 == 1 { sum + part } else { sum - part }
            });
            let x = affine(&expected);
            let entry = Projective { x: x.x, y: x.y, z: Field::ONE }.entry(&Field::HALF);
            assert_eq!(*found, entry);
        }
    }
}

#[test]
fn the_static_table_is_the_one_of_b() {
    let mut entries = vec![[[0; 4]; 3]; base::SHAPE.entries()];
    build(&mut entries, base::SHAPE, &affine(&B));
    assert!(entries == base::TABLE.0);
    assert!(Term::new(&base::TABLE.0[1..], base::SHAPE, &[1, 0, 0, 0], false).is_none());
}

#[test]
fn the_small_order_list_is_complete() {
    for small in EIGHT_TORSION {
        assert!(is_small_order(&Field::from_bytes(&small.compress().to_bytes()).0));
        assert!(affine(&small).is_small_order());
        assert!(!affine(&(small + B)).is_small_order());
    }
    assert!(!is_small_order(&Field([2, 0, 0, 0])));
}
