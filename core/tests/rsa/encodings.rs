//! Signatures of the `rsa` crate, and encodings with one thing wrong each, raised to the private exponent by `crypto-bigint`.

use crate::common::{Random, Scheme, oracle_power, verdict_sampled};
use counterfoil::crypto::rsa::PublicKey;
use rsa::pkcs1v15::SigningKey as Pkcs1Key;
use rsa::pss::SigningKey as PssKey;
use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _, Signer as _};
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{BoxedUint, RsaPrivateKey};
use sha1::Sha1;
use sha2::{Digest, Sha256};

const DIGEST_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];
const MESSAGE: &[u8] = b"eyJhbGciOiJQUzI1NiJ9.e30";

struct Pair {
    private: RsaPrivateKey,
    modulus: Vec<u8>,
    exponent: u64,
}

impl Pair {
    fn generate(bits: usize, exponent: u64) -> Self {
        let private = RsaPrivateKey::new_with_exp(&mut Random(bits as u64 + exponent), bits, BoxedUint::from(exponent)).unwrap();
        let modulus = private.n().to_be_bytes();
        let modulus = modulus[modulus.len() - bits.div_ceil(8)..].to_vec();
        Self { private, modulus, exponent }
    }

    fn public(&self) -> PublicKey<'_> {
        PublicKey::new(&self.modulus, self.exponent).unwrap()
    }

    /// The signature that opens to these octets.
    fn sign_raw(&self, encoded: &[u8]) -> Vec<u8> {
        oracle_power(&self.modulus, encoded, &self.private.d().to_be_bytes())
    }

    fn accepts(&self, scheme: Scheme, encoded: &[u8]) -> bool {
        verdict_sampled(scheme, &self.public(), MESSAGE, &self.sign_raw(encoded))
    }
}

fn pkcs1(length: usize, info: &[u8], hash: &[u8]) -> Vec<u8> {
    let padding = vec![0xff; length - 3 - info.len() - hash.len()];
    [&[0, 1], padding.as_slice(), &[0], info, hash].concat()
}

fn mgf1<D: Digest>(seed: &[u8], length: usize) -> Vec<u8> {
    (0u32..).flat_map(|counter| D::digest([seed, &counter.to_be_bytes()].concat()).to_vec()).take(length).collect()
}

/// EMSA-PSS, as long as the modulus; `spoil` may change DB before it is masked.
fn pss<D: Digest>(bits: usize, salt: &[u8], spoil: impl Fn(&mut [u8])) -> Vec<u8> {
    let length = (bits - 1).div_ceil(8);
    let hash = Sha256::digest([&[0; 8], Sha256::digest(MESSAGE).as_slice(), salt].concat());
    let mut db = vec![0; length - 33];
    let at = db.len() - salt.len();
    db[at - 1] = 1;
    db[at..].copy_from_slice(salt);
    spoil(&mut db);
    let mask = mgf1::<D>(&hash, db.len());
    db.iter_mut().zip(mask).for_each(|(octet, mask)| *octet ^= mask);
    db[0] &= 0xff >> (8 * length - (bits - 1));
    [vec![0; bits.div_ceil(8) - length], db, hash.to_vec(), vec![0xbc]].concat()
}

/// Each pair of lengths and exponents is one key.
const KEYS: [(usize, u64); 9] =
    [(2048, 65537), (2048, 3), (2049, 17), (2055, 65537), (2056, 0x1_0000_000f), (2057, 3), (3072, 65537), (3073, 5), (4096, 65537)];

#[test]
fn what_the_rsa_crate_signs_verifies_and_nothing_else_does() {
    let mut random = Random(7);
    for (bits, exponent) in KEYS {
        let pair = Pair::generate(bits, exponent);
        let (pss_key, pkcs1_key) = (PssKey::<Sha256>::new(pair.private.clone()), Pkcs1Key::<Sha256>::new(pair.private.clone()));
        for round in 0..20 {
            let message = random.octets(37 * round);
            let pss_signature = pss_key.sign_with_rng(&mut random, &message).to_vec();
            let pkcs1_signature = pkcs1_key.sign(&message).to_vec();
            let key = pair.public();
            for (scheme, good, other) in
                [(Scheme::Pss, pss_signature.clone(), &pkcs1_signature), (Scheme::Pkcs1, pkcs1_signature.clone(), &pss_signature)]
            {
                assert!(verdict_sampled(scheme, &key, &message, &good), "{bits} {scheme:?}");
                assert!(!verdict_sampled(scheme, &key, &message, other));
                assert!(!verdict_sampled(scheme, &key, &[message.as_slice(), b" "].concat(), &good));
                let mut bad = good.clone();
                let at = (random.word() as usize) % bad.len();
                bad[at] ^= 1 << (random.word() % 8);
                assert!(!verdict_sampled(scheme, &key, &message, &bad));
                assert!(!verdict_sampled(scheme, &key, &message, &good[1..]));
                assert!(!verdict_sampled(scheme, &key, &message, &[&[0], good.as_slice()].concat()));
            }
        }
    }
}

#[test]
fn a_signature_plus_the_modulus_is_refused() {
    let pair = Pair::generate(2048, 65537);
    let mut tried = 0;
    let mut random = Random(8);
    while tried < 4 {
        let encoded = pss::<Sha256>(2048, &random.octets(32), |_| ());
        let signature = pair.sign_raw(&encoded);
        assert!(verdict_sampled(Scheme::Pss, &pair.public(), MESSAGE, &signature));
        let mut carry = 0;
        let mut sum: Vec<u8> = signature
            .iter()
            .zip(&pair.modulus)
            .rev()
            .map(|(x, y)| {
                carry += u16::from(*x) + u16::from(*y);
                let octet = carry as u8;
                carry >>= 8;
                octet
            })
            .collect();
        sum.reverse();
        if carry == 0 {
            assert!(!verdict_sampled(Scheme::Pss, &pair.public(), MESSAGE, &sum));
            tried += 1;
        }
        assert!(!verdict_sampled(Scheme::Pss, &pair.public(), MESSAGE, &[vec![carry as u8], sum].concat()));
    }
}

#[test]
fn every_octet_of_a_pkcs1_encoding_counts() {
    for (bits, exponent) in [(2048, 65537), (3073, 5)] {
        let pair = Pair::generate(bits, exponent);
        let good = pkcs1(pair.modulus.len(), &DIGEST_INFO, &Sha256::digest(MESSAGE));
        assert!(pair.accepts(Scheme::Pkcs1, &good));
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (if at == 0 { 0 } else { at % 8 });
            if bad < pair.modulus {
                assert!(!pair.accepts(Scheme::Pkcs1, &bad), "octet {at}");
            }
        }
    }
}

#[test]
fn other_pkcs1_encodings_of_the_same_hash_are_refused() {
    let pair = Pair::generate(2048, 3);
    let hash = Sha256::digest(MESSAGE);
    let without_null = [0x30, 0x2f, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x04, 0x20];
    let long_length = [&[0x30, 0x81, 0x31], &DIGEST_INFO[2..]].concat();
    let sha1_info = [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];
    assert!(!pair.accepts(Scheme::Pkcs1, &pkcs1(256, &without_null, &hash)));
    assert!(!pair.accepts(Scheme::Pkcs1, &pkcs1(256, &long_length, &hash)));
    assert!(!pair.accepts(Scheme::Pkcs1, &pkcs1(256, &[], &hash)));
    assert!(!pair.accepts(Scheme::Pkcs1, &pkcs1(256, &sha1_info, &Sha1::digest(MESSAGE))));
    // garbage after a short padding (Bleichenbacher, 2006), and a padding that ends early
    for padding in [0, 1, 7, 8, 9, 100, 201] {
        let mut encoded = [vec![0, 1], vec![0xff; padding], vec![0], DIGEST_INFO.to_vec(), hash.to_vec()].concat();
        let mut leading = encoded.clone();
        encoded.resize(256, 0);
        assert!(!pair.accepts(Scheme::Pkcs1, &encoded), "{padding}");
        leading.splice(2 + padding..2 + padding, vec![0; 202 - padding]);
        assert_eq!(leading.len(), 256);
        assert!(!pair.accepts(Scheme::Pkcs1, &leading), "{padding}");
    }
}

#[test]
fn a_pss_salt_has_32_octets_and_its_mask_is_of_sha256() {
    for (bits, exponent) in KEYS {
        let pair = Pair::generate(bits, exponent);
        assert!(pair.accepts(Scheme::Pss, &pss::<Sha256>(bits, &[0xa5; 32], |_| ())), "{bits}");
        assert!(pair.accepts(Scheme::Pss, &pss::<Sha256>(bits, &[0; 32], |_| ())));
        assert!(!pair.accepts(Scheme::Pss, &pss::<Sha1>(bits, &[0xa5; 32], |_| ())));
        for salt in [0, 1, 20, 31, 33, 64] {
            assert!(!pair.accepts(Scheme::Pss, &pss::<Sha256>(bits, &vec![0xa5; salt], |_| ())), "{salt}");
            assert!(!pair.accepts(Scheme::Pss, &pss::<Sha1>(bits, &vec![0xa5; salt], |_| ())));
        }
    }
}

#[test]
fn every_octet_of_a_pss_encoding_counts() {
    for (bits, exponent) in [(2048, 65537), (2049, 17), (2057, 3)] {
        let pair = Pair::generate(bits, exponent);
        let good = pss::<Sha256>(bits, &[0x5a; 32], |_| ());
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (if at == 0 { 0 } else { at % 8 });
            if bad < pair.modulus {
                assert!(!pair.accepts(Scheme::Pss, &bad), "octet {at}");
            }
        }
        // the zeros and the one before the salt, changed under the mask
        let db = (bits - 1).div_ceil(8) - 33;
        for at in 0..db - 32 {
            let spoiled = pss::<Sha256>(bits, &[0x5a; 32], |db| db[at] ^= 1);
            assert!(!pair.accepts(Scheme::Pss, &spoiled), "{at}");
        }
    }
}
