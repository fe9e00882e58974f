//! Where the server remembers things, and where gateways find counterfoils.

use core::fmt::Formatter;
use std::path::{Path, PathBuf};

use counterfoil::oauth::split_token::KeyEncoding;
use serde::Deserialize;

use super::ConfigError;

/// Where the server remembers things: in one of these, and where none is named in the SQLite file `counterfoil.db`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// A SQLite file, made if it is not there.
    pub sqlite: Option<PathBuf>,
    /// A PostgreSQL database.
    pub postgres: Option<DatabaseUrl>,
    /// Authorities in PEM that vouch for the database's certificate. With them the connections are by TLS, without they are not.
    pub postgres_authorities: Option<PathBuf>,
    /// Connections to PostgreSQL at a time.
    pub postgres_connections: usize,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { sqlite: None, postgres: None, postgres_authorities: None, postgres_connections: 16 }
    }
}

impl StoreSettings {
    /// The SQLite file, where that is the store.
    #[must_use]
    pub fn sqlite(&self) -> &Path {
        self.sqlite.as_deref().unwrap_or_else(|| Path::new("counterfoil.db"))
    }

    pub(super) fn judge(&self) -> Result<(), ConfigError> {
        let wrong = |member: &str, what: &str| Err(ConfigError::new(format!("store.{member}"), what));
        match &self.postgres {
            Some(_) if self.sqlite.is_some() => wrong("postgres", "there is sqlite too; only one can be the store"),
            Some(_) if self.postgres_connections == 0 => wrong("postgres_connections", "must not be 0"),
            Some(url) => crate::store::postgres_settings(url.as_str(), self.postgres_authorities.is_some())
                .map_or_else(|what| wrong("postgres", what), |_| Ok(())),
            None if self.postgres_authorities.is_some() => wrong("postgres_authorities", "makes no sense without postgres"),
            None => Ok(()),
        }
    }
}

/// A URL that may hold a password, which `Debug` does not show.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The text, for who connects.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        f.write_str("DatabaseUrl")
    }
}

/// How gateways get counterfoils.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitTokenSettings {
    /// How keys are spelled in the feed and in Valkey or Redis: a request for one counterfoil may spell it either way.
    pub key_encoding: CounterfoilKeyEncoding,
    /// A Valkey or Redis server to which counterfoils are published too: `redis://[user:password@]host[:port][/database]`, or
    /// `redis+unix:///path`. While it does not answer, no split tokens are issued.
    pub redis: Option<DatabaseUrl>,
    /// What keys there begin with.
    pub prefix: String,
}

impl Default for SplitTokenSettings {
    fn default() -> Self {
        Self { key_encoding: CounterfoilKeyEncoding::default(), redis: None, prefix: "counterfoil:".to_owned() }
    }
}

/// How the key of a counterfoil is spelled: it is the SHA-256 of its ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CounterfoilKeyEncoding {
    /// Without padding.
    #[default]
    Base64url,
    /// With padding, as Curity's publishers write it.
    Base64,
}

impl CounterfoilKeyEncoding {
    pub(crate) const fn encoding(self) -> KeyEncoding {
        match self {
            Self::Base64url => KeyEncoding::Base64url,
            Self::Base64 => KeyEncoding::Base64,
        }
    }
}
