//! Valkey or Redis: used proofs and counterfoils that all processes share.

use core::time::Duration;
use std::sync::Mutex;

use counterfoil::oauth::replay::ProofId;
use counterfoil::oauth::split_token::{CounterfoilKey, KeyEncoding};
use counterfoil::wire::base64url;
use counterfoil::{Error, UnixTime};
use redis::{Client, Cmd, Connection, FromRedisValue};

use crate::error::ConfigError;
use crate::lookups::{CounterfoilStore, Lookup};
use crate::memory::{SharedReplayStore, locked};

/// A Valkey or Redis server (6.2 or later in the tests), reached by a few connections that are kept.
///
/// Used proofs are `{prefix}dpop:{hash}` keys with an expiry, taken by one `SET NX`. Counterfoils are `{prefix}counterfoil:{key}` strings, which
/// the issuer sets with an expiry, and to revoke deletes or puts an empty text in the place of. Where the server does not answer, requests are
/// answered with 503.
pub struct RedisStore {
    client: Client,
    prefix: String,
    encoding: KeyEncoding,
    timeout: Duration,
    idle: Mutex<Vec<Connection>>,
}

/// How many connections are kept when nobody uses them.
const MOST_IDLE: usize = 16;

impl RedisStore {
    /// Connects when it is first needed. `url` is `redis://[user:password@]host[:port][/database]` or `redis+unix:///path`; keys begin with
    /// `counterfoil:` and counterfoils are spelled in base64url; a server that has not answered after a second is away.
    ///
    /// # Errors
    /// [`Error::AddressMalformed`].
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        // What is wrong with the URL is not told: it may hold a password.
        let client = Client::open(url).map_err(|_| ConfigError::new(Error::AddressMalformed, "not a redis URL"))?;
        Ok(Self {
            client,
            prefix: "counterfoil:".into(),
            encoding: KeyEncoding::Base64url,
            timeout: Duration::from_secs(1),
            idle: Mutex::default(),
        })
    }

    /// Begins keys otherwise.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Spells the keys of counterfoils otherwise.
    #[must_use]
    pub const fn with_encoding(mut self, encoding: KeyEncoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Gives up after another time than a second.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs a command on a kept connection, or once more on a new one: the server may have closed what was kept. A command that was carried out
    /// twice can only refuse: the second `SET NX` finds the key of the first.
    fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        let kept = locked(&self.idle).pop();
        if let Some(value) = kept.and_then(|connection| self.run_on(connection, command)) {
            return Ok(value);
        }
        let connection = self.connect().ok_or(Error::LookupUnavailable)?;
        self.run_on(connection, command).ok_or(Error::LookupUnavailable)
    }

    /// A connection on which anything went wrong is not used again.
    fn run_on<T: FromRedisValue>(&self, mut connection: Connection, command: &Cmd) -> Option<T> {
        let value = command.query(&mut connection).ok()?;
        let mut idle = locked(&self.idle);
        if idle.len() < MOST_IDLE {
            idle.push(connection);
        }
        Some(value)
    }

    fn connect(&self) -> Option<Connection> {
        let connection = self.client.get_connection_with_timeout(self.timeout).ok()?;
        connection.set_read_timeout(Some(self.timeout)).ok()?;
        connection.set_write_timeout(Some(self.timeout)).ok()?;
        Some(connection)
    }
}

impl SharedReplayStore for RedisStore {
    fn first_use(&self, id: &ProofId, until: UnixTime, now: UnixTime) -> Result<bool, Error> {
        if until < now {
            return Err(Error::ProofIssuedAt);
        }
        let hash = base64url::encode_32(id.as_bytes());
        let key = [self.prefix.as_bytes(), b"dpop:", &hash].concat();
        // Through the last second, and one more for the server's clock having begun its second earlier.
        let seconds = until.0 - now.0 + 2;
        let mut command = redis::cmd("SET");
        command.arg(key).arg(1).arg("NX").arg("EX").arg(seconds);
        self.run::<Option<String>>(&command).map(|set| set.is_some())
    }
}

impl CounterfoilStore for RedisStore {
    fn find(&self, key: &CounterfoilKey) -> Result<Lookup, Error> {
        let mut encoded = [0; 64];
        let key = [self.prefix.as_bytes(), b"counterfoil:", key.encode(self.encoding, &mut encoded)?].concat();
        let mut command = redis::cmd("GET");
        command.arg(key);
        Ok(match self.run::<Option<Vec<u8>>>(&command)? {
            None => Lookup::Unknown,
            Some(text) if text.is_empty() => Lookup::Revoked,
            Some(text) => Lookup::Found(text),
        })
    }
}

impl core::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("RedisStore")
    }
}
