//! Double multiplications u·G + v·Q whose sums meet in the middle, against the `p256` crate, on every path of the P-256 kernel.
//!
//! Random signatures and Wycheproof's never cancel half-way, so a kernel that loses infinity or doubles wrongly passes them all. Here
//! Q = q·G with q known, and u is chosen so that the sum is infinity, a doubling, or next to them; and where the points are spread over lanes, q
//! is chosen so that two lanes meet.

#[path = "structured_ecdsa/spread.rs"]
mod spread;

use counterfoil::crypto::p256::paths::{self, Path, Product};
use counterfoil::crypto::p256::{PublicKey, prepare};
use p256::elliptic_curve::PrimeField as _;
use p256::elliptic_curve::point::AffineCoordinates as _;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{ProjectivePoint, Scalar};
use spread::Comb;

/// Words of a table of each size, and none.
const SIZES: [usize; 11] = [0, 72, 136, 520, 1_600, 3_100, 6_200, 16_500, 32_900, 59_400, 106_600];
/// The combs of the tables of these sizes.
const COMBS: [(usize, Comb); 10] = [
    (72, Comb { teeth: 4, blocks: 1 }),
    (136, Comb { teeth: 4, blocks: 2 }),
    (520, Comb { teeth: 5, blocks: 4 }),
    (1_600, Comb { teeth: 6, blocks: 6 }),
    (3_100, Comb { teeth: 7, blocks: 6 }),
    (6_200, Comb { teeth: 8, blocks: 6 }),
    (16_500, Comb { teeth: 8, blocks: 16 }),
    (32_900, Comb { teeth: 8, blocks: 32 }),
    (59_400, Comb { teeth: 9, blocks: 29 }),
    (106_600, Comb { teeth: 10, blocks: 26 }),
];
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

fn cases(q: Scalar, multipliers: Vec<(Scalar, Scalar)>) -> Cases {
    let point = (ProjectivePoint::GENERATOR * q).to_affine().to_sec1_point(false);
    let bytes = point.as_bytes();
    let (x, y) = (bytes[1..33].try_into().expect("x"), bytes[33..].try_into().expect("y"));
    let key = PublicKey::from_coordinates(x, y).expect("on the curve");
    let cases = multipliers.into_iter().enumerate();
    Cases { key, cases: cases.map(|(i, (u, v))| (octets(u, i), octets(v, i), expected(u, v, q))).collect() }
}

/// Which of the cases come out wrong on a path, with one table, `together` at a time.
fn wrong(cases: &Cases, path: Path, table: &[u64], together: usize) -> usize {
    cases.cases.chunks(together).map(|group| wrong_of(group, &cases.key, path, table)).sum()
}

fn wrong_of(group: &[Case], key: &PublicKey, path: Path, table: &[u64]) -> usize {
    let products: Vec<_> = group.iter().map(|(u, v, _)| Product { key, table, of_base: u, of_key: v }).collect();
    let xs: Vec<_> = group.iter().map(|(_, _, x)| *x).collect();
    let mut good = vec![false; group.len()];
    paths::have_x(path, &products, &xs, &mut good);
    // The wrong answer must be told from the right one, or the test could not fail.
    let others: Vec<_> = xs.iter().map(|x| x.map_or(Some([1; 32]), |_| None)).collect();
    let mut bad = vec![false; group.len()];
    paths::have_x(path, &products, &others, &mut bad);
    good.iter().zip(bad).filter(|(good, bad)| !**good || *bad).count()
}

/// Runs everything on one path; says how many double multiplications that were, and how many came out wrong.
fn run(path: Path, keys: impl Iterator<Item = (usize, Scalar)>, sizes: &[usize], togethers: &[usize]) -> (usize, usize) {
    let (mut ran, mut failed) = (0, 0);
    for (number, q) in keys {
        let cases = cases(q, multipliers(q, number));
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

/// Runs the keys made for the spread over lanes; says how many there were, and how many came out wrong.
fn run_spread(path: Path, (words, comb): (usize, Comb), together: usize, every: usize) -> (usize, usize) {
    let u = logarithms().pop().expect("some");
    let multipliers = (u, u * u + Scalar::ONE);
    let lanes = if together > 2 { 1 } else { 8 / together };
    let (mut ran, mut failed, mut table) = (0, 0, vec![0; words]);
    for q in spread::keys(comb, multipliers, lanes).into_iter().filter(|q| *q != Scalar::ZERO).step_by(every) {
        let cases = cases(q, vec![multipliers; together]);
        let used = prepare(&cases.key, &mut table);
        ran += together;
        failed += wrong(&cases, path, &table[..used], together);
    }
    (ran, failed)
}

#[test]
#[cfg(not(feature = "inject-pitfall-2"))]
fn portable_code_adds_up_what_meets_in_the_middle() {
    let (ran, failed) = run(Path::Portable, logarithms().into_iter().enumerate(), &SIZES, &[1, 2, 8]);
    assert_eq!(failed, 0);
    assert!(ran >= 100_000, "only {ran}");
}

#[test]
#[cfg(not(feature = "inject-pitfall-2"))]
fn lanes_add_up_what_meets_in_the_middle() {
    // Lane by lane is slow: some keys, and tables of some sizes.
    let (_, failed) = run(Path::Lanes, logarithms().into_iter().enumerate().step_by(4), &[0, 1_600, 32_900], &[1, 2, 8]);
    assert_eq!(failed, 0);
}

#[test]
#[cfg(not(feature = "inject-pitfall-2"))]
fn ifma_adds_up_what_meets_in_the_middle() {
    if !Path::Ifma.is_available() {
        return;
    }
    let (ran, failed) = run(Path::Ifma, logarithms().into_iter().enumerate(), &SIZES, &[1, 2, 8]);
    assert_eq!(failed, 0);
    assert!(ran >= 100_000, "only {ran}");
}

#[test]
#[cfg(not(feature = "inject-pitfall-2"))]
fn every_path_adds_up_what_meets_between_lanes() {
    for path in [Path::Portable, Path::Lanes, Path::Ifma].into_iter().filter(|path| path.is_available()) {
        let every = if path == Path::Ifma { 1 } else { 3 };
        for (comb, together) in COMBS.into_iter().flat_map(|comb| [1, 2, 8].map(|together| (comb, together))) {
            let (ran, failed) = run_spread(path, comb, together, every);
            assert!(ran >= 10, "{comb:?}, {together} together: only {ran}");
            assert_eq!(failed, 0, "{path:?}, {together} together, {} words", comb.0);
        }
    }
}

/// The test of the test: `cargo test --features inject-pitfall-2` loses infinity in mid-sum, which must be found on every path, with tables of
/// every size and without one, whether one signature is judged or some together.
#[test]
#[cfg(feature = "inject-pitfall-2")]
fn a_lost_infinity_is_found_on_every_path() {
    for together in [1, 2, 8] {
        for (path, sizes) in [(Path::Portable, &SIZES[..1]), (Path::Portable, &SIZES[1..8])] {
            let (_, failed) = run(path, logarithms().into_iter().enumerate().take(2), sizes, &[together]);
            assert!(failed > 0, "pitfall 2 went unnoticed: {path:?}, {together} together, {sizes:?} words");
        }
        for path in [Path::Lanes, Path::Ifma].into_iter().filter(|path| path.is_available()) {
            for comb in COMBS {
                let (ran, failed) = run_spread(path, comb, together, 3);
                assert!(ran == failed, "pitfall 2 went unnoticed: {path:?}, {together} together, {} words: {failed} of {ran}", comb.0);
            }
        }
    }
}
