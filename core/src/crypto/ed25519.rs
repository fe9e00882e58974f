//! Ed25519 by `ed25519-dalek`, in its strict form: canonical `S`, no point of small order, no batch equation.

use ed25519_dalek::{Signature, VerifyingKey};

use crate::error::Error;
use crate::jose::algorithm::{Algorithm, Primitive};
use crate::jose::jwk::{Ed25519Point, PublicKey};

/// `EdDSA` (RFC 8037 section 3.1), with Ed25519 only.
pub static EDDSA: Eddsa = Eddsa { name: "EdDSA" };
/// `Ed25519`, the fully specified name (RFC 9864 section 2.2).
pub static ED25519: Eddsa = Eddsa { name: "Ed25519" };

/// The type of [`EDDSA`] and [`ED25519`].
#[derive(Debug)]
pub struct Eddsa {
    name: &'static str,
}

impl Algorithm for Eddsa {
    fn name(&self) -> &'static str {
        self.name
    }

    fn primitive(&self) -> Primitive {
        Primitive::Ed25519
    }

    fn admit(&self, key: &PublicKey) -> Result<(), Error> {
        let PublicKey::Ed25519(point) = key else { return Err(Error::KeyTypeUnsupported) };
        if !is_canonical(point.bytes()) {
            return Err(Error::KeyCoordinate);
        }
        let key = verifying_key(point).ok_or(Error::KeyOffCurve)?;
        if key.is_weak() { Err(Error::KeySmallOrder) } else { Ok(()) }
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let PublicKey::Ed25519(point) = key else { return Err(Error::KeyAlgorithmMismatch) };
        let signature: &[u8; 64] = signature.try_into().map_err(|_| Error::SignatureLength)?;
        let key = verifying_key(point).ok_or(Error::KeyOffCurve)?;
        key.verify_strict(message, &Signature::from_bytes(signature)).map_err(|_| Error::SignatureInvalid)
    }
}

/// Whether the encoded `y` is below p = 2^255 − 19: a key has one spelling, hence one thumbprint.
fn is_canonical(encoded: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = encoded;
    !(last & 0x7f == 0x7f && *first >= 0xed && middle.iter().all(|byte| *byte == 0xff))
}

fn verifying_key(point: &Ed25519Point) -> Option<VerifyingKey> {
    VerifyingKey::from_bytes(point.bytes()).ok()
}
