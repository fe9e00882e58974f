//! Ed25519: the engine's kernel with and without tables against dalek's `verify_strict`.

use counterfoil::crypto::ed25519::{PublicKey, prepare, verify, verify_admitted};
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT as B, EIGHT_TORSION};
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::{EdwardsPoint, Scalar};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha512};

use super::draw::Draw;

/// Words of tables: the smaller ones first, because the larger ones take long to build.
const SIZES: [usize; 9] = [150, 420, 800, 1_600, 3_200, 6_200, 12_400, 21_600, 43_100];
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0x10,
];

/// With each table and without, the verdict is dalek's; of keys, those that are not canonical are refused as well.
pub fn eddsa(data: &[u8]) {
    let case = Case::draw(&mut Draw::new(data));
    let Case { key: bytes, message, signature, .. } = &case;
    let expected = VerifyingKey::from_bytes(bytes).is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok());
    assert!(expected || !case.is_good, "the oracle refuses what was made for it");
    let key = match PublicKey::from_bytes(bytes) {
        Ok(key) => key,
        Err(error) => {
            assert!(!is_good_key(bytes), "{error:?} for a good key");
            assert!(!expected, "a signature for a key that is not admitted");
            return assert!(!verify_admitted(bytes, &[], message, signature));
        }
    };
    assert!(is_good_key(bytes));
    assert_eq!(key.as_bytes(), bytes);
    let mut table = vec![0; case.words];
    let used = prepare(&key, &mut table);
    table.truncate(used);
    for table in [&[], &table[..]] {
        assert_eq!(verify(&key, table, message, signature), expected, "{} words", table.len());
        assert_eq!(verify_admitted(bytes, table, message, signature), expected, "admitted, {} words", table.len());
    }
}

/// On the curve, of large order and written in the one way of RFC 8032.
fn is_good_key(bytes: &[u8; 32]) -> bool {
    let point = CompressedEdwardsY(*bytes).decompress();
    point.is_some_and(|point| !point.is_small_order() && point.compress().to_bytes() == *bytes)
}

fn scalar(draw: &mut Draw<'_>) -> Scalar {
    let (kind, near) = (draw.byte(), Scalar::from(draw.byte() % 16));
    let edge = match kind % 4 {
        0 => return Scalar::from_bytes_mod_order(draw.array()),
        1 => Scalar::ZERO,
        2 => (0..draw.byte()).fold(Scalar::ONE, |power, _| power + power),
        _ => Scalar::from_bytes_mod_order(draw.octets(32).try_into().expect("32 octets")),
    };
    if kind & 0x80 == 0 { edge + near } else { edge - near }
}

/// Mostly nothing, or one of the points of small order.
fn small(draw: &mut Draw<'_>) -> EdwardsPoint {
    EIGHT_TORSION.get(usize::from(draw.byte() % 16)).copied().unwrap_or_default()
}

/// p and up to 18 more, with either sign: what a careless reader takes modulo p.
fn not_canonical(draw: &mut Draw<'_>) -> [u8; 32] {
    let choice = draw.byte();
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed + choice % 19;
    bytes[31] = if choice & 0x80 == 0 { 0x7f } else { 0xff };
    bytes
}

/// `s` and some L more, modulo 2^256.
fn plus_l(mut s: [u8; 32], times: u8) -> [u8; 32] {
    for _ in 0..times {
        let mut carry = 0;
        for (octet, more) in s.iter_mut().zip(L) {
            carry += u16::from(*octet) + u16::from(more);
            *octet = carry.to_le_bytes()[0];
            carry >>= 8;
        }
    }
    s
}

/// What a verification is given.
struct Case {
    key: [u8; 32],
    message: Vec<u8>,
    signature: [u8; 64],
    words: usize,
    /// Whether it is an honest signature.
    is_good: bool,
}

impl Case {
    fn draw(draw: &mut Draw<'_>) -> Self {
        let size = draw.byte();
        // the four largest are worth a fifth of the inputs
        let words = SIZES[usize::from(if size < 200 { size % 5 } else { size % 9 })];
        let [kind, times, spoil, at, bits] = draw.array();
        let ([a, r], smalls) = ([(); 2].map(|()| scalar(draw)), [(); 2].map(|()| small(draw)));
        let [mut key, mut commitment] = [B * a + smalls[0], B * r + smalls[1]].map(|point| point.compress().to_bytes());
        match kind % 8 {
            1 => key = draw.array(),
            2 => key = not_canonical(draw),
            3 => commitment = draw.array(),
            4 => commitment = not_canonical(draw),
            _ => {}
        }
        let any = (kind & 0x80 != 0).then(|| draw.array::<32>());
        let message = draw.rest().to_vec();
        let hash = Sha512::new().chain_update(commitment).chain_update(key).chain_update(&message).finalize();
        let made = (r + Scalar::from_bytes_mod_order_wide(&hash.into()) * a).to_bytes();
        let times = if times < 0x80 { 0 } else { times % 16 };
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&commitment);
        signature[32..].copy_from_slice(&any.unwrap_or_else(|| plus_l(made, times)));
        let mut is_good = !(1..=4).contains(&(kind % 8)) && any.is_none() && times == 0;
        is_good &= a != Scalar::ZERO && r != Scalar::ZERO && smalls == [EdwardsPoint::default(); 2];
        match spoil % 8 {
            1 => signature[usize::from(at) % 64] ^= bits,
            2 => key[usize::from(at) % 32] ^= bits,
            _ => return Self { key, message, signature, words, is_good },
        }
        Self { key, message, signature, words, is_good: is_good && bits == 0 }
    }
}
