//! What a signature algorithm must answer. The list of implementations that a policy is given *is* its allow-list.

use crate::error::Error;
use crate::jose::jwk::PublicKey;
use crate::wire::value::Str;

/// The operation behind an algorithm's name: `EdDSA` and `Ed25519` are two names of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primitive {
    /// ECDSA with P-256 and SHA-256 (RFC 7518 section 3.4).
    EcdsaP256,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 octets (RFC 7518 section 3.5).
    RsaPss,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3).
    RsaPkcs1,
    /// Ed25519 (RFC 8032, RFC 8037).
    Ed25519,
}

impl Primitive {
    /// Whether `key` has the type that the operation needs.
    #[must_use]
    pub const fn fits(self, key: &PublicKey) -> bool {
        matches!(
            (self, key),
            (Self::EcdsaP256, PublicKey::P256(_))
                | (Self::RsaPss | Self::RsaPkcs1, PublicKey::Rsa(_))
                | (Self::Ed25519, PublicKey::Ed25519(_))
        )
    }
}

/// One implementation of one signature algorithm. There is none for `none` and none for HMAC.
pub trait Algorithm: Sync {
    /// The `alg` value, compared byte for byte (RFC 7515 section 4.1.1).
    fn name(&self) -> &'static str;

    /// The operation behind the name.
    fn primitive(&self) -> Primitive;

    /// Judges a key before it is trusted: strength, curve, order.
    ///
    /// # Errors
    /// The `Key…` error that names the fault.
    fn admit(&self, key: &PublicKey) -> Result<(), Error>;

    /// Judges a signature over `message` by an admitted key.
    ///
    /// # Errors
    /// [`Error::SignatureLength`], [`Error::SignatureInvalid`], or [`Error::KeyAlgorithmMismatch`] for a key of another type.
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), Error>;

    /// Writes what makes the signatures of an admitted key cheaper to judge to the start of `memory`, in the implementation's own form,
    /// and returns how many words that took: 0 where there is nothing to prepare or too little room.
    fn prepare(&self, _key: &PublicKey, _memory: &mut [u64]) -> usize {
        0
    }

    /// As [`Algorithm::verify`], with the words that [`Algorithm::prepare`] wrote for this very key, or none.
    ///
    /// # Errors
    /// As [`Algorithm::verify`].
    fn verify_prepared(&self, key: &PublicKey, _prepared: &[u64], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.verify(key, message, signature)
    }

    /// Judges up to [`BATCH`] signatures, each for itself, where together is cheaper than one by one.
    fn verify_batch(&self, signatures: &mut [Signature<'_>]) {
        for signature in signatures {
            signature.verdict = self.verify_prepared(signature.key, signature.prepared, signature.message, signature.signature);
        }
    }
}

/// How many signatures are judged together at most.
pub const BATCH: usize = 8;

/// One signature among others.
#[derive(Clone, Copy, Debug)]
pub struct Signature<'a> {
    /// The algorithm to judge it by.
    pub algorithm: &'a dyn Algorithm,
    /// The admitted key.
    pub key: &'a PublicKey,
    /// What was prepared for it.
    pub prepared: &'a [u64],
    /// What was signed.
    pub message: &'a [u8],
    /// The signature's octets.
    pub signature: &'a [u8],
    /// What was found; refused until it has been judged.
    pub verdict: Result<(), Error>,
    /// The caller's number for it: judging changes the order.
    pub number: usize,
}

/// Judges signatures of any algorithms, at most [`BATCH`] of each together.
pub(crate) fn verify_all(signatures: &mut [Signature<'_>]) {
    signatures.sort_unstable_by_key(|signature| signature.algorithm.name());
    for alike in signatures.chunk_by_mut(|one, other| one.algorithm.name() == other.algorithm.name()) {
        for batch in alike.chunks_mut(BATCH) {
            if let Some(algorithm) = batch.first().map(|signature| signature.algorithm) {
                algorithm.verify_batch(batch);
            }
        }
    }
}

impl core::fmt::Debug for dyn Algorithm + '_ {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// The algorithms that a policy accepts.
pub type Algorithms<'a> = &'a [&'a dyn Algorithm];

/// The listed algorithm of that name.
pub(crate) fn named<'a>(algorithms: Algorithms<'a>, name: Str<'_>) -> Option<&'a dyn Algorithm> {
    algorithms.iter().copied().find(|algorithm| name.is(algorithm.name()))
}
