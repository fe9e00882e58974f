//! Encryption, where a market demands it (Open Banking Brazil): ID tokens and signed responses for clients, request objects from them (RFC 7516).
//! What is encrypted is always signed inside. The cryptography is josekit's, on OpenSSL; what may come to it is decided here.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_gateway::https::{Https, Transport};
use josekit::jwe::{self, ECDH_ES, JweDecrypter, JweEncrypter, JweHeader, RSA_OAEP, RSA_OAEP_256};
use josekit::jwk::Jwk;
use josekit::jwk::alg::ec::{EcCurve, EcKeyPair};
use josekit::jwk::alg::rsa::RsaKeyPair;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use crate::client::{Client, MetadataError};
use crate::config::{ConfigError, KeySettings};
use crate::error::Refusal;
use crate::reason;
use crate::secret::Digest;

/// The only content encryption that there is.
pub(crate) const CONTENT: &str = "A256GCM";
/// How long a client's keys are believed that were fetched from its `jwks_uri`.
const FRESH: Duration = Duration::from_secs(300);
/// The longest key set.
const LARGEST: usize = 64 * 1024;
/// How long nobody asks again after a set could not be had.
const PAUSE: Duration = Duration::from_secs(10);
/// How many sets are fetched at a time: each holds a thread.
const AT_A_TIME: usize = 8;
/// Key sets that are remembered at most; beyond that all are forgotten.
const SETS: usize = 10_000;

/// How a content key gets to its reader (RFC 7518 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyManagement {
    RsaOaep,
    RsaOaep256,
    EcdhEs,
}

impl KeyManagement {
    pub(crate) const ALL: [Self; 3] = [Self::RsaOaep, Self::RsaOaep256, Self::EcdhEs];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::RsaOaep => "RSA-OAEP",
            Self::RsaOaep256 => "RSA-OAEP-256",
            Self::EcdhEs => "ECDH-ES",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|own| own.name() == name)
    }

    const fn key_type(self) -> &'static str {
        match self {
            Self::RsaOaep | Self::RsaOaep256 => "RSA",
            Self::EcdhEs => "EC",
        }
    }

    fn encrypter(self, key: &Jwk) -> Result<Box<dyn JweEncrypter>, josekit::JoseError> {
        Ok(match self {
            Self::RsaOaep => Box::new(RSA_OAEP.encrypter_from_jwk(key)?),
            Self::RsaOaep256 => Box::new(RSA_OAEP_256.encrypter_from_jwk(key)?),
            Self::EcdhEs => Box::new(ECDH_ES.encrypter_from_jwk(key)?),
        })
    }

    fn decrypter(self, pem: &[u8]) -> Result<Box<dyn JweDecrypter>, josekit::JoseError> {
        Ok(match self {
            Self::RsaOaep => Box::new(RSA_OAEP.decrypter_from_pem(pem)?),
            Self::RsaOaep256 => Box::new(RSA_OAEP_256.decrypter_from_pem(pem)?),
            Self::EcdhEs => Box::new(ECDH_ES.decrypter_from_pem(pem)?),
        })
    }
}

/// A private key of the server's own, to which clients encrypt.
struct OwnKey {
    /// As it is published: without `alg`, since an RSA key serves two.
    jwk: Value,
    kid: String,
    decrypters: Vec<(KeyManagement, Box<dyn JweDecrypter>)>,
}

/// What comes before a nested token (RFC 7516 section 4). Members that change how it is read are refused because they are unknown.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    enc: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "permitted")]
    cty: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "permitted")]
    typ: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "read by josekit")]
    epk: Option<Map<String, Value>>,
    #[serde(default)]
    #[expect(dead_code, reason = "read by josekit")]
    apu: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "read by josekit")]
    apv: Option<String>,
}

/// The server's own keys, and those of clients.
pub(crate) struct Encryption {
    own: Vec<OwnKey>,
    https: Https,
    turns: Semaphore,
    fetched: Mutex<HashMap<String, Fetched>>,
}

/// What came of asking for a client's keys last: the last set that could be had, and until when nobody asks again.
#[derive(Clone)]
struct Fetched {
    jwks: Option<Arc<Value>>,
    until: Instant,
}

impl Encryption {
    pub(crate) fn open(settings: &KeySettings) -> Result<Self, ConfigError> {
        let https = Https::new(&Transport::new(), LARGEST).map_err(|error| ConfigError::new("keys.encryption", error))?;
        let own = settings.encryption.iter().map(|file| {
            let place = || file.display().to_string();
            let pem = std::fs::read(file).map_err(|error| ConfigError::new(place(), error))?;
            OwnKey::read(&pem).ok_or_else(|| ConfigError::new(place(), "must be a private key in PEM: RSA of 2048 bits or more, or P-256"))
        });
        Ok(Self { own: own.collect::<Result<_, _>>()?, https, turns: Semaphore::new(AT_A_TIME), fetched: Mutex::default() })
    }

    /// As they are published beside the keys that sign.
    pub(crate) fn jwks(&self) -> impl Iterator<Item = Value> {
        self.own.iter().map(|key| key.jwk.clone())
    }

    /// The algorithms by which clients may encrypt to the server.
    pub(crate) fn algorithms(&self) -> Vec<&'static str> {
        let has = |management: &KeyManagement| self.own.iter().any(|key| key.decrypters.iter().any(|(own, _)| own == management));
        KeyManagement::ALL.into_iter().filter(has).map(KeyManagement::name).collect()
    }

    /// The token that is encrypted in another one. A client that has registered an algorithm uses no other.
    pub(crate) fn decrypted(&self, token: &str, registered: Option<KeyManagement>) -> Result<String, &'static str> {
        let header =
            token.split('.').next().and_then(|text| Base64UrlUnpadded::decode_vec(text).ok()).ok_or("the header is no base64url")?;
        // The engine's reader refuses what serde_json does not: members that come twice.
        counterfoil::wire::json::read_object(&header, |_| Ok(())).map_err(|_| "the header is no JSON")?;
        let header: Header = serde_json::from_slice(&header).map_err(|_| "the header has something unknown")?;
        let management = KeyManagement::named(&header.alg).filter(|own| registered.is_none_or(|registered| registered == *own));
        let management = management.ok_or("the algorithm is not one of this client's")?;
        if header.enc != CONTENT {
            return Err("the content encryption must be A256GCM");
        }
        // 96 bits and 128 (RFC 7518 section 5.3): josekit takes any tag, and has no answer to an empty IV.
        let lengths: Vec<usize> = token.split('.').map(str::len).collect();
        if !matches!(lengths.as_slice(), [_, _, 16, _, 22]) {
            return Err("its IV or its tag has another length");
        }
        let is_meant = |key: &&OwnKey| header.kid.as_ref().is_none_or(|kid| *kid == key.kid);
        let decrypters = self.own.iter().filter(is_meant).flat_map(|key| &key.decrypters).filter(|(own, _)| *own == management);
        for (_, decrypter) in decrypters {
            // One cause for every failure: nobody learns from it at which step it was.
            if let Ok((inner, _)) = jwe::deserialize_compact(token, &**decrypter) {
                return String::from_utf8(inner).map_err(|_| "what is encrypted is no text");
            }
        }
        Err("it cannot be decrypted")
    }

    /// A token, encrypted to a key of the client's where the client has registered an algorithm for it.
    pub(crate) async fn encrypted(&self, client: &Client, management: Option<KeyManagement>, token: String) -> Result<String, Refusal> {
        let Some(management) = management else { return Ok(token) };
        let fault = |cause: &dyn core::fmt::Display| reason::FAULT.refusal().because(format!("client {}: {cause}", client.id()));
        let jwks = self.jwks_of(client).await?;
        let key = key_for(&jwks, management).ok_or_else(|| fault(&"has no key to encrypt to"))?;
        let encrypter = management.encrypter(&key).map_err(|error| fault(&error))?;
        let mut header = JweHeader::new();
        header.set_content_encryption(CONTENT);
        header.set_content_type("JWT");
        if let Some(kid) = key.key_id() {
            header.set_key_id(kid);
        }
        jwe::serialize_compact(token.as_bytes(), &header, &*encrypter).map_err(|error| fault(&error))
    }

    /// Whether what goes to the client can be encrypted: asked before anything is used up for it.
    pub(crate) async fn is_ready_for(&self, client: &Client) -> Result<(), Refusal> {
        let is_used = client.id_token_encryption.is_some() || client.response_encryption.is_some();
        if is_used { self.jwks_of(client).await.map(drop) } else { Ok(()) }
    }

    /// Whether a client that must encrypt to the server can.
    pub(crate) fn judge(&self, client: &Client) -> Result<(), MetadataError> {
        match client.request_encryption {
            Some(management) if !self.algorithms().contains(&management.name()) => {
                Err(MetadataError::new("request_object_encryption_alg", "is none that this server has a key for"))
            }
            _ => Ok(()),
        }
    }

    /// The client's keys; those that were had last, where they cannot be had now.
    async fn jwks_of(&self, client: &Client) -> Result<Arc<Value>, Refusal> {
        let metadata = &client.metadata;
        let Some(uri) = &metadata.jwks_uri else { return Ok(Arc::new(metadata.jwks.clone().unwrap_or_default())) };
        let away = |cause: &str| reason::CLIENT_KEYS_UNAVAILABLE.refusal().because(format!("client {}: {cause}", client.id()));
        let known = self.locked().get(uri).cloned();
        let known = match known {
            Some(Fetched { jwks, until }) if Instant::now() < until => return jwks.ok_or_else(|| away("could not be had a moment ago")),
            known => known.and_then(|known| known.jwks),
        };
        let (fetched, pause) = match self.fetch(uri).await {
            Ok(jwks) => (Some(Arc::new(jwks)), FRESH),
            Err(cause) => {
                tracing::warn!(client = client.id(), cause, "keys to encrypt to could not be had");
                (known, PAUSE)
            }
        };
        let mut all = self.locked();
        if all.len() >= SETS {
            all.clear();
        }
        all.insert(uri.clone(), Fetched { jwks: fetched.clone(), until: Instant::now() + pause });
        fetched.ok_or_else(|| away("could not be had"))
    }

    async fn fetch(&self, uri: &str) -> Result<Value, String> {
        let _turn = self.turns.acquire().await.map_err(|error| error.to_string())?;
        let (https, uri) = (self.https.clone(), uri.to_owned());
        let answer = tokio::task::spawn_blocking(move || https.get(&uri, &[("Accept", "application/jwk-set+json, application/json")]));
        let answer = answer.await.map_err(|error| error.to_string())?.map_err(|failure| failure.to_string())?;
        if answer.status != 200 {
            return Err(format!("status {}", answer.status));
        }
        serde_json::from_slice(&answer.body).map_err(|_| "no JSON".to_owned())
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<String, Fetched>> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OwnKey {
    fn read(pem: &[u8]) -> Option<Self> {
        let (mut jwk, managements): (Jwk, &[KeyManagement]) = match RsaKeyPair::from_pem(pem) {
            Ok(pair) => (pair.to_jwk_public_key(), &[KeyManagement::RsaOaep, KeyManagement::RsaOaep256]),
            Err(_) => (EcKeyPair::from_pem(pem, Some(EcCurve::P256)).ok()?.to_jwk_public_key(), &[KeyManagement::EcdhEs]),
        };
        let decrypters = managements.iter().map(|management| Some((*management, management.decrypter(pem).ok()?)));
        let public: Vec<String> = ["e", "n", "x", "y"].iter().filter_map(|name| Some(jwk.parameter(name)?.to_string())).collect();
        let kid = Digest::of(public.join(".")).to_base64url();
        jwk.set_key_id(&kid);
        jwk.set_key_use("enc");
        let jwk: Map<String, Value> = jwk.as_ref().clone().into_iter().filter(|(name, _)| name != "alg").collect();
        Some(Self { jwk: json!(jwk), kid, decrypters: decrypters.collect::<Option<_>>()? })
    }
}

/// The first key of a set that is for encryption by this algorithm.
fn key_for(jwks: &Value, management: KeyManagement) -> Option<Jwk> {
    let is_for = |key: &&Map<String, Value>| {
        let has = |name: &str, value: &str| key.get(name).and_then(Value::as_str) == Some(value);
        let is_of_curve = management != KeyManagement::EcdhEs || has("crv", "P-256");
        // Where a key does not say what it is for, it must at least not be for signatures.
        let is_free = has("use", "enc") || !key.contains_key("use") && has("alg", management.name());
        has("kty", management.key_type()) && is_of_curve && is_free && (!key.contains_key("alg") || has("alg", management.name()))
    };
    let keys = jwks.get("keys")?.as_array()?;
    let key = keys.iter().filter_map(Value::as_object).find(is_for)?;
    Jwk::from_map(key.clone()).ok()
}

/// Whether a client's own set has a key for this; of one that is fetched it is seen later.
pub(crate) fn can_be_had(client_jwks: Option<&Value>, management: KeyManagement) -> bool {
    client_jwks.is_none_or(|jwks| key_for(jwks, management).is_some_and(|key| management.encrypter(&key).is_ok()))
}
