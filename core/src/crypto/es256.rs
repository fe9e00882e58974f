//! `ES256`: what [`crate::crypto::p256`] finds, as an algorithm.

use sha2::{Digest as _, Sha256};

use crate::crypto::p256::paths::{self, Path};
use crate::crypto::p256::{self, Item};
use crate::error::Error;
use crate::jose::algorithm::{Algorithm, BATCH, Primitive, Signature};
use crate::jose::jwk::{P256Point, PublicKey};

/// `ES256` (RFC 7518 section 3.4). Accepts high `s`, as JOSE does. Takes the vector unit where the CPU has one.
pub static ES256: Es256 = Es256 { is_portable: false };

/// The type of [`ES256`].
#[derive(Debug)]
pub struct Es256 {
    pub(super) is_portable: bool,
}

impl Algorithm for Es256 {
    fn name(&self) -> &'static str {
        "ES256"
    }

    fn primitive(&self) -> Primitive {
        Primitive::EcdsaP256
    }

    fn admit(&self, key: &PublicKey) -> Result<(), Error> {
        let PublicKey::P256(point) = key else { return Err(Error::KeyTypeUnsupported) };
        if *point.x() >= PRIME || *point.y() >= PRIME {
            return Err(Error::KeyCoordinate);
        }
        on_curve(point).map(|_| ()).ok_or(Error::KeyOffCurve)
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.verify_prepared(key, &[], message, signature)
    }

    fn prepare(&self, key: &PublicKey, memory: &mut [u64]) -> usize {
        let PublicKey::P256(point) = key else { return 0 };
        on_curve(point).map_or(0, |key| p256::prepare(&key, memory))
    }

    fn verify_prepared(&self, key: &PublicKey, prepared: &[u64], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let (key, signature) = parts(key, signature)?;
        let digest = Sha256::digest(message).into();
        let item = Item { key: &key, table: prepared, digest: &digest, signature };
        let mut verdict = [false];
        self.judge(&[item], &mut verdict);
        if verdict == [true] { Ok(()) } else { Err(Error::SignatureInvalid) }
    }

    /// On small machines one by one: eight together take 70 KiB of stack.
    fn verify_batch(&self, signatures: &mut [Signature<'_>]) {
        let size = if cfg!(all(target_pointer_width = "64", not(feature = "small-tables"))) { BATCH } else { 1 };
        for batch in signatures.chunks_mut(size) {
            self.verify_together(batch);
        }
    }
}

impl Es256 {
    /// As many verdicts as items, at most [`BATCH`].
    fn judge(&self, items: &[Item<'_>], verdicts: &mut [bool]) {
        match (self.is_portable, items) {
            (true, _) => paths::verify(Path::Portable, items, verdicts),
            (false, [one, two]) => verdicts.copy_from_slice(&p256::verify_pair(&[*one, *two])),
            (false, [one]) => verdicts.fill(p256::verify(one.key, one.table, one.digest, one.signature)),
            (false, _) => p256::verify_batch(items, verdicts),
        }
    }

    fn verify_together(&self, batch: &mut [Signature<'_>]) {
        let mut read = heapless::Vec::<_, BATCH>::new();
        for (i, signature) in batch.iter_mut().enumerate() {
            match parts(signature.key, signature.signature) {
                Ok((key, octets)) => {
                    let digest: [u8; 32] = Sha256::digest(signature.message).into();
                    // As many places as a batch has signatures.
                    let _ = read.push((i, key, signature.prepared, digest, octets));
                }
                Err(error) => signature.verdict = Err(error),
            }
        }
        let items: heapless::Vec<Item<'_>, BATCH> =
            read.iter().map(|(_, key, table, digest, signature)| Item { key, table, digest, signature }).collect();
        let mut verdicts = [false; BATCH];
        let verdicts = verdicts.get_mut(..items.len()).unwrap_or_default();
        self.judge(&items, verdicts);
        for ((i, ..), good) in read.iter().zip(verdicts) {
            if let Some(signature) = batch.get_mut(*i) {
                signature.verdict = if *good { Ok(()) } else { Err(Error::SignatureInvalid) };
            }
        }
    }
}

/// p = 2^256 − 2^224 + 2^192 + 2^96 − 1, big-endian.
const PRIME: [u8; 32] = *b"\xff\xff\xff\xff\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";

fn on_curve(point: &P256Point) -> Option<p256::PublicKey> {
    p256::PublicKey::from_coordinates(point.x(), point.y())
}

/// Exactly 64 octets: a DER signature is as wrong as a short one.
fn parts<'s>(key: &PublicKey, signature: &'s [u8]) -> Result<(p256::PublicKey, &'s [u8; 64]), Error> {
    let PublicKey::P256(point) = key else { return Err(Error::KeyAlgorithmMismatch) };
    let signature = signature.try_into().map_err(|_| Error::SignatureLength)?;
    Ok((on_curve(point).ok_or(Error::KeyOffCurve)?, signature))
}
