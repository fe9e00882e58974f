//! Connections to PostgreSQL: how long anybody waits, what is tried again, and the migrations.

use core::str::FromStr as _;
use core::time::Duration;
use std::path::Path;
use std::sync::Arc;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, FromSqlOwned, ToSql};
use tokio_postgres::{Config, Error, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Answer, StoreError};

/// How long a move waits for a connection. With the rest of what it does then, a database that is away is known within a second.
pub(super) const PATIENCE: Duration = Duration::from_millis(900);
/// How long a statement may take. A connection that kept somebody waiting so long is given up.
const LONGEST: Duration = Duration::from_secs(5);
/// How often a move is tried that others were in the way of. Each is one transaction, so a failed one has left nothing behind.
const TRIES: usize = 8;
/// The migrations, in order. How many of them a database has had is in its table `schema_version`.
const MIGRATIONS: [&str; 2] = [include_str!("../../migrations/0001_first.sql"), include_str!("../../migrations/0001_postgres.sql")];

/// What a statement is given.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Why an attempt failed.
enum Failure {
    /// Another move was in the way; the next attempt sees what it did.
    Raced(String),
    /// What was to be inserted is there already; nothing was.
    Taken,
    Final(StoreError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        // The detail of a message may hold values; it is left out.
        let cause = error.as_db_error().map_or_else(|| error.to_string(), |error| format!("{} ({})", error.message(), error.code().code()));
        match error.code() {
            // Moves divide by zero to undo themselves where half of what they had to use up was used by others in the same moment.
            Some(&SqlState::DIVISION_BY_ZERO | &SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED) => {
                Self::Raced(cause)
            }
            Some(&SqlState::UNIQUE_VIOLATION) => Self::Taken,
            Some(&SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED) => Self::Final(StoreError::Corrupt(cause)),
            _ => Self::Final(StoreError::Unavailable(cause)),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Raced(cause) => Self::Unavailable(cause),
            Failure::Taken => Self::Unavailable("what was to be inserted is there already".to_owned()),
            Failure::Final(error) => error,
        }
    }
}

/// A database, by a pool of connections.
#[derive(Debug)]
pub(super) struct Database {
    pool: Pool,
}

impl Database {
    pub(super) async fn open(url: &str, authorities: Option<&Path>, connections: usize) -> Answer<Self> {
        let wrong = |cause: String| StoreError::Unavailable(cause);
        let mut config = settings(url, authorities.is_some()).map_err(|cause| wrong(cause.to_owned()))?;
        config.connect_timeout(PATIENCE).tcp_user_timeout(LONGEST).application_name("counterfoil");
        if let (None, Ok(password)) = (config.get_password(), std::env::var("PGPASSWORD")) {
            config.password(password);
        }
        let manager = Manager::from_config(config, tls(authorities)?, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let pool = Pool::builder(manager).max_size(connections).build().map_err(|error| wrong(error.to_string()))?;
        let database = Self { pool };
        repeated(|| database.set_up()).await?;
        Ok(database)
    }

    /// The rows that a statement brings.
    pub(super) async fn rows(&self, statement: &str, values: Values<'_>) -> Answer<Vec<Row>> {
        repeated(|| self.attempt(statement, values)).await
    }

    /// The row that a statement brings, if it brings one.
    pub(super) async fn row(&self, statement: &str, values: Values<'_>) -> Answer<Option<Row>> {
        Ok(self.rows(statement, values).await?.into_iter().next())
    }

    /// A statement that inserts all or, where some of it is there already, nothing; whether it did.
    pub(super) async fn inserts(&self, statement: &str, values: Values<'_>) -> Answer<bool> {
        repeated(|| async {
            match self.attempt(statement, values).await {
                Ok(_) => Ok(true),
                Err(Failure::Taken) => Ok(false),
                Err(failure) => Err(failure),
            }
        })
        .await
    }

    /// Two statements in one transaction: the second one sees all that was committed when the first one had its locks.
    /// It is given what the first one brings as `passed`, and `also`; the first one's row is returned.
    pub(super) async fn in_turn<P: FromSqlOwned + ToSql + Sync>(
        &self,
        first: &str,
        values: Values<'_>,
        second: &str,
        also: i64,
    ) -> Answer<Row> {
        repeated(|| self.attempt_in_turn::<P>(first, values, second, also)).await
    }

    async fn attempt(&self, statement: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let connection = self.connection().await?;
        let done = timeout(LONGEST, async {
            let statement = connection.prepare_cached(statement).await?;
            connection.query(&statement, values).await
        });
        let Ok(done) = done.await else { return Err(given_up(connection)) };
        Ok(done?)
    }

    async fn attempt_in_turn<P: FromSqlOwned + ToSql + Sync>(
        &self,
        first: &str,
        values: Values<'_>,
        second: &str,
        also: i64,
    ) -> Result<Row, Failure> {
        let mut connection = self.connection().await?;
        let done = timeout(LONGEST, async {
            let transaction = connection.transaction().await?;
            let statement = transaction.prepare_cached(first).await?;
            let row = transaction.query_one(&statement, values).await?;
            let passed: P = column(&row, "passed").map_err(Failure::Final)?;
            let statement = transaction.prepare_cached(second).await?;
            transaction.execute(&statement, &[&passed, &also]).await?;
            transaction.commit().await?;
            Ok(row)
        });
        let Ok(done) = done.await else { return Err(given_up(connection)) };
        done
    }

    async fn connection(&self) -> Result<Object, Failure> {
        let unavailable = |cause: String| Failure::Final(StoreError::Unavailable(cause));
        match timeout(PATIENCE, self.pool.get()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(unavailable(error.to_string())),
            Err(_) => Err(unavailable("no connection to the database is free".to_owned())),
        }
    }

    /// Makes what is missing. Who finds the version's row locked by another server waits, and finds the work done.
    async fn set_up(&self) -> Result<(), Failure> {
        let mut connection = self.connection().await?;
        // Looks before it makes: who may make nothing can still start where nothing is missing.
        match connection.query_one("SELECT version FROM schema_version", &[]).await {
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => make_version(&connection).await?,
            found => drop(found?),
        }
        let transaction = connection.transaction().await?;
        let row = transaction.query_one("SELECT version FROM schema_version FOR UPDATE", &[]).await?;
        let version: i64 = column(&row, "version").map_err(Failure::Final)?;
        let Some(missing) = usize::try_from(version).ok().and_then(|version| MIGRATIONS.get(version..)) else {
            let cause = format!("the database has version {version}, which is newer than this program");
            return Err(Failure::Final(StoreError::Unavailable(cause)));
        };
        for migration in missing {
            transaction.batch_execute(&migration.replace("@growing_key@", "BIGSERIAL PRIMARY KEY")).await?;
        }
        if !missing.is_empty() {
            let version = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
            transaction.execute("UPDATE schema_version SET version = $1", &[&version]).await?;
        }
        Ok(transaction.commit().await?)
    }
}

async fn make_version(connection: &Object) -> Result<(), Failure> {
    let statements = "CREATE TABLE IF NOT EXISTS schema_version (one BIGINT PRIMARY KEY, version BIGINT NOT NULL);
         INSERT INTO schema_version (one, version) VALUES (1, 0) ON CONFLICT (one) DO NOTHING";
    match connection.batch_execute(statements).await {
        // IF NOT EXISTS does not help those who make it in the same moment.
        Err(error)
            if matches!(error.code(), Some(&SqlState::UNIQUE_VIOLATION | &SqlState::DUPLICATE_TABLE | &SqlState::DUPLICATE_OBJECT)) =>
        {
            Err(Failure::Raced(error.to_string()))
        }
        made => Ok(made?),
    }
}

/// Reads a URL as libpq has them. With authorities the connection is by TLS and to whom the URL names, without it is by neither.
pub(crate) fn settings(url: &str, has_authorities: bool) -> Result<Config, &'static str> {
    // The parser's own message may hold the password.
    let mut config = Config::from_str(url).map_err(|_| "must be a URL such as postgresql://user@host/database")?;
    match (config.get_ssl_mode(), has_authorities) {
        (SslMode::Disable, true) => return Err("sslmode=disable makes no sense with postgres_authorities"),
        (SslMode::Require, false) => return Err("sslmode=require needs postgres_authorities"),
        (_, true) => config.ssl_mode(SslMode::Require),
        (_, false) => config.ssl_mode(SslMode::Disable),
    };
    Ok(config)
}

fn tls(authorities: Option<&Path>) -> Answer<MakeRustlsConnect> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = authorities {
        let wrong = |cause: String| StoreError::Unavailable(format!("{}: {cause}", file.display()));
        let found = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        for certificate in found.map_err(|error| wrong(error.to_string()))? {
            roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
    }
    // With named parts, so that no process-wide choice of a provider is made or needed.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(MakeRustlsConnect::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// Another move is not in the way for ever.
async fn repeated<T, F: Future<Output = Result<T, Failure>>>(attempt: impl Fn() -> F) -> Answer<T> {
    for _ in 1..TRIES {
        match attempt().await {
            Err(Failure::Raced(_)) => {}
            done => return Ok(done?),
        }
    }
    Ok(attempt().await?)
}

/// What the connection still waits for must not be the next one's answer.
fn given_up(connection: Object) -> Failure {
    drop(Object::take(connection));
    Failure::Final(StoreError::Unavailable("the database takes too long".to_owned()))
}

/// A column of a row.
pub(super) fn column<'a, T: FromSql<'a>>(row: &'a Row, name: &str) -> Answer<T> {
    row.try_get(name).map_err(|error| StoreError::Corrupt(format!("{name}: {error}")))
}
