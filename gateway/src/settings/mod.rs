//! A gateway described by data: what the bindings for other languages, and programs with a configuration file, are given.
//!
//! The shapes are those of the JSON text; a member that is not known, twice there, or of another type is refused, never ignored.

mod lookup;

use std::path::PathBuf;
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil::crypto::{ED25519, EDDSA, ES256, FAPI, PS256, RS256};
use counterfoil::jose::algorithm::Algorithm;
use counterfoil::jose::policy::Limits;
use counterfoil::oauth::confirmation::Binding;
use counterfoil::oauth::nonce::NonceKey;
use counterfoil::oauth::split_token::KeyEncoding;
use counterfoil::{Error, Seconds};
use serde::Deserialize;

use crate::builder::Builder;
use crate::error::ConfigError;
use crate::gateway::Gateway;
use crate::https::Transport;
use crate::issuer::Issuer;
use crate::keys::{KeySource, RemoteKeys};
use crate::response::ResponseVerifier;

pub use self::lookup::{CounterfoilSettings, FeedSettings, IntrospectionSettings};

/// Everything that a [`Gateway`] can be told. All but `issuers` may be left out.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The issuers that are trusted: at least one.
    pub issuers: Vec<IssuerSettings>,
    /// Named in every challenge.
    #[serde(default)]
    pub realm: Option<String>,
    /// What proofs must be.
    #[serde(default)]
    pub dpop: ProofSettings,
    /// Where split tokens are completed.
    #[serde(default)]
    pub split: Option<CounterfoilSettings>,
    /// Where phantom tokens are looked up.
    #[serde(default)]
    pub introspection: Option<IntrospectionSettings>,
    /// The feed of what an issuer publishes and revokes.
    #[serde(default)]
    pub feed: Option<FeedSettings>,
    /// Whether whole tokens, which clients should not have, are refused: [`Builder::only_references`].
    #[serde(default)]
    pub only_references: bool,
    /// How many good tokens are remembered: [`Builder::token_cache`].
    #[serde(default)]
    pub token_cache: Option<usize>,
    /// For how many keys of proofs there are tables: [`Builder::key_tables`].
    #[serde(default)]
    pub key_tables: Option<usize>,
    /// How many seconds a request waits for a key that it lacks: [`Builder::patience`].
    #[serde(default)]
    pub patience: Option<f64>,
}

/// One issuer: [`Issuer`]. Its keys come from exactly one of `jwks`, `jwks_file` and `jwks_uri`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerSettings {
    /// The identifier that `iss` must be.
    #[serde(default)]
    pub issuer: String,
    /// One of these must be in `aud`.
    #[serde(default)]
    pub audience: Words,
    /// A JWK Set, as a text.
    #[serde(default)]
    pub jwks: Option<String>,
    /// A file with a JWK Set, read again when it changes.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    /// An https URL of a JWK Set.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// How `jwks_uri` is reached.
    #[serde(default)]
    pub tls: TlsSettings,
    /// Accepted algorithms, instead of those of FAPI 2.0.
    #[serde(default)]
    pub algorithms: Option<Vec<String>>,
    /// For issuers that predate RFC 9068: the accepted `typ`, `null` for none at all.
    #[serde(default)]
    pub types: Option<Vec<Option<String>>>,
    /// With `types`: the claims required beside `iss`, `aud` and `exp`.
    #[serde(default)]
    pub required_claims: Option<Vec<String>>,
    /// `required` (the default), `mtls`, `dpop` or `optional`.
    #[serde(default)]
    pub binding: Option<String>,
    /// Seconds that the issuer's clock may differ: 10 by default.
    #[serde(default)]
    pub leeway: Option<u64>,
    /// Scopes that every token must have.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Contexts of which the authentication must have one (RFC 9470).
    #[serde(default)]
    pub acr_values: Vec<String>,
    /// Seconds that the authentication may be old (RFC 9470).
    #[serde(default)]
    pub max_age: Option<u64>,
    /// The longest token: 16,384 by default.
    #[serde(default)]
    pub max_token_bytes: Option<usize>,
    /// The longest decoded header: 4,096 by default.
    #[serde(default)]
    pub max_header_bytes: Option<usize>,
    /// Memory for each prepared key: 262,656 by default.
    #[serde(default)]
    pub key_memory: Option<usize>,
}

/// One authorization server whose JARM responses a client judges: [`ResponseVerifier`]. Its keys come as those of an issuer.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseSettings {
    /// The identifier that `iss` must be.
    #[serde(default)]
    pub issuer: String,
    /// The client that `aud` must name.
    #[serde(default)]
    pub client_id: String,
    /// A JWK Set, as a text.
    #[serde(default)]
    pub jwks: Option<String>,
    /// A file with a JWK Set, read again when it changes.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    /// An https URL of a JWK Set.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// How `jwks_uri` is reached.
    #[serde(default)]
    pub tls: TlsSettings,
    /// Accepted algorithms, instead of those of FAPI 2.0.
    #[serde(default)]
    pub algorithms: Option<Vec<String>>,
    /// Seconds that the server's clock may differ: 10 by default.
    #[serde(default)]
    pub leeway: Option<u64>,
    /// How many seconds a response waits for a key that the set lacks: [`ResponseVerifier::with_patience`].
    #[serde(default)]
    pub patience: Option<f64>,
}

/// One word or several.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Words {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Default for Words {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

/// What DPoP proofs must be.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProofSettings {
    /// Accepted algorithms, instead of those of FAPI 2.0.
    pub algorithms: Option<Vec<String>>,
    /// Seconds that a proof may be old: 300 by default.
    pub past: Option<u64>,
    /// Seconds that a proof may be early: 10 by default.
    pub ahead: Option<u64>,
    /// Demands nonces: their secret, at least 32 octets in base64url, the same in all processes of a server.
    pub nonce_secret: Option<String>,
    /// Demands nonces, of a secret drawn now.
    pub nonce_random: bool,
    /// Seconds of a nonce's step: 60 by default; it is good for its step and the next two.
    pub nonce_step: Option<u64>,
    /// How many proofs are remembered in this process: 262,144 by default.
    pub replay_capacity: Option<usize>,
    /// A `redis://` URL of a Valkey or Redis server that all processes share.
    pub replay_url: Option<String>,
    /// What its keys begin with: `counterfoil:` by default.
    pub replay_prefix: Option<String>,
}

/// How a server is reached over https.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// A PEM file of the authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// A PEM file of the certificate to present.
    pub certificate_file: Option<PathBuf>,
    /// A PEM file of its private key.
    pub key_file: Option<PathBuf>,
    /// Seconds until an answer is given up: 5 by default.
    pub timeout: Option<f64>,
}

impl Gateway {
    /// Makes a gateway from a JSON text with the members of [`Settings`].
    ///
    /// # Errors
    /// What is wrong, and where. No value of a member is repeated.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        read::<Settings>(text)?.builder()?.build()
    }
}

impl ResponseVerifier {
    /// Makes a verifier from a JSON text with the members of [`ResponseSettings`].
    ///
    /// # Errors
    /// As [`Gateway::from_json`].
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        let settings: ResponseSettings = read(text)?;
        let keys = source(settings.jwks, settings.jwks_file, settings.jwks_uri, &settings.tls)?;
        let algorithms = settings.algorithms.map_or_else(|| Ok(FAPI.to_vec()), |names| algorithms(&names))?;
        let mut verifier = Self::new(settings.issuer, settings.client_id, &algorithms, &keys)?;
        if let Some(leeway) = settings.leeway {
            verifier = verifier.with_leeway(Seconds(leeway));
        }
        match settings.patience {
            Some(seconds) => Ok(verifier.with_patience(duration(seconds, "patience")?)),
            None => Ok(verifier),
        }
    }
}

fn read<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, ConfigError> {
    serde_json::from_str(text).map_err(|error| malformed(&told(&error)))
}

/// serde_json's words without the values that it met, which may be secrets.
fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.find("invalid type: ").or_else(|| text.find("invalid value: ")) {
        Some(_) => text.find("expected ").map_or_else(|| "a value of another type".to_owned(), |place| text[place..].to_owned()),
        None => text,
    }
}

impl Settings {
    /// A builder that has been told all of this.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn builder(self) -> Result<Builder, ConfigError> {
        let mut builder = self.dpop.told(Gateway::builder())?;
        for issuer in self.issuers {
            builder = builder.issuer(issuer.issuer()?);
        }
        if let Some(realm) = self.realm {
            builder = builder.realm(realm);
        }
        if let Some(split) = self.split {
            builder = split.told(builder)?;
        }
        if let Some(feed) = self.feed {
            builder = feed.told(builder)?;
        }
        if let Some(introspection) = self.introspection {
            builder = introspection.told(builder)?;
        }
        if self.only_references {
            builder = builder.only_references();
        }
        if let Some(tokens) = self.token_cache {
            builder = builder.token_cache(tokens);
        }
        if let Some(keys) = self.key_tables {
            builder = builder.key_tables(keys);
        }
        match self.patience {
            Some(seconds) => Ok(builder.patience(duration(seconds, "patience")?)),
            None => Ok(builder),
        }
    }
}

impl IssuerSettings {
    fn issuer(self) -> Result<Issuer, ConfigError> {
        let name = self.issuer.clone();
        let about = |error: Error| ConfigError::new(error, name.clone());
        let mut audiences = match self.audience {
            Words::One(audience) => vec![audience],
            Words::Several(audiences) => audiences,
        }
        .into_iter();
        let keys = source(self.jwks, self.jwks_file, self.jwks_uri, &self.tls);
        let keys = keys.map_err(|error| error.of(&name))?;
        let mut issuer = Issuer::new(self.issuer, audiences.next().unwrap_or_default(), keys).map_err(about)?;
        for audience in audiences {
            issuer = issuer.also_for(audience).map_err(about)?;
        }
        if let Some(names) = self.algorithms {
            issuer = issuer.with_algorithms(&algorithms(&names)?).map_err(about)?;
        }
        if self.types.is_some() || self.required_claims.is_some() {
            let types = self.types.unwrap_or_else(|| vec![Some("at+jwt".to_owned())]);
            issuer = issuer.with_profile(types, self.required_claims.unwrap_or_default()).map_err(about)?;
        }
        if let Some(binding) = self.binding {
            issuer = issuer.with_binding(binding_of(&binding)?);
        }
        if let Some(leeway) = self.leeway {
            issuer = issuer.with_leeway(Seconds(leeway));
        }
        if self.max_token_bytes.is_some() || self.max_header_bytes.is_some() {
            let (token, header) = (Limits::DEFAULT.token(), Limits::DEFAULT.header());
            let limits = Limits::new(self.max_token_bytes.unwrap_or(token), self.max_header_bytes.unwrap_or(header));
            issuer = issuer.with_limits(limits.map_err(about)?);
        }
        if let Some(bytes) = self.key_memory {
            issuer = issuer.with_key_memory(bytes);
        }
        let issuer = issuer.demanding_scopes(self.scopes).map_err(about)?;
        issuer.demanding_authentication(self.acr_values, self.max_age.map(Seconds)).map_err(about)
    }
}

impl ProofSettings {
    fn told(self, mut builder: Builder) -> Result<Builder, ConfigError> {
        if let Some(names) = self.algorithms {
            builder = builder.proof_algorithms(&algorithms(&names)?);
        }
        builder = builder.proof_window(Seconds(self.past.unwrap_or(300)), Seconds(self.ahead.unwrap_or(10)));
        let step = Seconds(self.nonce_step.unwrap_or(60));
        builder = match (self.nonce_secret, self.nonce_random) {
            (Some(_), true) => return Err(malformed("dpop: one of nonce_secret and nonce_random")),
            (Some(secret), false) => {
                let secret = Base64UrlUnpadded::decode_vec(&secret).map_err(|_| malformed("dpop: nonce_secret is not base64url"))?;
                builder.nonce_key(NonceKey::new(&secret, step)?)
            }
            (None, true) => builder.random_nonce_key(step),
            (None, false) => builder,
        };
        if let Some(proofs) = self.replay_capacity {
            builder = builder.replay_capacity(proofs);
        }
        match self.replay_url {
            Some(url) => Ok(builder.replay_store(Arc::new(lookup::redis(&url, self.replay_prefix)?))),
            None => Ok(builder),
        }
    }
}

impl TlsSettings {
    fn transport(&self) -> Result<Transport, ConfigError> {
        let mut transport = Transport::new();
        if let Some(path) = &self.ca_file {
            transport = transport.with_authorities_file(path)?;
        }
        transport = match (&self.certificate_file, &self.key_file) {
            (Some(certificate), Some(key)) => transport.with_identity_files(certificate, key)?,
            (None, None) => transport,
            _ => return Err(malformed("tls: certificate_file and key_file belong together")),
        };
        match self.timeout {
            Some(seconds) => Ok(transport.with_timeout(duration(seconds, "tls: timeout")?)),
            None => Ok(transport),
        }
    }
}

/// Exactly one source of keys.
fn source(jwks: Option<String>, file: Option<PathBuf>, url: Option<String>, tls: &TlsSettings) -> Result<KeySource, ConfigError> {
    Ok(match (jwks, file, url) {
        (Some(text), None, None) => KeySource::Text(text.into_bytes()),
        (None, Some(path), None) => KeySource::File(path),
        (None, None, Some(url)) => KeySource::Url(RemoteKeys::new(&url, &tls.transport()?)?),
        _ => return Err(malformed("exactly one of jwks, jwks_file and jwks_uri")),
    })
}

/// How a counterfoil's key is spelled.
///
/// # Errors
/// [`Error::SettingsMalformed`] for a name that is none of `base64url`, `base64`, `hex` and `raw`.
pub fn key_encoding(name: &str) -> Result<KeyEncoding, ConfigError> {
    Ok(match name {
        "base64url" => KeyEncoding::Base64url,
        "base64" => KeyEncoding::Base64,
        "hex" => KeyEncoding::Hex,
        "raw" => KeyEncoding::Raw,
        _ => return Err(malformed("encoding: one of base64url, base64, hex and raw")),
    })
}

/// The implementations of these algorithms.
///
/// # Errors
/// [`Error::SettingsMalformed`] for a name that is none of them.
pub fn algorithms(names: &[String]) -> Result<Vec<&'static dyn Algorithm>, ConfigError> {
    const ALL: [&dyn Algorithm; 5] = [&ES256, &PS256, &EDDSA, &ED25519, &RS256];
    let find = |name: &String| ALL.into_iter().find(|algorithm| algorithm.name() == name);
    let known = |name| find(name).ok_or_else(|| malformed("algorithms: only ES256, PS256, EdDSA, Ed25519 and RS256 are known"));
    names.iter().map(known).collect()
}

fn binding_of(name: &str) -> Result<Binding, ConfigError> {
    Ok(match name {
        "required" => Binding::Required,
        "mtls" => Binding::Mtls,
        "dpop" => Binding::Dpop,
        "optional" => Binding::Optional,
        _ => return Err(malformed("binding: one of required, mtls, dpop and optional")),
    })
}

fn duration(seconds: f64, about: &str) -> Result<core::time::Duration, ConfigError> {
    core::time::Duration::try_from_secs_f64(seconds).map_err(|_| malformed(&format!("{about}: not a number of seconds")))
}

fn malformed(about: &str) -> ConfigError {
    ConfigError::new(Error::SettingsMalformed, about)
}
