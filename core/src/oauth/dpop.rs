//! DPoP proofs (RFC 9449 section 4.3): made now, for this request and token, by the holder of the key in their header, and only once.

use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::jose::algorithm::{self, Algorithm, Algorithms, Signature};
use crate::jose::header::{Header, is_type};
use crate::jose::jwk::{Jwk, PublicKey};
use crate::jose::jws::{Compact, Unverified};
use crate::jose::keys::FoundKey;
use crate::jose::policy::Limits;
use crate::jose::thumbprint::Thumbprint;
use crate::oauth::htu;
use crate::oauth::key_tables::KeyMemory;
use crate::oauth::nonce::NonceKey;
use crate::oauth::replay::{ProofId, ReplayStore};
use crate::time::{NumericDate, Seconds, UnixTime};
use crate::wire::json::{self, Member};
use crate::wire::value::{Str, Value};

/// The longest `jti`, in bytes.
const MAX_JTI: usize = 256;

/// What a server accepts as a proof.
#[derive(Clone, Copy, Debug)]
pub struct ProofRules<'a> {
    algorithms: Algorithms<'a>,
    past: Seconds,
    ahead: Seconds,
    nonce: Option<&'a NonceKey>,
    limits: Limits,
}

/// The request that a proof must have been made for.
#[derive(Clone, Copy, Debug)]
pub struct ProofTarget<'a> {
    /// The HTTP method, compared byte for byte with `htm`.
    pub method: &'a str,
    /// The URL as the client sees it; query and fragment do not count.
    pub url: &'a str,
    /// The token as the client presents it, also a phantom token or a ticket; `None` at a token endpoint, where there is none yet.
    pub token: Option<&'a [u8]>,
}

impl<'a> ProofRules<'a> {
    /// Proofs by these algorithms, issued at most 300 seconds ago and 10 seconds ahead, without a nonce.
    ///
    /// # Errors
    /// [`Error::AlgorithmsUnset`].
    pub const fn new(algorithms: Algorithms<'a>) -> Result<Self, Error> {
        if algorithms.is_empty() {
            return Err(Error::AlgorithmsUnset);
        }
        Ok(Self { algorithms, past: Seconds(300), ahead: Seconds(10), nonce: None, limits: Limits::PROOF })
    }

    /// Another window for `iat`.
    #[must_use]
    pub const fn with_window(mut self, past: Seconds, ahead: Seconds) -> Self {
        self.past = past;
        self.ahead = ahead;
        self
    }

    /// Demands a nonce of this key.
    #[must_use]
    pub const fn with_nonce(mut self, key: &'a NonceKey) -> Self {
        self.nonce = Some(key);
        self
    }

    /// Bounds proofs otherwise than by 4 KiB.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Judges a proof, and remembers it in `store` when all else is good.
    ///
    /// # Errors
    /// A 500-family error, [`Error::RequestUrl`], [`Error::RequestMethod`], [`Error::BufferTooSmall`], or what the store says.
    pub fn accept(
        &self,
        proof: &[u8],
        target: &ProofTarget<'_>,
        now: UnixTime,
        store: &mut dyn ReplayStore,
        scratch: &mut [u8],
    ) -> Result<Proof, Error> {
        self.read(proof, target, now, scratch)?.accept(store, now)
    }

    /// Everything but the signature and the store: what costs little.
    pub(crate) fn read<'t, 's>(
        &self,
        proof: &'t [u8],
        target: &ProofTarget<'_>,
        now: UnixTime,
        scratch: &'s mut [u8],
    ) -> Result<ReadProof<'t, 's, 'a>, Error> {
        let mut jwk = None;
        let unverified = Compact::parse(proof, self.limits)
            .and_then(|compact| {
                compact.decode_reading(self.limits, scratch, |header| {
                    Header::read(header, |member| {
                        if member.name.is("jwk") {
                            jwk = Some(member.value);
                        }
                        Ok(())
                    })
                })
            })
            .map_err(as_proof_error)?;
        if !unverified.header().typ().is_some_and(|typ| is_type(typ, "dpop+jwt")) {
            return Err(Error::ProofType);
        }
        let algorithm = algorithm::named(self.algorithms, unverified.header().alg()).ok_or(Error::ProofAlgorithm)?;
        let key = key_of(jwk, algorithm)?;
        let claims = ProofClaims::read(unverified.payload())?;
        claims.judge_target(target)?;
        self.judge_times(&claims, now)?;
        let token_hash = claims.judge_token_hash(target.token)?;
        self.judge_nonce(&claims, now)?;
        let thumbprint = Thumbprint::of_key(&key);
        Ok(ReadProof {
            id: ProofId::new(&thumbprint, claims.jti),
            until: claims.iat.ceil().plus(self.past),
            proof: Proof { thumbprint, token_hash, issued_at: claims.iat },
            unverified,
            algorithm,
            key,
        })
    }

    fn judge_times(&self, claims: &ProofClaims<'_>, now: UnixTime) -> Result<(), Error> {
        let in_window = claims.iat.floor() >= now.minus(self.past) && claims.iat.is_reached(now.plus(self.ahead));
        if in_window { Ok(()) } else { Err(Error::ProofIssuedAt) }
    }

    fn judge_nonce(&self, claims: &ProofClaims<'_>, now: UnixTime) -> Result<(), Error> {
        let Some(key) = self.nonce else { return Ok(()) };
        let nonce = claims.nonce.ok_or(Error::NonceRequired)?;
        if nonce.as_str().is_some_and(|nonce| key.accepts(nonce.as_bytes(), now)) { Ok(()) } else { Err(Error::NonceInvalid) }
    }

    pub(crate) const fn algorithms(&self) -> Algorithms<'a> {
        self.algorithms
    }

    pub(crate) const fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) const fn nonce(&self) -> Option<&'a NonceKey> {
        self.nonce
    }
}

/// A proof that was accepted: evidence that the holder of its key made it now, for one request and one token, for the first time.
#[derive(Clone, Copy, Debug)]
pub struct Proof {
    thumbprint: Thumbprint,
    token_hash: Option<Thumbprint>,
    issued_at: NumericDate,
}

impl Proof {
    /// The `jkt` of the key that made it.
    #[must_use]
    pub const fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    /// The SHA-256 of the token that it was made for; `None` at a token endpoint.
    #[must_use]
    pub const fn token_hash(&self) -> Option<Thumbprint> {
        self.token_hash
    }

    /// `iat`.
    #[must_use]
    pub const fn issued_at(&self) -> NumericDate {
        self.issued_at
    }
}

/// A proof that is good but for its signature and for having been used before.
pub(crate) struct ReadProof<'t, 's, 'a> {
    id: ProofId,
    until: UnixTime,
    proof: Proof,
    unverified: Unverified<'t, 's>,
    algorithm: &'a dyn Algorithm,
    key: PublicKey,
}

impl ReadProof<'_, '_, '_> {
    /// The key that the proof claims to be made with.
    pub(crate) const fn thumbprint(&self) -> Thumbprint {
        self.proof.thumbprint
    }

    /// The signature, to be judged by itself or with the token's.
    pub(crate) fn signature<'m>(&'m self, keys: Option<&'m mut dyn KeyMemory>, number: usize) -> Signature<'m> {
        let prepared: &[u64] = match keys {
            Some(keys) => keys.prepared(&self.proof.thumbprint),
            None => &[],
        };
        self.unverified.signature(self.algorithm, FoundKey { public: &self.key, prepared }, number)
    }

    /// What is left to judge: the signature, and then the store.
    pub(crate) fn accept(&self, store: &mut dyn ReplayStore, now: UnixTime) -> Result<Proof, Error> {
        let signature = self.signature(store.keys(), 0);
        signature
            .algorithm
            .verify_prepared(signature.key, signature.prepared, signature.message, signature.signature)
            .map_err(|_| Error::ProofSignature)?;
        self.redeem(store, now)
    }

    /// The last step, after every other check: a proof that fails burns no `jti`.
    pub(crate) fn redeem(&self, store: &mut dyn ReplayStore, now: UnixTime) -> Result<Proof, Error> {
        if !store.first_use(&self.id, self.until, now)? {
            return Err(Error::ProofReplayed);
        }
        if let Some(keys) = store.keys() {
            keys.seen(&self.proof.thumbprint, self.algorithm, &self.key);
        }
        Ok(self.proof)
    }
}

fn as_proof_error(error: Error) -> Error {
    match error {
        Error::TokenTooLarge | Error::HeaderTooLarge => Error::ProofTooLarge,
        Error::AlgorithmMissing => Error::ProofAlgorithm,
        Error::BufferTooSmall => Error::BufferTooSmall,
        _ => Error::ProofMalformed,
    }
}

/// The key in the header, judged like any other: nobody vouches for it, so its strength is all there is.
fn key_of(jwk: Option<Value<'_>>, algorithm: &dyn Algorithm) -> Result<PublicKey, Error> {
    let jwk = jwk.filter(|jwk| jwk.as_object().is_some()).ok_or(Error::ProofKeyMissing)?;
    let jwk = Jwk::read(jwk).map_err(|_| Error::ProofKeyInvalid)?;
    let names_another = jwk.alg.is_some_and(|alg| !alg.is(algorithm.name()));
    if names_another || !algorithm.primitive().fits(&jwk.public) {
        return Err(Error::ProofKeyInvalid);
    }
    algorithm.admit(&jwk.public).map_err(|_| Error::ProofKeyInvalid)?;
    Ok(jwk.public)
}

struct ProofClaims<'s> {
    jti: Str<'s>,
    htm: Str<'s>,
    htu: Str<'s>,
    iat: NumericDate,
    ath: Option<Str<'s>>,
    nonce: Option<Str<'s>>,
}

impl<'s> ProofClaims<'s> {
    #[inline(never)]
    fn read(payload: &'s [u8]) -> Result<Self, Error> {
        let (mut jti, mut htm, mut htu, mut iat, mut ath, mut nonce) = (None, None, None, None, None, None);
        let mut mistyped = false;
        json::read_object(payload, |member| {
            let mut text = |member: Member<'s>| {
                let text = member.value.as_str();
                mistyped |= text.is_none();
                text
            };
            match member.name.resolved_name(&mut [0; 32]) {
                "jti" => jti = text(member),
                "htm" => htm = text(member),
                "htu" => htu = text(member),
                "ath" => ath = text(member),
                "nonce" => nonce = text(member),
                "iat" => {
                    iat = member.value.as_numeric_date();
                    mistyped |= iat.is_none();
                }
                _ => {}
            }
            Ok(())
        })
        .map_err(as_proof_error)?;
        if mistyped {
            return Err(Error::ProofClaimMalformed);
        }
        let missing = Error::ProofClaimMissing;
        let jti = jti.ok_or(missing)?;
        if jti.is_empty() || jti.len() > MAX_JTI {
            return Err(Error::ProofIdLength);
        }
        Ok(Self { jti, htm: htm.ok_or(missing)?, htu: htu.ok_or(missing)?, iat: iat.ok_or(missing)?, ath, nonce })
    }

    fn judge_target(&self, target: &ProofTarget<'_>) -> Result<(), Error> {
        if target.method.is_empty() {
            return Err(Error::RequestMethod);
        }
        if !self.htm.is(target.method) {
            return Err(Error::ProofMethod);
        }
        // A URL needs no JSON escape but `\/`; one that has others is spelled to confuse, and cannot be compared as it stands.
        let mut unescaped = [0; MAX_HTU];
        let htu = match self.htu.as_str() {
            Some(htu) => htu,
            None => self.htu.copy_to(&mut unescaped).ok_or(Error::ProofUrl)?,
        };
        htu::judge(htu, target.url)
    }

    /// `ath` must be the hash of the token that is presented (RFC 9449 section 4.3, check 11). Without a token it says nothing.
    fn judge_token_hash(&self, token: Option<&[u8]>) -> Result<Option<Thumbprint>, Error> {
        let Some(token) = token else { return Ok(None) };
        let hash = Thumbprint::from_bytes(Sha256::digest(token).into());
        let ath = self.ath.and_then(Str::as_str).and_then(|ath| Thumbprint::parse(ath.as_bytes()).ok());
        if ath == Some(hash) { Ok(Some(hash)) } else { Err(Error::ProofTokenHash) }
    }
}

/// The longest `htu` with JSON escapes in it, in bytes.
const MAX_HTU: usize = 512;
