//! ECDSA with P-256 and SHA-256 by the `p256` crate: for machines with little flash, and as the oracle of [`crate::crypto::p256`].

use ::p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use ::p256::ecdsa::{Signature, VerifyingKey};
use ::p256::{FieldBytes, Sec1Point};
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::jose::algorithm::{Algorithm, Primitive};
use crate::jose::jwk::{P256Point, PublicKey};

/// `ES256` (RFC 7518 section 3.4). Accepts high `s`, as JOSE does.
pub static ES256: SmallEs256 = SmallEs256;

/// The type of [`ES256`].
#[derive(Debug)]
pub struct SmallEs256;

impl Algorithm for SmallEs256 {
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
        verifying_key(point).map(|_| ()).ok_or(Error::KeyOffCurve)
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let PublicKey::P256(point) = key else { return Err(Error::KeyAlgorithmMismatch) };
        // Exactly 64 octets: a DER signature is as wrong as a short one.
        let signature: &[u8; 64] = signature.try_into().map_err(|_| Error::SignatureLength)?;
        let signature = Signature::from_slice(signature).map_err(|_| Error::SignatureInvalid)?;
        let key = verifying_key(point).ok_or(Error::KeyOffCurve)?;
        key.verify_prehash(&Sha256::digest(message), &signature).map_err(|_| Error::SignatureInvalid)
    }
}

/// p = 2^256 − 2^224 + 2^192 + 2^96 − 1, big-endian.
const PRIME: [u8; 32] = *b"\xff\xff\xff\xff\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";

fn verifying_key(point: &P256Point) -> Option<VerifyingKey> {
    let encoded = Sec1Point::from_affine_coordinates(&FieldBytes::from(*point.x()), &FieldBytes::from(*point.y()), false);
    VerifyingKey::from_sec1_point(&encoded).ok()
}
