//! The server's own keys: a folder of PKCS#8 files and `keys.json`, which says what each is for.
//!
//! A key is published before it signs and after it has signed, so that whoever keeps the set for a while knows it in time, and as long as
//! tokens by it live.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PSS_SHA256, RsaKeyPair};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil::UnixTime;
use counterfoil_gateway::keys::{KeyRing, KeySource};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::ConfigError;
use crate::secret::Digest;

/// An algorithm that the server signs with: those of FAPI 2.0 section 5.4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// ECDSA with P-256.
    #[serde(rename = "ES256")]
    Es256,
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Es256, Self::Ps256, Self::EdDsa];

    /// Its `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Ps256 => "PS256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// By its `alg`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// What a key is for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Published, and not used yet.
    Next,
    /// Signs.
    Active,
    /// Published until the last token by it has ended.
    Old,
}

/// A key's line in `keys.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Its `kid`; its file is called so.
    pub kid: String,
    /// What it signs by.
    pub alg: Algorithm,
    /// What it is for.
    pub state: KeyState,
    /// When it was made, in seconds since 1970.
    pub created_at: u64,
    /// Until when an old key is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_until: Option<u64>,
}

enum Pair {
    Es256(EcdsaKeyPair),
    Ps256(Box<RsaKeyPair>),
    EdDsa(Ed25519KeyPair),
}

/// A private key with its record.
struct SigningKey {
    record: KeyRecord,
    pair: Pair,
}

struct Set {
    keys: Vec<Arc<SigningKey>>,
    stamp: Option<SystemTime>,
}

/// The server's keys, as they are in their folder.
pub struct SigningKeys {
    folder: PathBuf,
    set: ArcSwap<Set>,
    /// The public halves, prepared, to judge what the server itself has issued.
    ring: KeyRing,
    random: SystemRandom,
}

impl core::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SigningKeys").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl SigningKeys {
    /// Reads the folder.
    ///
    /// # Errors
    /// The file, and what is wrong with it.
    pub fn open(folder: &Path) -> Result<Self, ConfigError> {
        let set = Set::read(folder)?;
        for algorithm in [Algorithm::Es256, Algorithm::Ps256] {
            if set.active(algorithm).is_none() {
                return Err(wrong(folder, format!("there is no active {} key", algorithm.name())));
            }
        }
        let ring = KeyRing::start(&KeySource::Host, counterfoil::crypto::FAPI, 32 * 1024 + 64).map_err(|error| wrong(folder, error))?;
        let keys = Self { folder: folder.to_owned(), set: ArcSwap::from_pointee(set), ring, random: SystemRandom::new() };
        keys.publish_to_self().map_err(|error| wrong(&keys.folder, error))?;
        Ok(keys)
    }

    /// Reads the folder again if `keys.json` has changed; `false` if it has not. What cannot be used changes nothing.
    ///
    /// # Errors
    /// As [`SigningKeys::open`].
    pub fn reload(&self) -> Result<bool, ConfigError> {
        if stamp(&self.folder) == self.set.load().stamp {
            return Ok(false);
        }
        self.set.store(Arc::new(Set::read(&self.folder)?));
        self.publish_to_self().map_err(|error| wrong(&self.folder, error))?;
        Ok(true)
    }

    fn publish_to_self(&self) -> Result<(), counterfoil::Error> {
        self.ring.replace(self.jwks(UnixTime(0)).to_string().as_bytes())
    }

    /// The public halves, for the engine.
    pub(crate) const fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// The JWK Set that is published at a time.
    #[must_use]
    pub fn jwks(&self, now: UnixTime) -> Value {
        let set = self.set.load();
        let is_published = |key: &&Arc<SigningKey>| key.record.published_until.is_none_or(|until| now.0 < until);
        json!({ "keys": set.keys.iter().filter(is_published).map(|key| key.jwk()).collect::<Vec<_>>() })
    }

    /// The algorithms that there is an active key for.
    #[must_use]
    pub fn algorithms(&self) -> Vec<&'static str> {
        let set = self.set.load();
        Algorithm::ALL.into_iter().filter(|algorithm| set.active(*algorithm).is_some()).map(Algorithm::name).collect()
    }

    /// A compact JWS of these claims by the active key of an algorithm.
    ///
    /// # Errors
    /// When there is no such key.
    pub(crate) fn sign(&self, algorithm: Algorithm, typ: &str, claims: &impl Serialize) -> Result<String, SigningFailure> {
        let set = self.set.load();
        let key = set.active(algorithm).ok_or(SigningFailure("no active key of this algorithm"))?;
        let header = format!(r#"{{"alg":"{}","typ":"{typ}","kid":"{}"}}"#, algorithm.name(), key.record.kid);
        let claims = serde_json::to_vec(claims).map_err(|_| SigningFailure("claims that are no JSON"))?;
        let mut token = Base64UrlUnpadded::encode_string(header.as_bytes());
        token.push('.');
        token.push_str(&Base64UrlUnpadded::encode_string(&claims));
        let signature = key.sign(token.as_bytes(), &self.random)?;
        token.push('.');
        token.push_str(&Base64UrlUnpadded::encode_string(&signature));
        Ok(token)
    }

    /// Makes a folder with an active and a next key of each algorithm.
    ///
    /// # Errors
    /// When the folder has keys already, or cannot be written.
    pub fn create(folder: &Path, now: UnixTime) -> Result<(), ConfigError> {
        if folder.join("keys.json").exists() {
            return Err(wrong(folder, "there are keys already"));
        }
        std::fs::create_dir_all(folder).map_err(|error| wrong(folder, error))?;
        let mut records = Vec::new();
        for algorithm in Algorithm::ALL {
            for state in [KeyState::Active, KeyState::Next] {
                records.push(make(folder, algorithm, state, now)?);
            }
        }
        write_records(folder, &records)
    }

    /// What `keys.json` says.
    ///
    /// # Errors
    /// The file, and what is wrong with it.
    pub fn records(folder: &Path) -> Result<Vec<KeyRecord>, ConfigError> {
        let file = folder.join("keys.json");
        let text = std::fs::read_to_string(&file).map_err(|error| wrong(&file, error))?;
        serde_json::from_str(&text).map_err(|error| wrong(&file, error))
    }

    /// Next keys become active, active ones old, to be published for so many seconds more, and new next keys are made. Old keys whose time is
    /// over are deleted.
    ///
    /// # Errors
    /// The file, and what is wrong with it.
    pub fn rotate(folder: &Path, published_for: u64, now: UnixTime) -> Result<Vec<KeyRecord>, ConfigError> {
        let mut records = Self::records(folder)?;
        let (kept, over): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|record| record.published_until.is_none_or(|until| now.0 < until));
        records = kept;
        let has_next = |alg| records.iter().any(|record| record.alg == alg && record.state == KeyState::Next);
        let rotated: Vec<Algorithm> = Algorithm::ALL.into_iter().filter(|alg| has_next(*alg)).collect();
        for record in records.iter_mut().filter(|record| rotated.contains(&record.alg)) {
            match record.state {
                KeyState::Next => record.state = KeyState::Active,
                KeyState::Active => {
                    record.state = KeyState::Old;
                    record.published_until = Some(now.0.saturating_add(published_for));
                }
                KeyState::Old => {}
            }
        }
        for algorithm in rotated {
            records.push(make(folder, algorithm, KeyState::Next, now)?);
        }
        write_records(folder, &records)?;
        for record in over {
            let _ = std::fs::remove_file(key_file(folder, &record.kid));
        }
        Ok(records)
    }

    /// Takes a key out at once: what it signed is refused as soon as its readers look again. The next key of its algorithm takes its place.
    ///
    /// # Errors
    /// When there is no such key, or the folder cannot be written.
    pub fn revoke(folder: &Path, kid: &str, now: UnixTime) -> Result<Vec<KeyRecord>, ConfigError> {
        let mut records = Self::records(folder)?;
        let place = records.iter().position(|record| record.kid == kid).ok_or_else(|| wrong(folder, format!("there is no key {kid}")))?;
        let gone = records.remove(place);
        let next = records.iter_mut().find(|record| record.alg == gone.alg && record.state == KeyState::Next);
        if gone.state == KeyState::Active {
            match next {
                Some(next) => next.state = KeyState::Active,
                None => records.push(make(folder, gone.alg, KeyState::Active, now)?),
            }
        }
        if gone.state != KeyState::Old {
            records.push(make(folder, gone.alg, KeyState::Next, now)?);
        }
        write_records(folder, &records)?;
        let _ = std::fs::remove_file(key_file(folder, kid));
        Ok(records)
    }
}

impl Set {
    fn read(folder: &Path) -> Result<Self, ConfigError> {
        let stamp = stamp(folder);
        let records = SigningKeys::records(folder)?;
        let keys = records.into_iter().map(|record| SigningKey::read(folder, record).map(Arc::new)).collect::<Result<_, _>>()?;
        Ok(Self { keys, stamp })
    }

    fn active(&self, algorithm: Algorithm) -> Option<&SigningKey> {
        let is_it = |key: &&Arc<SigningKey>| key.record.alg == algorithm && key.record.state == KeyState::Active;
        self.keys.iter().find(is_it).map(AsRef::as_ref)
    }
}

impl SigningKey {
    fn read(folder: &Path, record: KeyRecord) -> Result<Self, ConfigError> {
        let file = key_file(folder, &record.kid);
        let text = std::fs::read(&file).map_err(|error| wrong(&file, error))?;
        let block = pem::parse(text).map_err(|_| wrong(&file, "is not PEM"))?;
        let refuse = |_| wrong(&file, format!("holds no {} key in PKCS#8", record.alg.name()));
        let der = block.contents();
        let pair = match record.alg {
            Algorithm::Es256 => Pair::Es256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(refuse)?),
            Algorithm::Ps256 => Pair::Ps256(Box::new(RsaKeyPair::from_pkcs8(der).map_err(refuse)?)),
            Algorithm::EdDsa => Pair::EdDsa(Ed25519KeyPair::from_pkcs8(der).map_err(refuse)?),
        };
        Ok(Self { record, pair })
    }

    fn sign(&self, message: &[u8], random: &SystemRandom) -> Result<Vec<u8>, SigningFailure> {
        let failed = |_| SigningFailure("the key does not sign");
        match &self.pair {
            Pair::Es256(pair) => pair.sign(random, message).map(|signature| signature.as_ref().to_vec()).map_err(failed),
            Pair::EdDsa(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::Ps256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PSS_SHA256, random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
        }
    }

    /// Its public half, and nothing else.
    fn jwk(&self) -> Value {
        let (kid, alg) = (&self.record.kid, self.record.alg.name());
        let encoded = Base64UrlUnpadded::encode_string;
        match &self.pair {
            Pair::Es256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point.get(1..).map_or((&[][..], &[][..]), |point| point.split_at(point.len() / 2));
                json!({ "kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y), "kid": kid, "alg": alg, "use": "sig" })
            }
            Pair::Ps256(pair) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                let (n, e) = (encoded(n.big_endian_without_leading_zero()), encoded(e.big_endian_without_leading_zero()));
                json!({ "kty": "RSA", "n": n, "e": e, "kid": kid, "alg": alg, "use": "sig" })
            }
            Pair::EdDsa(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encoded(pair.public_key().as_ref()), "kid": kid, "alg": alg, "use": "sig" })
            }
        }
    }
}

/// Why nothing was signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SigningFailure(&'static str);

impl From<SigningFailure> for crate::error::Refusal {
    fn from(failure: SigningFailure) -> Self {
        crate::reason::FAULT.refusal().because(failure.0)
    }
}

fn wrong(place: &Path, what: impl core::fmt::Display) -> ConfigError {
    ConfigError::new(place.display().to_string(), what)
}

fn stamp(folder: &Path) -> Option<SystemTime> {
    std::fs::metadata(folder.join("keys.json")).and_then(|metadata| metadata.modified()).ok()
}

fn key_file(folder: &Path, kid: &str) -> PathBuf {
    folder.join(format!("{kid}.pem"))
}

/// A new key in its file, which only its owner may read.
fn make(folder: &Path, algorithm: Algorithm, state: KeyState, now: UnixTime) -> Result<KeyRecord, ConfigError> {
    let failed = |_| wrong(folder, "no key could be made");
    let der: Vec<u8> = match algorithm {
        Algorithm::Es256 => {
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).and_then(|pair| pair.to_pkcs8v1()).map_err(failed)?.as_ref().to_vec()
        }
        Algorithm::EdDsa => Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1()).map_err(failed)?.as_ref().to_vec(),
        Algorithm::Ps256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
            let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
            der.as_ref().to_vec()
        }
    };
    let id = Digest::of(crate::secret::Secret::new().as_str()).to_base64url();
    let kid = format!("{}-{}", algorithm.name().to_lowercase(), id.get(..10).unwrap_or(&id));
    let record = KeyRecord { kid, alg: algorithm, state, created_at: now.0, published_until: None };
    let text = pem::encode(&pem::Pem::new("PRIVATE KEY", der));
    write_private(&key_file(folder, &record.kid), text.as_bytes())?;
    Ok(record)
}

fn write_records(folder: &Path, records: &[KeyRecord]) -> Result<(), ConfigError> {
    let text = serde_json::to_string_pretty(records).map_err(|error| wrong(folder, error))?;
    write_private(&folder.join("keys.json"), text.as_bytes())
}

/// A file that only its owner may read; whoever reads it sees it whole, before and after.
pub(crate) fn write_private(file: &Path, content: &[u8]) -> Result<(), ConfigError> {
    let draft = file.with_extension("draft");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || {
        let mut open = options.open(&draft)?;
        open.write_all(content)?;
        open.sync_all()?;
        std::fs::rename(&draft, file)
    };
    write().map_err(|error| wrong(file, error))
}
