//! Where split and phantom tokens are looked up.

use std::sync::Arc;

use counterfoil::Seconds;
use counterfoil::oauth::split_token::KeyEncoding;
use serde::Deserialize;

use super::{TlsSettings, key_encoding, malformed};
use crate::builder::Builder;
use crate::error::ConfigError;
use crate::feed::Feed;
use crate::lookups::{ClientAuthentication, HttpsCounterfoils, Introspection, IntrospectionFormat};
use crate::redis::RedisStore;

/// A store of counterfoils: [`HttpsCounterfoils`] below an https URL, or [`RedisStore`] at a `redis://` URL.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterfoilSettings {
    /// Where; the query of an https URL stands behind every key.
    pub url: String,
    /// How keys are spelled: `base64url` (the default), `base64` or `hex`.
    #[serde(default)]
    pub encoding: Option<String>,
    /// Seconds for which a counterfoil that was found is not looked up again: so long may a revoked one go on being accepted. 0 by default.
    #[serde(default)]
    pub fresh: u64,
    /// https: the bearer token that proves who asks.
    #[serde(default)]
    pub bearer: Option<String>,
    /// https: how the server is reached.
    #[serde(default)]
    pub tls: TlsSettings,
    /// redis: what keys begin with, `counterfoil:` by default.
    #[serde(default)]
    pub prefix: Option<String>,
}

/// An introspection endpoint: [`Introspection`].
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntrospectionSettings {
    /// The issuer whose endpoint it is, one of those that are trusted.
    pub issuer: String,
    /// The endpoint.
    pub url: String,
    /// `json` (RFC 7662, the default), `signed` (RFC 9701) or `jwt` (`application/jwt`).
    #[serde(default)]
    pub format: Option<String>,
    /// signed: the `aud` of answers; by default `client_id`.
    #[serde(default)]
    pub audience: Option<String>,
    /// The client identifier by which this service asks.
    pub client_id: String,
    /// Its secret; without one, it proves itself by the certificate of `tls`.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// Seconds for which an active answer is believed: so long may a revoked token go on being accepted. 0 by default.
    #[serde(default)]
    pub active: u64,
    /// Seconds for which an inactive answer is believed. 0 by default.
    #[serde(default)]
    pub inactive: u64,
    /// How the server is reached.
    #[serde(default)]
    pub tls: TlsSettings,
}

/// The feed of an issuer: [`Feed`].
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedSettings {
    /// Where, with the query that says who asks.
    pub url: String,
    /// How keys are spelled: `base64url` (the default), `base64` or `hex`.
    #[serde(default)]
    pub encoding: Option<String>,
    /// How the issuer is reached.
    #[serde(default)]
    pub tls: TlsSettings,
}

impl FeedSettings {
    pub(super) fn told(self, builder: Builder) -> Result<Builder, ConfigError> {
        let encoding = key_encoding(self.encoding.as_deref().unwrap_or("base64url"))?;
        Ok(builder.feed(Feed::new(&self.url, &self.tls.transport()?)?.with_encoding(encoding)))
    }
}

impl CounterfoilSettings {
    pub(super) fn told(self, builder: Builder) -> Result<Builder, ConfigError> {
        let encoding = match key_encoding(self.encoding.as_deref().unwrap_or("base64url"))? {
            KeyEncoding::Raw => return Err(malformed("split: encoding is one of base64url, base64 and hex")),
            encoding => encoding,
        };
        let fresh = Seconds(self.fresh);
        if !self.url.starts_with("https:") {
            let store = redis(&self.url, self.prefix)?.with_encoding(encoding);
            return Ok(builder.counterfoils(Arc::new(store), fresh));
        }
        let store = HttpsCounterfoils::new(&self.url, &self.tls.transport()?)?.with_encoding(encoding);
        let store = match &self.bearer {
            Some(bearer) => store.with_bearer(bearer),
            None => store,
        };
        Ok(builder.counterfoils(Arc::new(store), fresh))
    }
}

impl IntrospectionSettings {
    pub(super) fn told(self, builder: Builder) -> Result<Builder, ConfigError> {
        let format = match self.format.as_deref() {
            None | Some("json") => IntrospectionFormat::Json,
            Some("signed") => IntrospectionFormat::SignedJson { audience: self.audience.unwrap_or_else(|| self.client_id.clone()) },
            Some("jwt") => IntrospectionFormat::Jwt,
            Some(_) => return Err(malformed("introspection: format is one of json, signed and jwt")),
        };
        let client = match self.client_secret {
            Some(secret) => ClientAuthentication::Basic { client_id: self.client_id, secret },
            None => ClientAuthentication::Certificate { client_id: self.client_id },
        };
        let endpoint = Introspection::new(&self.url, format, &client, &self.tls.transport()?)?;
        Ok(builder.introspection(self.issuer, endpoint.remembering(Seconds(self.active), Seconds(self.inactive))))
    }
}

pub(super) fn redis(url: &str, prefix: Option<String>) -> Result<RedisStore, ConfigError> {
    let store = RedisStore::new(url)?;
    Ok(match prefix {
        Some(prefix) => store.with_prefix(prefix),
        None => store,
    })
}
