//! SHA-256 thumbprints of keys (RFC 7638, RFC 8037 section 2) and certificates (RFC 8705 section 3.1).

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use crate::error::Error;
use crate::jose::jwk::PublicKey;
use crate::wire::base64url;

/// A SHA-256 hash that stands for a key or a certificate. Compared in constant time.
#[derive(Clone, Copy)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// The thumbprint with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the 43 characters of base64url that `jkt` and `x5t#S256` hold.
    ///
    /// # Errors
    /// [`Error::Base64urlMalformed`] for anything else: hex, padding, other lengths.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        base64url::decode_array(text).map(Self)
    }

    /// `jkt` of a key: the hash of its required members in lexical order, written into the hash as they come (RFC 7638 section 3).
    #[must_use]
    pub fn of_key(key: &PublicKey) -> Self {
        let mut hash = Sha256::new();
        match key {
            PublicKey::P256(point) => {
                hash.update(br#"{"crv":"P-256","kty":"EC","x":""#);
                hash.update(base64url::encode_32(point.x()));
                hash.update(br#"","y":""#);
                hash.update(base64url::encode_32(point.y()));
            }
            PublicKey::Rsa(rsa) => {
                hash.update(br#"{"e":""#);
                let exponent = rsa.exponent().to_be_bytes();
                let zeros = exponent.iter().take_while(|byte| **byte == 0).count();
                update_base64url(&mut hash, exponent.get(zeros..).unwrap_or(&[]));
                hash.update(br#"","kty":"RSA","n":""#);
                update_base64url(&mut hash, rsa.modulus());
            }
            PublicKey::Ed25519(point) => {
                hash.update(br#"{"crv":"Ed25519","kty":"OKP","x":""#);
                hash.update(base64url::encode_32(point.bytes()));
            }
        }
        hash.update(br#""}"#);
        Self(hash.finalize().into())
    }

    /// `x5t#S256` of a certificate: the hash of its DER encoding (RFC 8705 section 3.1).
    pub(crate) fn of_der(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 43 characters of base64url.
    #[must_use]
    pub fn encode(&self) -> [u8; 43] {
        base64url::encode_32(&self.0)
    }
}

impl PartialEq for Thumbprint {
    fn eq(&self, other: &Self) -> bool {
        let ((own, _), (others, _)) = (self.0.as_chunks::<8>(), other.0.as_chunks::<8>());
        let pairs = own.iter().zip(others).map(|(one, other)| u64::from_ne_bytes(*one).ct_eq(&u64::from_ne_bytes(*other)));
        pairs.fold(Choice::from(1), |all, same| all & same).into()
    }
}

impl Eq for Thumbprint {}

impl core::fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(core::str::from_utf8(&self.encode()).unwrap_or_default())
    }
}

impl core::fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

fn update_base64url(hash: &mut Sha256, bytes: &[u8]) {
    let mut text = [0; 64];
    for chunk in bytes.chunks(48) {
        hash.update(base64url::encode(chunk, &mut text).unwrap_or_default());
    }
}
