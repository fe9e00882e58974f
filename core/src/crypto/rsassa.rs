//! `PS256` and `RS256`: what [`crate::crypto::rsa`] finds, as algorithms.

use crate::crypto::rsa::{self, KeyError, Portable};
use crate::error::Error;
use crate::jose::algorithm::{Algorithm, Primitive};
use crate::jose::jwk::{PublicKey, RsaKey};

/// `PS256` (RFC 7518 section 3.5).
pub static PS256: Rsa = Rsa { name: "PS256", primitive: Primitive::RsaPss, is_portable: false };
/// `RS256` (RFC 7518 section 3.3), which FAPI forbids: it works only where a policy names it.
pub static RS256: Rsa = Rsa { name: "RS256", primitive: Primitive::RsaPkcs1, is_portable: false };

/// The type of [`PS256`] and [`RS256`].
#[derive(Debug)]
pub struct Rsa {
    pub(super) name: &'static str,
    pub(super) primitive: Primitive,
    pub(super) is_portable: bool,
}

impl Algorithm for Rsa {
    fn name(&self) -> &'static str {
        self.name
    }

    fn primitive(&self) -> Primitive {
        self.primitive
    }

    fn admit(&self, key: &PublicKey) -> Result<(), Error> {
        let PublicKey::Rsa(key) = key else { return Err(Error::KeyTypeUnsupported) };
        public_key(key).map(|_| ())
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.verify_prepared(key, &[], message, signature)
    }

    fn prepare(&self, key: &PublicKey, memory: &mut [u64]) -> usize {
        let PublicKey::Rsa(key) = key else { return 0 };
        public_key(key).map_or(0, |key| rsa::prepare(&key, memory))
    }

    fn verify_prepared(&self, key: &PublicKey, prepared: &[u64], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let PublicKey::Rsa(key) = key else { return Err(Error::KeyAlgorithmMismatch) };
        if signature.len() != key.modulus().len() {
            return Err(Error::SignatureLength);
        }
        let key = public_key(key)?;
        let good = match (self.primitive, self.is_portable) {
            (Primitive::RsaPss, false) => rsa::verify_pss(&key, prepared, message, signature),
            (Primitive::RsaPss, true) => rsa::verify_pss_on::<Portable>(&key, prepared, message, signature),
            (_, false) => rsa::verify_pkcs1(&key, prepared, message, signature),
            (_, true) => rsa::verify_pkcs1_on::<Portable>(&key, prepared, message, signature),
        };
        if good { Ok(()) } else { Err(Error::SignatureInvalid) }
    }
}

fn public_key(key: &RsaKey) -> Result<rsa::PublicKey<'_>, Error> {
    rsa::PublicKey::new(key.modulus(), key.exponent()).map_err(|error| match error {
        KeyError::ModulusTooSmall => Error::KeyTooWeak,
        KeyError::ModulusTooLarge => Error::KeyTooLarge,
        KeyError::ModulusEven => Error::KeyModulusEven,
        KeyError::Exponent => Error::KeyExponent,
        KeyError::ModulusEncoding => Error::KeyMalformed,
    })
}
