//! SQLite: for one machine. One thread writes; whatever waits for it is committed together, with one flush to the disk.

mod appended;
mod backchannel;
mod writer;

use core::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use counterfoil::UnixTime;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use self::appended::Appended;
use self::writer::{Desk, Job, checkpoint, run, set_up};
use super::{
    Answer, AuthorizationCode, BackchannelRequest, Grant, IssuedToken, Move, NewCode, Poll, Polled, Publication, PublicationKind,
    PushedRequest, Redeemed, Session, Standing, Store, StoreError, StoredClient, Use, User,
};
use crate::secret::Digest;

/// How many moves may wait; more are refused, so that a slow disk is no growing queue.
const WAITING: usize = 1024;
/// A store in one SQLite file. Others on the same machine, such as the command line, may use it too.
#[derive(Debug)]
pub struct Sqlite {
    jobs: SyncSender<Job>,
    /// While it is there, the thread that moves the log into the database goes on.
    _open: Arc<()>,
}

impl Sqlite {
    /// Opens the file, creates what is missing in it, and starts the thread that writes.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file cannot be opened or is newer than this program;
    /// [`StoreError::Corrupt`] when it is damaged.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path).map_err(failed)?;
        let store = Self::start(connection)?;
        let (beside, open) = (Connection::open(path).map_err(failed)?, Arc::downgrade(&store._open));
        let thread = std::thread::Builder::new().name("counterfoil-checkpoint".into());
        thread.spawn(move || checkpoint(&beside, &open)).map_err(|error| StoreError::Unavailable(format!("no thread: {error}")))?;
        Ok(store)
    }

    /// A store that ends with the process: for tests.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::start(Connection::open_in_memory().map_err(failed)?)
    }

    fn start(mut connection: Connection) -> Result<Self, StoreError> {
        set_up(&mut connection)?;
        let (jobs, waiting) = sync_channel(WAITING);
        let thread = std::thread::Builder::new().name("counterfoil-sqlite".into());
        let desk = Desk::new(connection);
        thread.spawn(move || run(&desk, &waiting)).map_err(|error| StoreError::Unavailable(format!("no thread: {error}")))?;
        Ok(Self { jobs, _open: Arc::default() })
    }

    /// Has `work` done by the thread that writes. It is done as a whole or not at all: a move looks at what may refuse it before it writes
    /// anything; one that fails after it has written is undone with all that shares its transaction.
    async fn make<T: Send + 'static>(&self, work: impl FnOnce(&Desk) -> Answer<T> + Send + 'static) -> Answer<T> {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let before = connection.total_changes();
            let done = work(connection);
            // SQLite itself ends a transaction whose disk is full.
            let is_whole = (done.is_ok() || connection.total_changes() == before) && !connection.is_autocommit();
            let tell = move |committed: Result<(), StoreError>| {
                // Who asked may have gone away.
                let _ = tell.send(done.and_then(|value| committed.map(|()| value)));
            };
            (is_whole, Box::new(tell))
        });
        self.jobs.try_send(job).map_err(|_| StoreError::Unavailable("too many moves wait for the disk".to_owned()))?;
        told.await.map_err(|_| StoreError::Unavailable("the database takes no moves".to_owned()))?
    }
}

fn failed(error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    match error.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => StoreError::Corrupt(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}

fn execute(connection: &Connection, statement: &str, values: &[&dyn ToSql]) -> Answer<usize> {
    connection.prepare_cached(statement).and_then(|mut statement| statement.execute(values)).map_err(failed)
}

/// The row that a statement brings, if it brings one.
fn row<T>(
    connection: &Connection,
    statement: &str,
    values: &[&dyn ToSql],
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Answer<Option<T>> {
    let mut statement = connection.prepare_cached(statement).map_err(failed)?;
    statement.query_row(values, read).optional().map_err(failed)
}

fn rows<T>(
    connection: &Connection,
    statement: &str,
    values: &[&dyn ToSql],
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Answer<Vec<T>> {
    let mut statement = connection.prepare_cached(statement).map_err(failed)?;
    let found = statement.query_map(values, read).map_err(failed)?;
    found.collect::<Result<_, _>>().map_err(failed)
}

/// The first column of the row, as the record that it holds.
fn record<T: DeserializeOwned>(connection: &Connection, statement: &str, values: &[&dyn ToSql]) -> Answer<Option<T>> {
    let body: Option<String> = row(connection, statement, values, |row| row.get(0))?;
    body.as_deref().map(read).transpose()
}

fn read<T: DeserializeOwned>(body: &str) -> Answer<T> {
    serde_json::from_str(body).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn written(record: &impl Serialize) -> Answer<String> {
    serde_json::to_string(record).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

fn bytes(key: &Digest) -> &[u8] {
    key.as_bytes()
}

/// Uses up all of it or, where one was used before, nothing. What has expired and was not swept yet is not in the way: what it stood for is
/// refused for its age.
fn spend(desk: &Desk, uses: &[Use], now: UnixTime) -> Answer<()> {
    let mut used = desk.used.borrow_mut();
    if let Some(again) = uses.iter().find(|again| used.holds(again.key.as_bytes(), now)) {
        return Err(StoreError::Replayed(again.kind));
    }
    for fresh in uses {
        used.add(desk, "INSERT INTO used (key, expires_at) VALUES (?1, ?2)", *fresh.key.as_bytes(), fresh.until, &[])?;
    }
    Ok(())
}

fn take_request(desk: &Desk, key: &Digest, now: UnixTime) -> Answer<bool> {
    let Some(id) = desk.pushed.borrow().find(key.as_bytes()) else { return Ok(false) };
    Ok(execute(desk, "DELETE FROM pushed_request WHERE id = ?1 AND expires_at > ?2", params![id, seconds(now)])? == 1)
}

fn revoke_grant(connection: &Connection, id: &str, now: UnixTime) -> Answer<()> {
    let now = seconds(now);
    execute(connection, "UPDATE consent SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL", params![id, now])?;
    execute(connection, "DELETE FROM refresh_token WHERE grant_id = ?1", params![id])?;
    execute(
        connection,
        "INSERT INTO publication (kind, key, expires_at)
         SELECT 'revoke', key, expires_at FROM access_token WHERE grant_id = ?1 AND revoked_at IS NULL AND expires_at > ?2",
        params![id, now],
    )?;
    execute(connection, "UPDATE access_token SET revoked_at = ?2 WHERE grant_id = ?1 AND revoked_at IS NULL", params![id, now])?;
    Ok(())
}

fn save_grant(connection: &Connection, grant: &Grant) -> Answer<()> {
    execute(
        connection,
        "INSERT INTO consent (id, client_id, subject, body, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (id) DO UPDATE SET body = ?4, expires_at = ?5",
        params![grant.id, grant.client_id, grant.subject, written(grant)?, seconds(UnixTime(grant.expires_at))],
    )
    .map(drop)
}

fn live_grant(connection: &Connection, id: &str, now: UnixTime) -> Answer<Option<Grant>> {
    record(connection, "SELECT body FROM consent WHERE id = ?1 AND revoked_at IS NULL AND expires_at > ?2", params![id, seconds(now)])
}

fn save_issued(connection: &Desk, issued: &Move, now: UnixTime) -> Answer<bool> {
    spend(connection, &issued.uses, now)?;
    let Some(token) = &issued.token else { return Ok(true) };
    if let Some(grant) = &token.grant_id
        && live_grant(connection, grant, now)?.is_none()
    {
        return Ok(false);
    }
    let expires_at = seconds(token.expires_at);
    execute(
        connection,
        "INSERT INTO access_token (key, client_id, grant_id, claims, counterfoil, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![bytes(&token.key), token.client_id, token.grant_id, token.claims, issued.counterfoil, expires_at],
    )?;
    if let Some(counterfoil) = &issued.counterfoil {
        execute(
            connection,
            "INSERT INTO publication (kind, key, counterfoil, expires_at) VALUES ('publish', ?1, ?2, ?3)",
            params![bytes(&token.key), counterfoil, expires_at],
        )?;
    }
    if let Some((key, expires_at)) = &issued.refresh {
        execute(
            connection,
            "INSERT INTO refresh_token (key, client_id, grant_id, expires_at) VALUES (?1, ?2, ?3, ?4)",
            params![bytes(key), token.client_id, token.grant_id, seconds(*expires_at)],
        )?;
    }
    Ok(true)
}

fn publication(row: &Row<'_>) -> rusqlite::Result<Publication> {
    let (kind, key): (String, [u8; 32]) = (row.get(1)?, row.get(2)?);
    Ok(Publication {
        cursor: row.get::<_, i64>(0)?.cast_unsigned(),
        kind: if kind == "publish" { PublicationKind::Publish } else { PublicationKind::Revoke },
        key: Digest::from_bytes(key),
        counterfoil: row.get(3)?,
        expires_at: row.get::<_, i64>(4)?.cast_unsigned(),
    })
}

impl Store for Sqlite {
    async fn spend(&self, uses: Vec<Use>, now: UnixTime) -> Answer<()> {
        self.make(move |connection| spend(connection, &uses, now)).await
    }

    async fn push_request(&self, key: Digest, request: PushedRequest, uses: Vec<Use>, now: UnixTime) -> Answer<()> {
        let body = written(&request)?;
        self.make(move |desk| {
            const PUSH: &str = "INSERT INTO pushed_request (key, expires_at, body) VALUES (?1, ?2, ?3)";
            spend(desk, &uses, now)?;
            desk.pushed.borrow_mut().add(desk, PUSH, *key.as_bytes(), UnixTime(request.expires_at), params![body])
        })
        .await
    }

    async fn request(&self, key: Digest, now: UnixTime) -> Answer<Option<PushedRequest>> {
        self.make(move |desk| {
            let Some(id) = desk.pushed.borrow().find(key.as_bytes()) else { return Ok(None) };
            record(desk, "SELECT body FROM pushed_request WHERE id = ?1 AND expires_at > ?2", params![id, seconds(now)])
        })
        .await
    }

    async fn take_request(&self, key: Digest, now: UnixTime) -> Answer<bool> {
        self.make(move |connection| take_request(connection, &key, now)).await
    }

    async fn approve_request(&self, key: Digest, code: NewCode, now: UnixTime) -> Answer<bool> {
        let body = written(&code.code)?;
        self.make(move |connection| {
            if !take_request(connection, &key, now)? {
                return Ok(false);
            }
            let grant = &code.code.grant;
            save_grant(connection, grant)?;
            execute(
                connection,
                "INSERT INTO code (key, grant_id, body, good_until, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![bytes(&code.key), grant.id, body, seconds(code.expires_at), seconds(code.remembered_until)],
            )?;
            Ok(true)
        })
        .await
    }

    async fn begin_backchannel(
        &self,
        key: Digest,
        request: BackchannelRequest,
        interval: u64,
        most: u32,
        uses: Vec<Use>,
        now: UnixTime,
    ) -> Answer<bool> {
        self.make(move |desk| backchannel::begin(desk, &key, &request, (interval, most), &uses, now)).await
    }

    async fn backchannel_request(&self, key: Digest, now: UnixTime) -> Answer<Option<BackchannelRequest>> {
        self.make(move |desk| backchannel::find(desk, &key, now)).await
    }

    async fn backchannel_requests(&self, subject: String, now: UnixTime) -> Answer<Vec<(Digest, BackchannelRequest)>> {
        self.make(move |desk| backchannel::of_person(desk, &subject, now)).await
    }

    async fn decide_backchannel(&self, key: Digest, grant: Option<Grant>, now: UnixTime) -> Answer<bool> {
        self.make(move |desk| backchannel::decide(desk, &key, grant.as_ref(), now)).await
    }

    async fn poll_backchannel(&self, key: Digest, poll: Poll, now: UnixTime) -> Answer<Polled> {
        self.make(move |desk| backchannel::poll(desk, &key, &poll, now)).await
    }

    async fn redeem_code(&self, key: Digest, uses: Vec<Use>, now: UnixTime) -> Answer<Redeemed> {
        self.make(move |connection| {
            spend(connection, &uses, now)?;
            let first: Option<AuthorizationCode> = record(
                connection,
                "UPDATE code SET redeemed_at = ?2 WHERE key = ?1 AND redeemed_at IS NULL AND good_until > ?2 RETURNING body",
                params![bytes(&key), seconds(now)],
            )?;
            if let Some(code) = first {
                return Ok(Redeemed::First(Box::new(code)));
            }
            let statement = "SELECT grant_id FROM code WHERE key = ?1 AND redeemed_at IS NOT NULL";
            match row(connection, statement, params![bytes(&key)], |row| row.get::<_, String>(0))? {
                Some(grant) => {
                    revoke_grant(connection, &grant, now)?;
                    Ok(Redeemed::Replayed(grant))
                }
                None => Ok(Redeemed::Unknown),
            }
        })
        .await
    }

    async fn refresh(&self, key: Digest, uses: Vec<Use>, now: UnixTime) -> Answer<Option<Grant>> {
        self.make(move |connection| {
            spend(connection, &uses, now)?;
            record(
                connection,
                "SELECT consent.body FROM refresh_token JOIN consent ON consent.id = refresh_token.grant_id
                 WHERE refresh_token.key = ?1 AND refresh_token.expires_at > ?2 AND consent.revoked_at IS NULL AND consent.expires_at > ?2",
                params![bytes(&key), seconds(now)],
            )
        })
        .await
    }

    async fn save_issued(&self, issued: Move, now: UnixTime) -> Answer<bool> {
        self.make(move |connection| save_issued(connection, &issued, now)).await
    }

    async fn standing(&self, key: Digest, now: UnixTime) -> Answer<Standing> {
        self.make(move |connection| {
            let found = row(
                connection,
                "SELECT access_token.claims, access_token.counterfoil, access_token.revoked_at IS NOT NULL,
                    access_token.grant_id IS NOT NULL AND NOT EXISTS
                        (SELECT 1 FROM consent WHERE consent.id = access_token.grant_id AND consent.revoked_at IS NULL),
                    access_token.grant_id
                 FROM access_token WHERE access_token.key = ?1 AND access_token.expires_at > ?2",
                params![bytes(&key), seconds(now)],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(4)?, row.get::<_, bool>(2)? || row.get::<_, bool>(3)?)),
            )?;
            Ok(match found {
                None => Standing::Unknown,
                Some((.., true)) => Standing::Revoked,
                Some((claims, counterfoil, grant_id, false)) => Standing::Live { claims, counterfoil, grant_id },
            })
        })
        .await
    }

    async fn owner(&self, key: Digest, now: UnixTime) -> Answer<Option<(String, UnixTime)>> {
        self.make(move |connection| {
            let statement = "SELECT client_id, expires_at FROM access_token WHERE key = ?1 AND expires_at > ?2";
            let read = |row: &Row<'_>| Ok((row.get(0)?, UnixTime(row.get::<_, i64>(1)?.cast_unsigned())));
            row(connection, statement, params![bytes(&key), seconds(now)], read)
        })
        .await
    }

    async fn revoke_access_token(&self, token: IssuedToken, uses: Vec<Use>, now: UnixTime) -> Answer<()> {
        self.make(move |connection| {
            spend(connection, &uses, now)?;
            let (now, expires_at) = (seconds(now), seconds(token.expires_at));
            let changed = execute(
                connection,
                "INSERT INTO access_token (key, client_id, grant_id, expires_at, revoked_at) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (key) DO UPDATE SET revoked_at = ?5 WHERE access_token.revoked_at IS NULL",
                params![bytes(&token.key), token.client_id, token.grant_id, expires_at, now],
            )?;
            if changed == 1 {
                execute(
                    connection,
                    "INSERT INTO publication (kind, key, expires_at) VALUES ('revoke', ?1, ?2)",
                    params![bytes(&token.key), expires_at],
                )?;
            }
            Ok(())
        })
        .await
    }

    async fn revoke_refresh_token(&self, key: Digest, client_id: String, uses: Vec<Use>, now: UnixTime) -> Answer<bool> {
        self.make(move |connection| {
            spend(connection, &uses, now)?;
            let statement = "SELECT grant_id FROM refresh_token WHERE key = ?1 AND client_id = ?2";
            match row(connection, statement, params![bytes(&key), client_id], |row| row.get::<_, String>(0))? {
                Some(grant) => revoke_grant(connection, &grant, now).map(|()| true),
                None => Ok(false),
            }
        })
        .await
    }

    async fn grant(&self, id: String, now: UnixTime) -> Answer<Option<Grant>> {
        self.make(move |connection| live_grant(connection, &id, now)).await
    }

    async fn revoke_grant(&self, id: String, now: UnixTime) -> Answer<()> {
        self.make(move |connection| revoke_grant(connection, &id, now)).await
    }

    async fn publications(&self, cursor: u64, most: u32, now: UnixTime) -> Answer<Vec<Publication>> {
        self.make(move |connection| {
            rows(
                connection,
                "SELECT cursor, kind, key, counterfoil, expires_at FROM publication
                 WHERE cursor > ?1 AND expires_at > ?2 ORDER BY cursor LIMIT ?3",
                params![seconds(UnixTime(cursor)), seconds(now), most],
                publication,
            )
        })
        .await
    }

    async fn save_session(&self, key: Digest, session: Session, _now: UnixTime) -> Answer<()> {
        let body = written(&session)?;
        self.make(move |connection| {
            execute(
                connection,
                "INSERT INTO session (key, body, expires_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (key) DO UPDATE SET body = ?2, expires_at = ?3",
                params![bytes(&key), body, seconds(UnixTime(session.expires_at))],
            )
            .map(drop)
        })
        .await
    }

    async fn session(&self, key: Digest, now: UnixTime) -> Answer<Option<Session>> {
        self.make(move |connection| {
            record(connection, "SELECT body FROM session WHERE key = ?1 AND expires_at > ?2", params![bytes(&key), seconds(now)])
        })
        .await
    }

    async fn user(&self, name: String) -> Answer<Option<User>> {
        self.make(move |connection| record(connection, "SELECT body FROM person WHERE name = ?1", params![name])).await
    }

    async fn user_of_subject(&self, subject: String) -> Answer<Option<User>> {
        self.make(move |connection| record(connection, "SELECT body FROM person WHERE subject = ?1", params![subject])).await
    }

    async fn save_user(&self, user: User) -> Answer<()> {
        let body = written(&user)?;
        self.make(move |connection| {
            execute(
                connection,
                "INSERT INTO person (name, subject, body) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO UPDATE SET subject = ?2, body = ?3",
                params![user.name, user.subject, body],
            )
            .map(drop)
        })
        .await
    }

    async fn client(&self, id: String) -> Answer<Option<StoredClient>> {
        self.make(move |connection| record(connection, "SELECT body FROM client WHERE client_id = ?1", params![id])).await
    }

    async fn clients(&self) -> Answer<Vec<StoredClient>> {
        self.make(|connection| {
            let bodies: Vec<String> = rows(connection, "SELECT body FROM client ORDER BY client_id", &[], |row| row.get(0))?;
            bodies.iter().map(|body| read(body)).collect()
        })
        .await
    }

    async fn save_client(&self, client: StoredClient) -> Answer<()> {
        let body = written(&client)?;
        self.make(move |connection| {
            execute(
                connection,
                "INSERT INTO client (client_id, body) VALUES (?1, ?2) ON CONFLICT (client_id) DO UPDATE SET body = ?2",
                params![client.client_id, body],
            )
            .map(drop)
        })
        .await
    }

    async fn remove_client(&self, id: String, now: UnixTime) -> Answer<bool> {
        self.make(move |connection| {
            let statement = "SELECT id FROM consent WHERE client_id = ?1 AND revoked_at IS NULL";
            let grants: Vec<String> = rows(connection, statement, params![id], |row| row.get(0))?;
            for grant in grants {
                revoke_grant(connection, &grant, now)?;
            }
            Ok(execute(connection, "DELETE FROM client WHERE client_id = ?1", params![id])? == 1)
        })
        .await
    }

    async fn sweep(&self, now: UnixTime) -> Answer<usize> {
        const EXPIRING: [&str; 7] = ["session", "code", "refresh_token", "access_token", "publication", "backchannel_request", "consent"];
        const APPENDED: [fn(&Desk) -> &RefCell<Appended>; 2] = [|desk| &desk.used, |desk| &desk.pushed];
        /// At most so many rows of each table at a time, so that nobody waits long.
        const MOST: usize = 1000;
        let mut swept = 0;
        for table in APPENDED {
            let expired = self.make(move |desk| Ok(table(desk).borrow_mut().take_expired(now))).await?;
            for rows in expired.chunks(MOST) {
                let rows = rows.to_vec();
                swept += self.make(move |desk| table(desk).borrow().delete(desk, &rows)).await?;
            }
        }
        for table in EXPIRING {
            let key = match table {
                "publication" => "cursor",
                "consent" => "id",
                _ => "key",
            };
            let statement = format!(
                "DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE expires_at < ?1 ORDER BY expires_at LIMIT {MOST})"
            );
            loop {
                let statement = statement.clone();
                let gone = self.make(move |connection| execute(connection, &statement, params![seconds(now)])).await?;
                swept += gone;
                if gone < MOST {
                    break;
                }
            }
        }
        Ok(swept)
    }
}
