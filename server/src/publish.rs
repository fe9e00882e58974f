//! Counterfoils in Valkey or Redis, for gateways that read them there.
//!
//! It does not matter who writes first: a counterfoil is set only where nothing is, and a revocation puts an empty text in its place. Both
//! stay until the token has ended.

use core::time::Duration;
use std::sync::OnceLock;

use counterfoil::UnixTime;
use counterfoil::oauth::split_token::{CounterfoilKey, KeyEncoding};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, FromRedisValue};

use crate::Server;
use crate::config::{ConfigError, SplitTokenSettings};
use crate::error::Refusal;
use crate::secret::Digest;
use crate::store::{Move, PublicationKind, Store, StoreError};

/// How long Valkey or Redis may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often is looked for what other servers have published, and whether what was written is still there.
const PAUSE: Duration = Duration::from_secs(1);
/// How many publications are read at a time.
const MOST: u32 = 1000;

/// Where counterfoils are written.
pub(crate) struct Publisher {
    client: Client,
    connections: OnceLock<ConnectionManager>,
    prefix: String,
    encoding: KeyEncoding,
}

impl Publisher {
    /// `None` where the configuration names no such place.
    pub(crate) fn new(settings: &SplitTokenSettings) -> Result<Option<Self>, ConfigError> {
        let Some(url) = &settings.redis else { return Ok(None) };
        // What is wrong with the URL is not told: it may hold a password.
        let client = Client::open(url.as_str()).map_err(|_| ConfigError::new("split_tokens.redis", "is no redis URL"))?;
        let encoding = settings.key_encoding.encoding();
        Ok(Some(Self { client, connections: OnceLock::new(), prefix: settings.prefix.clone(), encoding }))
    }

    fn key(&self, key: &Digest) -> String {
        format!("{}counterfoil:{}", self.prefix, spelled(key, self.encoding))
    }

    /// Set while what was published is there: who empties the server empties this too.
    fn mark(&self) -> String {
        format!("{}published", self.prefix)
    }

    async fn set(&self, key: &Digest, counterfoil: Option<&str>, expires_at: UnixTime, now: UnixTime) -> Result<(), StoreError> {
        let left = expires_at.0.saturating_sub(now.0).saturating_add(1);
        let mut command = redis::cmd("SET");
        command.arg(self.key(key)).arg(counterfoil.unwrap_or_default()).arg("EX").arg(left);
        if counterfoil.is_some() {
            command.arg("NX");
        }
        self.run::<redis::Value>(&command).await.map(drop)
    }

    async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let away = |error: redis::RedisError| StoreError::Unavailable(format!("Valkey or Redis: {}", error.category()));
        let mut connections = if let Some(connections) = self.connections.get() {
            connections.clone()
        } else {
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(PATIENCE))
                .set_response_timeout(Some(PATIENCE))
                .set_number_of_retries(1);
            let made = ConnectionManager::new_lazy_with_config(self.client.clone(), config).map_err(away)?;
            self.connections.get_or_init(|| made).clone()
        };
        command.query_async(&mut connections).await.map_err(away)
    }
}

impl<S: Store> Server<S> {
    /// Remembers what was issued; a counterfoil is where gateways look for it before this returns. `false` where the grant is gone.
    pub(crate) async fn remember(&self, issued: Move, now: UnixTime) -> Result<bool, Refusal> {
        let split = issued.token.as_ref().zip(issued.counterfoil.clone()).map(|(token, text)| (token.key, token.expires_at, text));
        if !self.store.save_issued(issued, now).await? {
            return Ok(false);
        }
        if let Some((key, expires_at, counterfoil)) = split {
            if let Some(publisher) = &self.publisher {
                publisher.set(&key, Some(&counterfoil), expires_at, now).await?;
            }
            self.published.notify_waiters();
        }
        Ok(true)
    }

    /// Writes to Valkey or Redis, where the configuration has one, what this server and others publish and revoke; until it is dropped.
    pub async fn follow_publications(&self) {
        let Some(publisher) = &self.publisher else { return };
        let mut cursor = 0;
        loop {
            let published = self.published.notified();
            match self.follow_from(publisher, cursor).await {
                Ok(reached) => cursor = reached,
                // What was done twice is as if it was done once.
                Err(error) => tracing::error!(%error, "counterfoils are not published"),
            }
            let _ = tokio::time::timeout(PAUSE, published).await;
        }
    }

    /// What was published after the cursor, or all of it where what was written is gone. Gives the next cursor.
    async fn follow_from(&self, publisher: &Publisher, cursor: u64) -> Result<u64, StoreError> {
        let is_there: bool = publisher.run(redis::cmd("EXISTS").arg(publisher.mark())).await?;
        let mut cursor = if is_there { cursor } else { 0 };
        loop {
            let now = self.now();
            let entries = self.store.publications(cursor, MOST, now).await?;
            for entry in &entries {
                let counterfoil = entry.counterfoil.as_deref().filter(|_| entry.kind == PublicationKind::Publish);
                publisher.set(&entry.key, counterfoil, UnixTime(entry.expires_at), now).await?;
                cursor = entry.cursor;
            }
            if entries.len() < MOST as usize {
                break;
            }
        }
        if !is_there {
            publisher.run::<redis::Value>(redis::cmd("SET").arg(publisher.mark()).arg(1)).await?;
        }
        Ok(cursor)
    }
}

/// A key as its readers spell it.
pub(crate) fn spelled(key: &Digest, encoding: KeyEncoding) -> String {
    let mut out = [0; 64];
    let written =
        CounterfoilKey::parse(key.as_bytes(), KeyEncoding::Raw).and_then(|key| key.encode(encoding, &mut out).map(<[u8]>::to_vec));
    written.ok().and_then(|text| String::from_utf8(text).ok()).unwrap_or_default()
}
