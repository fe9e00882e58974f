//! The thread that writes, and the one beside it that moves the log into the database.

use core::cell::{Cell, RefCell};
use core::ops::Deref;
use core::time::Duration;
use std::sync::Weak;
use std::sync::mpsc::Receiver;

use rusqlite::Connection;

use super::appended::Appended;
use super::{execute, failed, row};
use crate::store::{Answer, StoreError};

/// How many moves are committed together at most.
const TOGETHER: usize = 256;
/// How long the log may grow before it is moved into the database.
const CHECKPOINT_PAUSE: Duration = Duration::from_millis(100);
/// The migrations, in order. What a database has had is in its `user_version`.
const MIGRATIONS: [&str; 2] = [include_str!("../../../migrations/0001_first.sql"), include_str!("../../../migrations/0001_sqlite.sql")];

/// Tells the one who asked, once it is known whether what was done is durable.
pub(super) type Tell = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// A move: does what it has to, and says whether that was done as a whole, or not at all, and whom to tell.
pub(super) type Job = Box<dyn FnOnce(&Desk) -> (bool, Tell) + Send>;

/// What the thread that writes has before it.
pub(super) struct Desk {
    connection: Connection,
    /// What was used once.
    pub(super) used: RefCell<Appended>,
    /// Pushed requests.
    pub(super) pushed: RefCell<Appended>,
    /// SQLite's number for what others have committed, as of the last transaction.
    version: Cell<Option<i64>>,
}

impl Desk {
    pub(super) fn new(connection: Connection) -> Self {
        let [used, pushed] = ["used", "pushed_request"].map(|table| RefCell::new(Appended::new(table)));
        Self { connection, used, pushed, version: Cell::new(None) }
    }

    /// Begins a transaction that sees what others have committed.
    fn begin(&self) -> Answer<()> {
        execute(self, "BEGIN IMMEDIATE", &[])?;
        let version = row(self, "PRAGMA data_version", &[], |row| row.get(0))?;
        if version != self.version.get() {
            self.used.borrow_mut().catch_up(self)?;
            self.pushed.borrow_mut().catch_up(self)?;
            self.version.set(version);
        }
        Ok(())
    }

    /// Undoes the transaction.
    fn undo(&self) {
        let _ = self.execute_batch("ROLLBACK");
        self.used.borrow_mut().reset();
        self.pushed.borrow_mut().reset();
        self.version.set(None);
    }
}

impl Deref for Desk {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

pub(super) fn set_up(connection: &mut Connection) -> Result<(), StoreError> {
    // FULL: a commit is on the disk when it returns, also in WAL mode.
    connection
        .execute_batch(
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16000;",
        )
        .map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(64);
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(failed)?;
    let version: u32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    let Some(missing) = usize::try_from(version).ok().and_then(|version| MIGRATIONS.get(version..)) else {
        return Err(StoreError::Unavailable(format!("the database has version {version}, which is newer than this program")));
    };
    for migration in missing {
        transaction
            .execute_batch(&migration.replace("@growing_key@", "INTEGER PRIMARY KEY AUTOINCREMENT").replace("BYTEA", "BLOB"))
            .map_err(failed)?;
    }
    transaction.execute_batch(&format!("PRAGMA user_version = {}", MIGRATIONS.len())).map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// Moves what is in the log into the database, a little at a time and beside the thread that writes: that one, which lets the log begin anew
/// when it is long, then has little left to move, and nobody waits for it.
pub(super) fn checkpoint(beside: &Connection, open: &Weak<()>) {
    while open.strong_count() > 0 {
        std::thread::sleep(CHECKPOINT_PAUSE);
        // Whatever is in the way now will not be later.
        let _ = beside.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    }
}

pub(super) fn run(desk: &Desk, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        // Others are about to ask: with them this commit is worth more, and each of its costs less. Nobody sleeps for it.
        std::thread::yield_now();
        if let Err(error) = desk.begin() {
            desk.undo();
            // Whoever asked learns it by the job's end.
            tracing::error!(%error, "no transaction can be begun");
            continue;
        }
        let mut told = Vec::new();
        let mut next = Some(first);
        let mut are_whole = true;
        while let Some(job) = next {
            let (is_whole, tell) = job(desk);
            told.push(tell);
            are_whole &= is_whole;
            next = if are_whole && told.len() < TOGETHER { waiting.try_recv().ok() } else { None };
        }
        let ended = if are_whole {
            execute(desk, "COMMIT", &[]).map(drop)
        } else {
            Err(StoreError::Unavailable("a move beside this one failed".to_owned()))
        };
        if ended.is_err() {
            // A failed flush is never tried again as if nothing had been: what was done is undone, and everyone is told.
            desk.undo();
        }
        for tell in told {
            tell(ended.clone());
        }
    }
}
