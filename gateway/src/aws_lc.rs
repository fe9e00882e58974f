//! `PS256` and `RS256` by aws-lc-rs, for hosts whose CPUs lack AVX-512 IFMA: the verdicts are those of [`counterfoil::crypto`].

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents};
use counterfoil::Error;
use counterfoil::crypto;
use counterfoil::jose::algorithm::{Algorithm, Primitive};
use counterfoil::jose::jwk::PublicKey;

/// `PS256` (RFC 7518 section 3.5).
pub static PS256: AwsLcRsa = AwsLcRsa { own: &crypto::PS256, parameters: &RSA_PSS_2048_8192_SHA256 };
/// `RS256` (RFC 7518 section 3.3), which FAPI forbids: it works only where a policy names it.
pub static RS256: AwsLcRsa = AwsLcRsa { own: &crypto::RS256, parameters: &RSA_PKCS1_2048_8192_SHA256 };

/// The type of [`PS256`] and [`RS256`].
pub struct AwsLcRsa {
    /// Judges keys: one rule for both.
    own: &'static dyn Algorithm,
    parameters: &'static RsaParameters,
}

impl Algorithm for AwsLcRsa {
    fn name(&self) -> &'static str {
        self.own.name()
    }

    fn primitive(&self) -> Primitive {
        self.own.primitive()
    }

    fn admit(&self, key: &PublicKey) -> Result<(), Error> {
        self.own.admit(key)
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let PublicKey::Rsa(key) = key else { return Err(Error::KeyAlgorithmMismatch) };
        if signature.len() != key.modulus().len() {
            return Err(Error::SignatureLength);
        }
        let exponent = key.exponent().to_be_bytes();
        let zeros = exponent.iter().take_while(|octet| **octet == 0).count();
        let components = RsaPublicKeyComponents { n: key.modulus(), e: &exponent[zeros..] };
        components.verify(self.parameters, message, signature).map_err(|_| Error::SignatureInvalid)
    }
}

impl core::fmt::Debug for AwsLcRsa {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}
