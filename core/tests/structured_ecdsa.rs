//! Double multiplications u·G + v·Q whose sums meet in the middle, against the `p256` crate, on every path of the P-256 kernel.
//!
//! Random signatures and Wycheproof's never cancel half-way, so a kernel that loses infinity or doubles wrongly passes them all. Here
//! Q = q·G with q known, and u is chosen so that the sum is infinity, a doubling, or next to them.

use counterfoil::crypto::p256::paths::{self, Path, Product};
use counterfoil::crypto::p256::{PublicKey, prepare};
use p256::elliptic_curve::PrimeField as _;
use p256::elliptic_curve::point::AffineCoordinates as _;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{ProjectivePoint, Scalar};

/// Words of a table of each size, and none.
const SIZES: [usize; 11] = [0, 72, 136, 520, 1_600, 3_100, 6_200, 16_500, 32_900, 59_400, 106_600];
/// n, big-endian.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
    0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn power_of_two(k: u32) -> Scalar {
    (0..k).fold(Scalar::ONE, |power, _| power + power)
}

/// Logarithms of the keys: small, huge, powers of two, edges of windows of every width, and some without a pattern.
fn logarithms() -> Vec<Scalar> {
    let mut all = vec![Scalar::ONE, -Scalar::ONE, Scalar::from(2u64), Scalar::from(3u64), -Scalar::from(2u64)];
    for k in [5, 8, 32, 64, 128, 224, 248, 255] {
        all.extend([power_of_two(k), -power_of_two(k), power_of_two(k) - Scalar::ONE]);
    }
    let mut pattern = Scalar::from(0x9e37_79b9_7f4a_7c15u64);
    for _ in 0..6 {
        pattern = pattern * pattern + Scalar::from(7u64);
        all.push(pattern);
    }
    all
}

/// The pairs (u, v) for a key q·G.
fn multipliers(q: Scalar, sparse: usize) -> Vec<(Scalar, Scalar)> {
    let mut vs = vec![Scalar::ZERO, Scalar::ONE, -Scalar::ONE, Scalar::from(2u64)];
    for k in [4, 5, 8, 10, 16, 31, 32, 63, 64, 127, 128, 192, 223, 251, 254, 255] {
        vs.extend([power_of_two(k), power_of_two(k) - Scalar::ONE, -power_of_two(k)]);
    }
    vs.push(Scalar::from(0xdead_beef_0123_4567u64) * q + Scalar::from(11u64));
    let mut pairs = Vec::new();
    for v in vs.into_iter().skip(sparse % 2).step_by(2) {
        let meeting = v * q;
        for u in [-meeting, meeting, -meeting + Scalar::ONE, meeting - Scalar::ONE, Scalar::ZERO, v] {
            pairs.push((u, v));
        }
    }
    pairs
}

/// A scalar's octets; zero is written as n every other time, which is as good.
fn octets(scalar: Scalar, turn: usize) -> [u8; 32] {
    if scalar == Scalar::ZERO && turn % 2 == 1 { ORDER } else { scalar.to_repr().into() }
}

/// The affine x of u·G + v·Q by the oracle; `None` for infinity.
fn expected(u: Scalar, v: Scalar, q: Scalar) -> Option<[u8; 32]> {
    let sum = ProjectivePoint::GENERATOR * u + ProjectivePoint::GENERATOR * q * v;
    (sum != ProjectivePoint::IDENTITY).then(|| sum.to_affine().x().into())
}

/// One key's cases.
struct Cases {
    key: PublicKey,
    cases: Vec<Case>,
}

/// u and v, and the affine x that must come out; `None` for infinity.
type Case = ([u8; 32], [u8; 32], Option<[u8; 32]>);

fn cases(q: Scalar, number: usize) -> Cases {
    let point = (ProjectivePoint::GENERATOR * q).to_affine().to_sec1_point(false);
    let bytes = point.as_bytes();
    let (x, y) = (bytes[1..33].try_into().expect("x"), bytes[33..].try_into().expect("y"));
    let key = PublicKey::from_coordinates(x, y).expect("on the curve");
    let cases = multipliers(q, number).into_iter().enumerate();
    Cases { key, cases: cases.map(|(i, (u, v))| (octets(u, i), octets(v, i), expected(u, v, q))).collect() }
}

/// How many of the cases come out wrong on a path, with one table, `together` at a time.
fn wrong(cases: &Cases, path: Path, table: &[u64], together: usize) -> usize {
    let mut wrong = 0;
    for group in cases.cases.chunks(together) {
        let products: Vec<_> = group.iter().map(|(u, v, _)| Product { key: &cases.key, table, of_base: u, of_key: v }).collect();
        let xs: Vec<_> = group.iter().map(|(_, _, x)| *x).collect();
        let mut out = vec![false; group.len()];
        paths::have_x(path, &products, &xs, &mut out);
        wrong += out.iter().filter(|good| !**good).count();
        // The wrong answer must be told from the right one, or the test could not fail.
        let others: Vec<_> = xs.iter().map(|x| x.map_or(Some([1; 32]), |_| None)).collect();
        paths::have_x(path, &products, &others, &mut out);
        wrong += out.iter().filter(|good| **good).count();
    }
    wrong
}

/// Runs everything on one path; says how many double multiplications that were, and how many came out wrong.
fn run(path: Path, keys: impl Iterator<Item = (usize, Scalar)>, sizes: &[usize], togethers: &[usize]) -> (usize, usize) {
    let (mut ran, mut failed) = (0, 0);
    for (number, q) in keys {
        let cases = cases(q, number);
        for words in sizes {
            let mut table = vec![0; *words];
            let used = prepare(&cases.key, &mut table);
            assert_eq!(used == 0, *words == 0, "{words} words");
            for together in togethers {
                ran += cases.cases.len();
                failed += wrong(&cases, path, &table[..used], *together);
            }
        }
    }
    (ran, failed)
}

#[test]
#[cfg(not(feature = "inject-pitfall-2"))]
fn every_path_adds_up_what_meets_in_the_middle() {
    let (portable, failed) = run(Path::Portable, logarithms().into_iter().enumerate(), &SIZES, &[1, 2, 8]);
    assert_eq!(failed, 0, "portable");
    // Lane by lane is slow: some keys, and tables of some sizes.
    let (lanes, failed) = run(Path::Lanes, logarithms().into_iter().enumerate().step_by(4), &[0, 1_600, 32_900], &[1, 2, 8]);
    assert_eq!(failed, 0, "lanes");
    let mut ifma = 0;
    if Path::Ifma.is_available() {
        let (ran, failed) = run(Path::Ifma, logarithms().into_iter().enumerate(), &SIZES, &[1, 2, 8]);
        assert_eq!(failed, 0, "IFMA");
        ifma = ran;
    }
    assert!(portable + lanes + ifma >= 100_000, "only {portable} + {lanes} + {ifma}");
}

/// The test of the test: `cargo test --features inject-pitfall-2` loses infinity in mid-sum. Each path is tried by itself, where these cases can tell.
#[test]
#[cfg(feature = "inject-pitfall-2")]
fn a_lost_infinity_is_found() {
    // Without a table every path is the same. One or two signatures are spread over the lanes: what these cases let meet, meets in no lane, so
    // that the loss goes unnoticed there. Cases made for that spread are wanting.
    let all: &[usize] = &[1, 2, 8];
    let ways = [
        (Path::Portable, &SIZES[..1], all),
        (Path::Portable, &SIZES[1..8], all),
        (Path::Lanes, &SIZES[1..4], &all[2..]),
        (Path::Ifma, &SIZES[1..8], &all[2..]),
    ];
    for (path, sizes, togethers) in ways.into_iter().filter(|(path, ..)| path.is_available()) {
        for together in togethers {
            let (_, failed) = run(path, logarithms().into_iter().enumerate().take(2), sizes, &[*together]);
            assert!(failed > 0, "pitfall 2 went unnoticed: {path:?}, {together} together, {sizes:?} words");
        }
    }
}
