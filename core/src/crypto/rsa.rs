//! RSASSA-PSS and RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8); the modular power by `crypto-bigint`, without a heap.

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U64, U2048, U3072, U4096, Uint};
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::jose::algorithm::{Algorithm, Primitive};
use crate::jose::jwk::{MAX_MODULUS, PublicKey, RsaKey};

/// `PS256` (RFC 7518 section 3.5).
pub static PS256: Rsa = Rsa { name: "PS256", primitive: Primitive::RsaPss };
/// `RS256` (RFC 7518 section 3.3), which FAPI forbids: it works only where a policy names it.
pub static RS256: Rsa = Rsa { name: "RS256", primitive: Primitive::RsaPkcs1 };

/// The type of [`PS256`] and [`RS256`].
#[derive(Debug)]
pub struct Rsa {
    name: &'static str,
    primitive: Primitive,
}

/// 2^33: an exponent has at most 33 bits, which bounds the cost of a hostile key.
const EXPONENT_END: u64 = 1 << 33;
const HASH: usize = 32;

impl Algorithm for Rsa {
    fn name(&self) -> &'static str {
        self.name
    }

    fn primitive(&self) -> Primitive {
        self.primitive
    }

    fn admit(&self, key: &PublicKey) -> Result<(), Error> {
        let PublicKey::Rsa(key) = key else { return Err(Error::KeyTypeUnsupported) };
        if bits(key) < 2048 {
            return Err(Error::KeyTooWeak);
        }
        if key.modulus().last().is_none_or(|last| last % 2 == 0) {
            return Err(Error::KeyModulusEven);
        }
        let exponent = key.exponent();
        if exponent < 3 || exponent % 2 == 0 || exponent >= EXPONENT_END {
            return Err(Error::KeyExponent);
        }
        Ok(())
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let PublicKey::Rsa(key) = key else { return Err(Error::KeyAlgorithmMismatch) };
        let length = key.modulus().len();
        if signature.len() != length {
            return Err(Error::SignatureLength);
        }
        let mut encoded = [0; MAX_MODULUS];
        let encoded = encoded.get_mut(..length).ok_or(Error::SignatureLength)?;
        let hash: [u8; HASH] = Sha256::digest(message).into();
        let good = public_operation(key, signature, encoded)
            && match self.primitive {
                Primitive::RsaPss => is_pss(encoded, bits(key), &hash),
                _ => is_pkcs1(encoded, &hash),
            };
        if good { Ok(()) } else { Err(Error::SignatureInvalid) }
    }
}

fn bits(key: &RsaKey) -> usize {
    let zeros = key.modulus().first().map_or(0, |first| first.leading_zeros());
    key.modulus().len().saturating_mul(8).saturating_sub(usize::try_from(zeros).unwrap_or(0))
}

/// `signature^e mod n` into `out`, both as long as the modulus; `false` when the signature is not below the modulus.
fn public_operation(key: &RsaKey, signature: &[u8], out: &mut [u8]) -> bool {
    match out.len() {
        ..=256 => power::<{ U2048::LIMBS }>(key, signature, out),
        257..=384 => power::<{ U3072::LIMBS }>(key, signature, out),
        _ => power::<{ U4096::LIMBS }>(key, signature, out),
    }
    .is_some()
}

#[inline(never)]
fn power<const LIMBS: usize>(key: &RsaKey, signature: &[u8], out: &mut [u8]) -> Option<()> {
    let modulus = from_be::<LIMBS>(key.modulus());
    let base = from_be::<LIMBS>(signature);
    if base >= modulus {
        return None;
    }
    let params = FixedMontyParams::new_vartime(Option::from(Odd::new(modulus))?);
    let power = FixedMontyForm::new(&base, &params).pow_vartime(&U64::from_u64(key.exponent())).retrieve();
    let words = power.to_words();
    for (octets, word) in out.rchunks_mut(crypto_bigint::Limb::BYTES).zip(words) {
        let be = word.to_be_bytes();
        octets.copy_from_slice(be.get(be.len().checked_sub(octets.len())?..)?);
    }
    Some(())
}

/// Big-endian octets, at most as many as the integer has.
fn from_be<const LIMBS: usize>(octets: &[u8]) -> Uint<LIMBS> {
    let mut words = [0; LIMBS];
    for (word, chunk) in words.iter_mut().zip(octets.rchunks(crypto_bigint::Limb::BYTES)) {
        *word = chunk.iter().fold(0, |word, octet| word << 8 | crypto_bigint::Word::from(*octet));
    }
    Uint::from_words(words)
}

/// EMSA-PKCS1-v1_5: the whole encoding is compared, so that nothing in it can be chosen (RFC 8017 section 9.2).
fn is_pkcs1(encoded: &[u8], hash: &[u8; HASH]) -> bool {
    /// DER of the DigestInfo for SHA-256 up to the hash, with its NULL (RFC 8017 section 9.2, note 1).
    const DIGEST_INFO: [u8; 19] =
        [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];
    let Some(rest) = encoded.strip_suffix(hash) else { return false };
    let Some(rest) = rest.strip_suffix(&DIGEST_INFO) else { return false };
    matches!(rest, [0, 1, padding @ .., 0] if padding.len() >= 8 && padding.iter().all(|octet| *octet == 0xff))
}

/// EMSA-PSS with MGF1-SHA-256 and a salt of exactly 32 octets (RFC 8017 section 9.1.2). Unmasks in place.
fn is_pss(encoded: &mut [u8], modulus_bits: usize, hash: &[u8; HASH]) -> bool {
    // emBits = modBits − 1: where that is a multiple of 8, the encoding is one octet shorter than the modulus.
    let unused_bits = (8usize.wrapping_sub(modulus_bits.wrapping_sub(1) % 8)) % 8;
    let encoded = if modulus_bits % 8 == 1 {
        match encoded.split_first_mut() {
            Some((0, rest)) => rest,
            _ => return false,
        }
    } else {
        encoded
    };
    let Some((masked, [h @ .., 0xbc])) = encoded.split_at_mut_checked(encoded.len().saturating_sub(HASH).saturating_sub(1)) else {
        return false;
    };
    let top = 0xffu8.wrapping_shr(u32::try_from(unused_bits).unwrap_or(0));
    if masked.first().is_none_or(|first| first & !top != 0) {
        return false;
    }
    unmask(masked, h);
    if let Some(first) = masked.first_mut() {
        *first &= top;
    }
    let Some((padding, salt)) = masked.split_last_chunk::<HASH>() else { return false };
    if !matches!(padding, [zeros @ .., 1] if zeros.iter().all(|octet| *octet == 0)) {
        return false;
    }
    let expected = Sha256::new().chain_update([0; 8]).chain_update(hash).chain_update(salt).finalize();
    expected.as_slice() == h
}

/// XORs MGF1-SHA-256 of `seed` over `masked` (RFC 8017 appendix B.2.1).
fn unmask(masked: &mut [u8], seed: &[u8]) {
    for (counter, chunk) in (0u32..).zip(masked.chunks_mut(HASH)) {
        let mask = Sha256::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize();
        chunk.iter_mut().zip(mask).for_each(|(octet, mask)| *octet ^= mask);
    }
}
