//! `EdDSA` and `Ed25519`: what [`crate::crypto::ed25519`] finds, as an algorithm.

use crate::crypto::ed25519::{self, KeyError};
use crate::error::Error;
use crate::jose::algorithm::{Algorithm, Primitive};
use crate::jose::jwk::PublicKey;

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
        match ed25519::PublicKey::from_bytes(point.bytes()) {
            Ok(_) => Ok(()),
            Err(KeyError::NotCanonical) => Err(Error::KeyCoordinate),
            Err(KeyError::NotOnCurve) => Err(Error::KeyOffCurve),
            Err(KeyError::SmallOrder) => Err(Error::KeySmallOrder),
        }
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.verify_prepared(key, &[], message, signature)
    }

    fn prepare(&self, key: &PublicKey, memory: &mut [u64]) -> usize {
        let PublicKey::Ed25519(point) = key else { return 0 };
        ed25519::PublicKey::from_bytes(point.bytes()).map_or(0, |key| ed25519::prepare(&key, memory))
    }

    fn verify_prepared(&self, key: &PublicKey, prepared: &[u64], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let PublicKey::Ed25519(point) = key else { return Err(Error::KeyAlgorithmMismatch) };
        let signature: &[u8; 64] = signature.try_into().map_err(|_| Error::SignatureLength)?;
        let good = ed25519::verify_admitted(point.bytes(), prepared, message, signature);
        if good { Ok(()) } else { Err(Error::SignatureInvalid) }
    }
}
