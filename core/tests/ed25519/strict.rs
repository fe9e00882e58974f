//! The verdicts of ed25519-dalek's `verify_strict`, with and without tables.

use super::common::{Numbers, SIZES, table, tables};
use counterfoil::crypto::ed25519::{KeyError, PublicKey, prepare, verify};
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT as B, EIGHT_TORSION};
use curve25519_dalek::{EdwardsPoint, Scalar};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha512};

/// The oracle.
fn dalek(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(key).is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
}

fn ours(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    PublicKey::from_bytes(key).is_ok_and(|key| {
        let cold = verify(&key, &[], message, signature);
        assert_eq!(cold, verify(&key, &table(&key, SIZES[3]), message, signature));
        assert_eq!(cold, verify(&key, &table(&key, SIZES[7]), message, signature));
        cold
    })
}

fn hash(r: &[u8; 32], a: &[u8; 32], message: &[u8]) -> Scalar {
    let hash = Sha512::new().chain_update(r).chain_update(a).chain_update(message).finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

fn join(r: &[u8; 32], s: &[u8; 32]) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(r);
    signature[32..].copy_from_slice(s);
    signature
}

const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0x10,
];

/// `s` plus `times` L as a 256-bit number; `None` when it has more bits.
fn plus_l(s: &[u8; 32], times: u32) -> Option<[u8; 32]> {
    let mut sum = *s;
    for _ in 0..times {
        let mut carry = 0;
        for (byte, add) in sum.iter_mut().zip(L) {
            carry += u16::from(*byte) + u16::from(add);
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(sum)
}

/// p + `excess`, with or without the sign bit: the 19 numbers that a careless reader takes modulo p.
fn not_canonical(excess: u8, sign: bool) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed + excess;
    bytes[31] = if sign { 0xff } else { 0x7f };
    bytes
}

#[test]
fn fifty_thousand_signatures_half_of_them_corrupted() {
    let mut numbers = Numbers(11);
    let (mut held, mut failed) = (0, 0);
    for turn in 0..250 {
        let secret = SigningKey::from_bytes(&numbers.bytes());
        let mut encoded = secret.verifying_key().to_bytes();
        let key = PublicKey::from_bytes(&encoded).unwrap();
        assert_eq!(key.as_bytes(), &encoded);
        let table = table(&key, SIZES[turn % SIZES.len()]);
        for attempt in 0..200 {
            let mut message = numbers.message();
            let mut signature = secret.sign(&message).to_bytes();
            if attempt % 2 == 1 {
                let bit = 1 << numbers.below(8);
                match numbers.below(5) {
                    0 if !message.is_empty() => {
                        let place = numbers.below(message.len());
                        message[place] ^= bit;
                    }
                    1 => signature[31] ^= 0x80,
                    2 => signature[63] ^= bit,
                    _ => signature[numbers.below(64)] ^= bit,
                }
            }
            let expected = dalek(&encoded, &message, &signature);
            assert_eq!(verify(&key, &table, &message, &signature), expected);
            assert_eq!(expected, attempt % 2 == 0);
            if expected { held += 1 } else { failed += 1 }
        }
        // the key corrupted: another point, or none
        let message = numbers.message();
        let signature = secret.sign(&message).to_bytes();
        encoded[numbers.below(32)] ^= 1 << numbers.below(8);
        assert_eq!(ours(&encoded, &message, &signature), dalek(&encoded, &message, &signature));
    }
    assert_eq!((held, failed), (25_000, 25_000));
}

#[test]
fn keys_are_those_of_dalek_less_the_weak_and_the_not_canonical() {
    let mut numbers = Numbers(12);
    for _ in 0..3_000 {
        let bytes: [u8; 32] = numbers.bytes();
        let expected = VerifyingKey::from_bytes(&bytes);
        assert_eq!(PublicKey::from_bytes(&bytes).is_ok(), expected.is_ok(), "{bytes:x?}");
        assert!(expected.is_ok() || PublicKey::from_bytes(&bytes).is_err_and(|error| error == KeyError::NotOnCurve));
    }
    for y in 0..=255 {
        for sign in [0, 0x80] {
            let mut bytes = [0; 32];
            (bytes[0], bytes[31]) = (y, sign);
            let expected = VerifyingKey::from_bytes(&bytes).is_ok_and(|key| !key.is_weak());
            assert_eq!(PublicKey::from_bytes(&bytes).is_ok(), expected);
        }
    }
}

#[test]
fn keys_that_are_not_canonical_or_of_small_order_say_so() {
    for excess in 0..19 {
        for sign in [false, true] {
            assert!(PublicKey::from_bytes(&not_canonical(excess, sign)).is_err_and(|error| error == KeyError::NotCanonical));
        }
    }
    for small in EIGHT_TORSION {
        let mut bytes = small.compress().to_bytes();
        assert!(PublicKey::from_bytes(&bytes).is_err_and(|error| error == KeyError::SmallOrder));
        if small + small == EIGHT_TORSION[0] {
            // x = 0 has no other sign
            bytes[31] ^= 0x80;
            assert!(PublicKey::from_bytes(&bytes).is_err_and(|error| error == KeyError::NotCanonical));
        }
    }
}

/// A message for which k·`small_a` + `small_r` is, or is not, the neutral element.
fn message_for(r: &[u8; 32], a: &[u8; 32], small_a: &EdwardsPoint, small_r: &EdwardsPoint, holds: bool) -> Option<[u8; 8]> {
    (0..400_u64).map(u64::to_le_bytes).find(|message| (small_a * hash(r, a, message) + small_r == EIGHT_TORSION[0]) == holds)
}

/// K. Chalkias, F. Garillot, V. Nikolaenko, "Taming the Many EdDSAs" (2020), section 5: every pair of small-order components of A
/// and R, with an equation that holds as it stands (classes 0 to 3) or only after multiplication by 8 (4 and 5).
#[test]
fn components_of_small_order_get_the_verdict_of_dalek() {
    let mut numbers = Numbers(13);
    let mut accepted = 0;
    for (small_a, small_r) in EIGHT_TORSION.iter().flat_map(|a| EIGHT_TORSION.iter().map(move |r| (a, r))) {
        // a and r: 0 makes the point one of small order, anything else mixes it
        for (a_is_small, r_is_small) in [(true, true), (true, false), (false, true), (false, false)] {
            let random =
                |small: bool, numbers: &mut Numbers| if small { Scalar::ZERO } else { Scalar::from_bytes_mod_order(numbers.bytes()) };
            let (a, r) = (random(a_is_small, &mut numbers), random(r_is_small, &mut numbers));
            let (key, commitment) = ((B * a + small_a).compress().to_bytes(), (B * r + small_r).compress().to_bytes());
            for holds in [true, false] {
                let Some(message) = message_for(&commitment, &key, small_a, small_r, holds) else { continue };
                let s = r + hash(&commitment, &key, &message) * a;
                let signature = join(&commitment, &s.to_bytes());
                let verdict = ours(&key, &message, &signature);
                assert_eq!(verdict, dalek(&key, &message, &signature));
                assert_eq!(verdict, holds && !a_is_small && !r_is_small);
                accepted += usize::from(verdict);
                for times in 1..=15 {
                    // classes 6 and 7: S + L and far above
                    if let Some(large) = plus_l(&s.to_bytes(), times) {
                        let signature = join(&commitment, &large);
                        assert!(!ours(&key, &message, &signature) && !dalek(&key, &message, &signature));
                    }
                }
            }
        }
    }
    assert!(accepted > 30, "{accepted}");
}

/// Classes 8 to 11: encodings of A and R that are not canonical, k from the bytes as sent or from the canonical ones.
#[test]
fn encodings_that_are_not_canonical_are_refused() {
    let mut numbers = Numbers(14);
    let secret = Scalar::from_bytes_mod_order(numbers.bytes());
    let key = (B * secret).compress().to_bytes();
    let odd: Vec<[u8; 32]> = (0..19).flat_map(|excess| [not_canonical(excess, false), not_canonical(excess, true)]).collect();
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = not_canonical(0, true);
    minus_one[0] = 0xec;
    let mut signed_one = one;
    signed_one[31] = 0x80;
    for r in odd.iter().chain(&[one, minus_one, signed_one]) {
        for k in [hash(r, &key, b"message"), hash(&one, &key, b"message")] {
            let signature = join(r, &(k * secret).to_bytes());
            assert!(!ours(&key, b"message", &signature) && !dalek(&key, b"message", &signature));
        }
    }
    for a in &odd {
        for r in [one, key] {
            assert!(!ours(a, b"message", &join(&r, &[0; 32])));
        }
    }
}

#[test]
fn extreme_s_gets_the_verdict_of_dalek() {
    let mut numbers = Numbers(15);
    let secret = SigningKey::from_bytes(&numbers.bytes());
    let a = secret.to_scalar();
    let key = secret.verifying_key().to_bytes();
    // an R that fits a wanted S cannot be found, so these fail; they must fail alike
    let mut s = [0; 32];
    for bit in 0..256 {
        s[bit / 8] |= 1 << (bit % 8);
        let signature = join(&(B * a).compress().to_bytes(), &s);
        assert_eq!(ours(&key, b"m", &signature), dalek(&key, b"m", &signature));
    }
    for near in [0xec, 0xed, 0xee] {
        let mut s = L;
        s[0] = near;
        let signature = join(&(B * a).compress().to_bytes(), &s);
        assert_eq!(ours(&key, b"m", &signature), dalek(&key, b"m", &signature));
    }
}

#[test]
fn a_spoilt_or_foreign_table_never_panics() {
    let mut numbers = Numbers(16);
    let secrets = [SigningKey::from_bytes(&numbers.bytes()), SigningKey::from_bytes(&numbers.bytes())];
    let keys = secrets.each_ref().map(|secret| PublicKey::from_bytes(&secret.verifying_key().to_bytes()).unwrap());
    let signature = secrets[0].sign(b"message").to_bytes();
    for foreign in tables(&keys[1]) {
        assert!(verify(&keys[0], &foreign, b"message", &signature));
        assert!(!verify(&keys[1], &foreign, b"message", &signature));
    }
    for good in tables(&keys[0]) {
        for cut in [0, 1, 4, 5, 6, 17, good.len() / 2, good.len().saturating_sub(1), good.len()] {
            assert!(verify(&keys[0], good.get(..cut).unwrap_or(&[]), b"message", &signature));
        }
        for _ in 0..200 {
            let mut spoilt = good.clone();
            let start = numbers.below(10);
            for word in spoilt.iter_mut().skip(start) {
                match numbers.below(4) {
                    0 => *word = u64::MAX,
                    1 => *word = 0,
                    2 => *word = numbers.next(),
                    _ => {}
                }
            }
            let _ = verify(&keys[0], &spoilt, b"message", &signature);
        }
        for fill in [0, u64::MAX, 1, 1 << 63] {
            let mut spoilt = vec![fill; good.len()];
            let header = good.len().min(5);
            spoilt[..header].copy_from_slice(&good[..header]);
            let _ = verify(&keys[0], &spoilt, b"message", &signature);
        }
    }
}

#[test]
fn a_stale_buffer_too_small_for_any_table_is_no_table() {
    let secret = SigningKey::from_bytes(&[9; 32]);
    let key = PublicKey::from_bytes(&secret.verifying_key().to_bytes()).unwrap();
    let mut buffer = [u64::MAX; 115];
    assert_eq!(prepare(&key, &mut buffer), 0);
    assert!(verify(&key, &buffer, b"", &secret.sign(b"").to_bytes()));
}
