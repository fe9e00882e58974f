//! Wycheproof's RSA signatures with SHA-256, on every path.

use crate::common::{Scheme, verdict};
use counterfoil::crypto::rsa::PublicKey;
use wycheproof::rsa_pkcs1_verify::{TestName as Pkcs1, TestSet as Pkcs1Set};
use wycheproof::rsa_pss_verify::{TestName as Pss, TestSet as PssSet};
use wycheproof::{HashFunction, TestResult};

fn number(octets: &[u8]) -> u64 {
    octets.iter().fold(0, |number, octet| number << 8 | u64::from(*octet))
}

fn unsigned(octets: &[u8]) -> &[u8] {
    octets.strip_prefix(&[0]).unwrap_or(octets)
}

#[test]
fn pkcs1_vectors() {
    let mut tests = 0;
    for name in [Pkcs1::Rsa2048Sha256, Pkcs1::Rsa3072Sha256, Pkcs1::Rsa4096Sha256] {
        for group in Pkcs1Set::load(name).unwrap().test_groups {
            let key = PublicKey::new(unsigned(&group.key.n), number(&group.key.e)).unwrap();
            for test in group.tests {
                // "acceptable" is a DigestInfo without its NULL, which RFC 8017 allows to refuse
                let good = test.result == TestResult::Valid;
                assert_eq!(verdict(Scheme::Pkcs1, &key, &test.msg, &test.sig), good, "{name:?} {}", test.tc_id);
                tests += 1;
            }
        }
    }
    assert_eq!(tests, 776);
}

#[test]
fn pss_vectors() {
    let (mut tests, mut good) = (0, 0);
    for name in [
        Pss::RsaPss2048Sha256Mgf1SaltLen32,
        Pss::RsaPss2048Sha256Mgf1SaltLen32WithParams,
        Pss::RsaPss3072Sha256Mgf1SaltLen32,
        Pss::RsaPss3072Sha256Mgf1SaltLen32WithParams,
        Pss::RsaPss4096Sha256Mgf1SaltLen32,
        Pss::RsaPss2048Sha256Mgf1SaltLen0,
        Pss::RsaPss2048Sha256Mgf1SaltLen0WithParams,
        Pss::RsaPss2048Sha256Mgf1Sha1_20,
        Pss::RsaPssmisc,
        Pss::RsaPssmiscWithParams,
    ] {
        for group in PssSet::load(name).unwrap().test_groups {
            let hashes = group.hash == HashFunction::Sha2_256 && group.mgf_hash == Some(HashFunction::Sha2_256);
            let key = PublicKey::new(unsigned(&group.key.n), number(&group.key.e)).unwrap();
            for test in group.tests {
                // where the group's salt has another length, a vector with one of 32 octets is ours
                let ours = if group.salt_size == 32 { test.result == TestResult::Valid } else { test.comment == "s_len changed to 32" };
                let valid = hashes && ours;
                assert_eq!(verdict(Scheme::Pss, &key, &test.msg, &test.sig), valid, "{name:?} {}", test.tc_id);
                tests += 1;
                good += u32::from(valid);
            }
        }
    }
    assert!(tests > 1000 && good > 100, "{tests} {good}");
}
