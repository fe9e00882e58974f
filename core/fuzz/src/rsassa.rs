//! RSASSA-PSS and RSASSA-PKCS1-v1_5: every unit of the engine's kernel against `crypto-bigint` (the power) and the `rsa` crate (the verdict).

use counterfoil::crypto::rsa::{
    Ifma, PlainLanes, Portable, PublicKey, TABLE_WORDS, Unit, open_on, prepare_on, verify_pkcs1_on, verify_pss_on,
};
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, NonZero, Odd, Resize as _};
use rsa::RsaPublicKey;
use rsa::signature::Verifier as _;
use sha2::{Digest as _, Sha256};

use super::draw::Draw;
use super::roots::Factors;

const DIGEST_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

/// Each unit, with its table and without, opens the signature to what `crypto-bigint` finds, and says of both encodings what the `rsa`
/// crate says.
pub fn rsassa(data: &[u8]) {
    let case = Case::draw(&mut Draw::new(data));
    let Ok(key) = PublicKey::new(&case.modulus, case.exponent) else { return case.assert_refused() };
    let expected = Expected {
        opened: (case.signature.len() == case.modulus.len()).then(|| case.opened()).flatten(),
        is_pss: case.is_pss(),
        is_pkcs1: case.is_pkcs1(),
    };
    assert!(expected.is_pss || expected.is_pkcs1 || !case.is_good, "the oracle refuses what was made for it");
    for unit in [on::<Portable>, on::<PlainLanes>, on::<Ifma>] {
        unit(&key, &case, &expected);
    }
}

/// What every unit must find.
struct Expected {
    opened: Option<Vec<u8>>,
    is_pss: bool,
    is_pkcs1: bool,
}

fn on<U: Unit>(key: &PublicKey<'_>, case: &Case, expected: &Expected) {
    let Case { message, signature, .. } = case;
    let mut table = [0; TABLE_WORDS];
    let used = prepare_on::<U>(key, &mut table);
    assert!(used > 0);
    for table in [&[], &table[..used]] {
        let mut out = [0; 512];
        let opened = open_on::<U>(key, table, signature, &mut out);
        assert_eq!(opened.as_deref(), expected.opened.as_deref(), "with {} words", table.len());
        assert_eq!(verify_pss_on::<U>(key, table, message, signature), expected.is_pss, "PSS with {} words", table.len());
        assert_eq!(verify_pkcs1_on::<U>(key, table, message, signature), expected.is_pkcs1, "PKCS#1 with {} words", table.len());
    }
}

/// What a verification is given.
struct Case {
    modulus: Vec<u8>,
    exponent: u64,
    message: Vec<u8>,
    signature: Vec<u8>,
    /// Whether a good encoding was signed and nothing changed.
    is_good: bool,
}

impl Case {
    fn draw(draw: &mut Draw<'_>) -> Self {
        let kind = draw.byte();
        let exponent = match draw.byte() % 4 {
            0 => 65_537,
            1 => 3,
            2 => 0x1_ffff_ffff,
            _ => u64::from(u32::from_le_bytes(draw.array())) * 2 + u64::from(!draw.byte().is_multiple_of(8)),
        };
        match usize::from(kind % 8) {
            0 | 1 => Self::of_any(draw, exponent),
            size => Self::signed(draw, [33, 34, 49, 50, 65, 66][size - 2], exponent),
        }
    }

    /// Any modulus, and a signature of any kind.
    fn of_any(draw: &mut Draw<'_>, exponent: u64) -> Self {
        let choice = draw.byte();
        let length = [256, 257, 320, 384, 385, 512, 255, 513][usize::from(choice % 8)];
        let mut modulus = draw.octets(length);
        if choice & 0x80 == 0 {
            // odd, of any length to a bit
            modulus[0] |= 1 << (choice >> 3 & 7);
            modulus[length - 1] |= 1;
        }
        let signature = match draw.byte() % 4 {
            0 => add(&modulus, draw.byte().cast_signed().into()),
            1 => add(&vec![0; length], draw.byte().into()),
            _ => draw.octets(length),
        };
        let mut case = Self { modulus, exponent, message: Vec::new(), signature, is_good: false };
        case.spoil(draw);
        case.message = draw.rest().to_vec();
        case
    }

    /// A root of an encoding, or of nearly one.
    fn signed(draw: &mut Draw<'_>, primes: usize, exponent: u64) -> Self {
        let factors = Factors::new(primes, draw.byte());
        let n = factors.product();
        let (choice, changes) = (draw.byte(), draw.array::<4>());
        let [at, salt] = [draw.index(n.len()), usize::from(draw.byte())];
        let message = draw.rest().to_vec();
        let salt = vec![0xa5; if salt % 4 == 0 { salt / 4 } else { 32 }];
        let mut is_good = choice % 4 < 2 && exponent % 2 == 1 && exponent > 1 && (2048..=4096).contains(&bits(&n));
        let mut encoded = if choice & 0x80 == 0 {
            is_good &= salt.len() == 32;
            pss(bits(&n), &message, &salt, if choice % 4 == 2 { [changes[0], changes[1]] } else { [0; 2] })
        } else {
            pkcs1(n.len(), &message)
        };
        if choice % 4 == 3 {
            encoded[at] ^= changes[2];
        }
        let signature = factors.root(&encoded, exponent);
        let mut case = Self { modulus: n, exponent, message, signature, is_good };
        if changes[3] != 0 {
            case.spoil(&mut Draw::new(&changes[2..]));
        }
        case
    }

    /// One change, or none.
    fn spoil(&mut self, draw: &mut Draw<'_>) {
        let kind = draw.byte() % 8;
        match kind {
            1 => self.signature.truncate(self.signature.len().saturating_sub(1)),
            2 => self.signature.insert(0, draw.byte()),
            3 => self.signature.push(draw.byte()),
            4 => {
                let at = draw.index(self.signature.len());
                self.signature[at] ^= 1 << (draw.byte() % 8);
            }
            5 if self.signature.len() == self.modulus.len() => {
                // the same residue, where it has a second number
                let sum = integer(&self.signature).wrapping_add(integer(&self.modulus)).to_be_bytes();
                let length = self.signature.len();
                self.signature.copy_from_slice(&sum[sum.len() - length..]);
            }
            _ => return,
        }
        self.is_good = false;
    }

    /// What a [`PublicKey`] must not be.
    fn assert_refused(&self) {
        let bits = bits(&self.modulus);
        let is_weak = !(2048..=4096).contains(&bits) || self.modulus[0] == 0;
        let is_even = self.modulus.last().is_some_and(|last| last % 2 == 0);
        let is_exponent = self.exponent >= 3 && self.exponent < 1 << 33 && self.exponent % 2 == 1;
        assert!(is_weak || is_even || !is_exponent, "a good key is refused: {bits} bits, {}", self.exponent);
    }

    fn opened(&self) -> Option<Vec<u8>> {
        (self.signature < self.modulus).then(|| power(&self.modulus, &self.signature, &BoxedUint::from(self.exponent)))
    }

    fn oracle(&self) -> RsaPublicKey {
        RsaPublicKey::new_unchecked(integer(&self.modulus), BoxedUint::from(self.exponent))
    }

    fn is_pss(&self) -> bool {
        let signature = rsa::pss::Signature::try_from(self.signature.as_slice());
        signature.is_ok_and(|signature| rsa::pss::VerifyingKey::<Sha256>::new(self.oracle()).verify(&self.message, &signature).is_ok())
    }

    fn is_pkcs1(&self) -> bool {
        let signature = rsa::pkcs1v15::Signature::try_from(self.signature.as_slice());
        signature.is_ok_and(|signature| rsa::pkcs1v15::VerifyingKey::<Sha256>::new(self.oracle()).verify(&self.message, &signature).is_ok())
    }
}

fn integer(octets: &[u8]) -> BoxedUint {
    BoxedUint::from_be_slice(octets, 8 * u32::try_from(octets.len()).expect("some thousand bits")).expect("as many octets as bits")
}

/// Of a number without leading zeros.
fn bits(octets: &[u8]) -> usize {
    8 * octets.len() - octets[0].leading_zeros() as usize
}

/// The number plus a small one, modulo as many octets.
fn add(number: &[u8], more: i16) -> Vec<u8> {
    let (number, distance) = (integer(number), BoxedUint::from(more.unsigned_abs()).resize(8 * number.len() as u32));
    let sum = if more < 0 { number.wrapping_sub(&distance) } else { number.wrapping_add(&distance) };
    sum.to_be_bytes().to_vec()
}

/// base^exponent mod n, as long as n.
fn power(modulus: &[u8], base: &[u8], exponent: &BoxedUint) -> Vec<u8> {
    let n = integer(modulus);
    let precision = n.bits_precision();
    let base = integer(base).resize(precision).rem_vartime(&NonZero::new(n.clone()).expect("not zero"));
    let parameters = BoxedMontyParams::new_vartime(Odd::new(n).expect("odd"));
    let octets = BoxedMontyForm::new(base, &parameters).pow(exponent).retrieve().to_be_bytes();
    octets[octets.len() - modulus.len()..].to_vec()
}

/// EMSA-PKCS1-v1_5 (RFC 8017 section 9.2).
fn pkcs1(length: usize, message: &[u8]) -> Vec<u8> {
    let hash = Sha256::digest(message);
    let padding = vec![0xff; length - 3 - DIGEST_INFO.len() - hash.len()];
    [&[0, 1], padding.as_slice(), &[0], &DIGEST_INFO, &hash].concat()
}

/// EMSA-PSS (RFC 8017 section 9.1), as long as the modulus, with an octet of DB changed before it is masked.
fn pss(bits: usize, message: &[u8], salt: &[u8], [at, change]: [u8; 2]) -> Vec<u8> {
    let length = (bits - 1).div_ceil(8);
    let hash = Sha256::digest([&[0; 8], Sha256::digest(message).as_slice(), salt].concat());
    let mut db = vec![0; length - 33];
    let start = db.len() - salt.len();
    db[start - 1] = 1;
    db[start..].copy_from_slice(salt);
    let at = usize::from(at) % db.len();
    db[at] ^= change;
    let mask = (0u32..).flat_map(|counter| Sha256::digest([&hash[..], &counter.to_be_bytes()].concat()));
    db.iter_mut().zip(mask).for_each(|(octet, mask)| *octet ^= mask);
    db[0] &= 0xff >> (8 * length - (bits - 1));
    [vec![0; bits.div_ceil(8) - length], db, hash.to_vec(), vec![0xbc]].concat()
}
