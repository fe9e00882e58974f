//! Wycheproof and random signatures on every path of the P-256 kernel: portable at each size of table, without one, and the lanes, alone and
//! together.

use std::collections::BTreeMap;

use counterfoil::crypto::p256::paths::{self, Path};
use counterfoil::crypto::p256::{Item, PublicKey, prepare};
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use p256::ecdsa::{Signature, SigningKey};
use sha2::{Digest as _, Sha256};
use wycheproof::{TestResult, ecdsa};

/// Words of a table of each size, and none.
const SIZES: [usize; 11] = [0, 72, 136, 520, 1_600, 3_100, 6_200, 16_500, 32_900, 59_400, 106_600];

fn available() -> impl Iterator<Item = Path> {
    [Path::Portable, Path::Lanes, Path::Ifma].into_iter().filter(|path| path.is_available())
}

/// A key's tables by the words that they were given.
fn tables(key: &PublicKey) -> BTreeMap<usize, Vec<u64>> {
    let table = |words| {
        let mut table = vec![0; words];
        let used = prepare(key, &mut table);
        table.truncate(used);
        (words, table)
    };
    SIZES.map(table).into()
}

#[test]
fn wycheproof_on_every_path() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).expect("the set");
    let mut ran = 0;
    for group in set.test_groups {
        let point = group.key.key.as_slice();
        let (x, y) = (point[1..33].try_into().expect("x"), point[33..65].try_into().expect("y"));
        let key = PublicKey::from_coordinates(x, y).expect("on the curve");
        let tables = tables(&key);
        for test in group.tests {
            // Another length is refused before the kernel.
            let Ok(signature) = <&[u8; 64]>::try_from(test.sig.as_slice()) else { continue };
            let digest: [u8; 32] = Sha256::digest(test.msg.as_slice()).into();
            for (path, (words, table)) in available().flat_map(|path| tables.iter().map(move |table| (path, table))) {
                // lane by lane is slow: some of the sizes
                if path == Path::Lanes && ![0, 520, 1_600, 32_900].contains(words) {
                    continue;
                }
                for count in [1, 2, 8] {
                    let items = vec![Item { key: &key, table, digest: &digest, signature }; count];
                    let mut verdicts = vec![false; count];
                    paths::verify(path, &items, &mut verdicts);
                    assert_eq!(verdicts, vec![test.result == TestResult::Valid; count], "{path:?} {words} {}", test.tc_id);
                }
            }
            ran += 1;
        }
    }
    assert!(ran >= 200, "only {ran}");
}

#[test]
fn fifty_thousand_signatures_half_of_them_corrupted() {
    const COUNT: usize = 50_000;
    let signers: Vec<SigningKey> = (1..=5u8).map(|i| SigningKey::from_slice(&[i; 32]).expect("a key")).collect();
    let keys: Vec<PublicKey> = signers
        .iter()
        .map(|signer| {
            let point = signer.verifying_key().to_sec1_point(false);
            let bytes = point.as_bytes();
            PublicKey::from_coordinates(bytes[1..33].try_into().expect("x"), bytes[33..].try_into().expect("y")).expect("on the curve")
        })
        .collect();
    let prepared: Vec<_> = keys.iter().map(tables).collect();
    let cases: Vec<Case> = (0..COUNT)
        .map(|i| {
            let digest: [u8; 32] = Sha256::digest(i.to_be_bytes()).into();
            let signature: Signature = signers[i % 5].sign_prehash(&digest).expect("a signature");
            let mut octets: [u8; 64] = signature.to_bytes().into();
            let is_good = i % 2 == 0;
            if !is_good {
                octets[i / 2 % 64] ^= 1 << (i / 128 % 8);
            }
            (digest, octets, is_good)
        })
        .collect();
    let tabled = available().flat_map(|path| [1, 2, 8].map(|together| (path, &SIZES[1..], together)));
    std::thread::scope(|scope| {
        for (path, sizes, together) in [(Path::Portable, &SIZES[..1], 1)].into_iter().chain(tabled) {
            let (cases, keys, prepared) = (&cases, &keys, &prepared);
            scope.spawn(move || judge_all(cases, keys, prepared, (path, sizes, together)));
        }
    });
}

type Case = ([u8; 32], [u8; 64], bool);
type Tables = BTreeMap<usize, Vec<u64>>;

fn judge_all(cases: &[Case], keys: &[PublicKey], prepared: &[Tables], (path, sizes, together): (Path, &[usize], usize)) {
    // lane by lane is slow, and a pair goes the way of eight
    let step = match (path, together) {
        (Path::Lanes, _) => 100,
        (_, 2) => 5,
        _ => 1,
    };
    for (i, group) in cases.chunks(8).enumerate().step_by(step) {
        let words = sizes[i / step % sizes.len()];
        let items: Vec<_> = group
            .iter()
            .enumerate()
            .map(|(j, (digest, signature, _))| {
                let key = (i * 8 + j) % 5;
                Item { key: &keys[key], table: &prepared[key][&words], digest, signature }
            })
            .collect();
        let expected: Vec<bool> = group.iter().map(|(_, _, is_good)| *is_good).collect();
        let mut verdicts = vec![false; items.len()];
        items.chunks(together).zip(verdicts.chunks_mut(together)).for_each(|(items, out)| paths::verify(path, items, out));
        assert_eq!(verdicts, expected, "{path:?}, {together} together, at {i}");
    }
}
