//! What was used once, in the memory of the thread that writes, beside the table that keeps it.
//!
//! The table alone is what counts: it is read when the store is opened, and read on when another process has changed the database, always while
//! this thread holds the lock to write, so that nobody can use anything in between.

use std::collections::HashMap;

use counterfoil::UnixTime;
use rusqlite::{Connection, params};

use super::{execute, failed, rows, seconds};
use crate::store::{Answer, StoreError, Use};

/// As it was at the beginning of a transaction, with what the transaction has used since.
#[derive(Default)]
pub(super) struct Used {
    /// Until when each is remembered.
    until: HashMap<[u8; 32], i64>,
    /// The last row that was read or written, and committed.
    last: i64,
    /// SQLite's number for what others have committed.
    version: Option<i64>,
    unsettled: Vec<[u8; 32]>,
    last_unsettled: i64,
}

impl Used {
    /// Reads what others have used since the last transaction; to be called in a transaction that may write.
    pub(super) fn catch_up(&mut self, connection: &Connection) -> Answer<()> {
        let version = connection.prepare_cached("PRAGMA data_version").and_then(|mut pragma| pragma.query_row([], |row| row.get(0)));
        let version: i64 = version.map_err(failed)?;
        if self.version == Some(version) {
            return Ok(());
        }
        let statement = "SELECT id, key, expires_at FROM used WHERE id > ?1 ORDER BY id";
        let found: Vec<(i64, [u8; 32], i64)> =
            rows(connection, statement, params![self.last], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        for (id, key, until) in found {
            self.until.insert(key, until);
            self.last = id;
        }
        self.version = Some(version);
        Ok(())
    }

    /// Uses up all of it or, where one was used before, nothing.
    pub(super) fn spend(&mut self, connection: &Connection, uses: &[Use], now: UnixTime) -> Answer<()> {
        // What has expired and was not swept yet is not in the way: what it stood for is refused for its age.
        let is_used = |used: &&Use| self.until.get(used.key.as_bytes()).is_some_and(|until| *until >= seconds(now));
        if let Some(used) = uses.iter().find(is_used) {
            return Err(StoreError::Replayed(used.kind));
        }
        for used in uses {
            let (key, until) = (*used.key.as_bytes(), seconds(used.until));
            execute(connection, "INSERT INTO used (key, expires_at) VALUES (?1, ?2)", params![key, until])?;
            self.last_unsettled = connection.last_insert_rowid();
            self.until.insert(key, until);
            self.unsettled.push(key);
        }
        Ok(())
    }

    /// The transaction has ended: what it used is used, or is not.
    pub(super) fn settle(&mut self, is_committed: bool) {
        if is_committed {
            self.last = self.last.max(self.last_unsettled);
        } else {
            self.unsettled.iter().for_each(|key| {
                self.until.remove(key);
            });
        }
        self.unsettled.clear();
        self.last_unsettled = 0;
    }

    /// Forgets what has expired.
    pub(super) fn sweep(&mut self, now: UnixTime) {
        self.until.retain(|_, until| *until >= seconds(now));
    }
}
