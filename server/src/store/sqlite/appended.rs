//! Tables that are written one row behind the other, and found by an index in the memory of the thread that writes.
//!
//! By a key of SHA-256 in the file each row would change another page, and pages are what a commit writes. The table alone is what counts: it is
//! read when the store is opened, and read on when another process has changed the database, always while this thread holds the lock to write,
//! so that nobody can add anything in between. Identifiers are never given out twice: by them others' rows are found.

use std::collections::HashMap;

use counterfoil::UnixTime;
use rusqlite::{Connection, ToSql, params};

use super::{execute, rows, seconds};
use crate::store::Answer;

/// As it was at the beginning of a transaction, with what the transaction has added since.
pub(super) struct Appended {
    table: &'static str,
    /// By key: the row's identifier, and when it expires.
    places: HashMap<[u8; 32], (i64, i64)>,
    /// The last row that was read or written.
    last: i64,
}

impl Appended {
    pub(super) fn new(table: &'static str) -> Self {
        Self { table, places: HashMap::new(), last: 0 }
    }

    /// Reads what others have added since the last transaction; to be called in a transaction that may write.
    pub(super) fn catch_up(&mut self, connection: &Connection) -> Answer<()> {
        let statement = format!("SELECT id, key, expires_at FROM {} WHERE id > ?1 ORDER BY id", self.table);
        let found: Vec<(i64, [u8; 32], i64)> =
            rows(connection, &statement, params![self.last], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        for (id, key, until) in found {
            self.places.insert(key, (id, until));
            self.last = id;
        }
        Ok(())
    }

    /// The row of a key, as far as it was not swept: it may have expired, and another process may have deleted it.
    pub(super) fn find(&self, key: &[u8; 32]) -> Option<i64> {
        self.places.get(key).map(|(id, _)| *id)
    }

    /// Whether there is a row that has not expired.
    pub(super) fn holds(&self, key: &[u8; 32], now: UnixTime) -> bool {
        self.places.get(key).is_some_and(|(_, until)| *until >= seconds(now))
    }

    /// Adds a row; the statement begins with its key and when it expires.
    pub(super) fn add(
        &mut self,
        connection: &Connection,
        statement: &str,
        key: [u8; 32],
        until: UnixTime,
        more: &[&dyn ToSql],
    ) -> Answer<()> {
        let until = seconds(until);
        let mut values: Vec<&dyn ToSql> = vec![&key, &until];
        values.extend_from_slice(more);
        execute(connection, statement, &values)?;
        self.last = connection.last_insert_rowid();
        self.places.insert(key, (self.last, until));
        Ok(())
    }

    /// Forgets everything, to be read again: a transaction was undone.
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.table);
    }

    /// Forgets what has expired, and tells which rows that are.
    pub(super) fn take_expired(&mut self, now: UnixTime) -> Vec<i64> {
        let mut expired = Vec::new();
        self.places.retain(|_, (id, until)| {
            let is_good = *until >= seconds(now);
            if !is_good {
                expired.push(*id);
            }
            is_good
        });
        expired
    }

    /// Deletes rows that were taken from the index.
    pub(super) fn delete(&self, connection: &Connection, rows: &[i64]) -> Answer<usize> {
        let statement = format!("DELETE FROM {} WHERE id = ?1", self.table);
        rows.iter().map(|id| execute(connection, &statement, params![id])).sum()
    }
}
