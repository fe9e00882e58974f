//! Requests that are pushed in the same moment go to PostgreSQL together, in one statement and so one flush to the disk.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::database::Database;
use super::postgres::seconds;
use super::{Answer, StoreError, Use};
use crate::secret::Digest;

/// How many pushes may wait; more are refused, so that a slow database is no growing queue.
const WAITING: usize = 1024;
/// How many are sent together at most.
const TOGETHER: usize = 256;

/// All or nothing: by the first key that is there already nothing is done, and each push is judged by itself.
const PUSH: &str = "WITH spent AS (INSERT INTO used (key, expires_at) SELECT * FROM unnest($1::BYTEA[], $2::BIGINT[]))
     INSERT INTO pushed_request (key, body, expires_at) SELECT * FROM unnest($3::BYTEA[], $4::TEXT[], $5::BIGINT[])";

/// A request to be remembered, and what it uses up.
pub(super) struct Push {
    pub(super) uses: Vec<Use>,
    pub(super) key: Digest,
    pub(super) body: String,
    pub(super) expires_at: i64,
}

type Waiting = (Push, oneshot::Sender<Answer<bool>>);

/// Where pushes wait for the statement that is on its way.
#[derive(Debug)]
pub(super) struct Pushes {
    waiting: mpsc::Sender<Waiting>,
}

impl Pushes {
    /// Starts the task that sends them; it ends with the last of their senders.
    pub(super) fn start(database: Arc<Database>) -> Self {
        let (waiting, mut pushes) = mpsc::channel::<Waiting>(WAITING);
        tokio::spawn(async move {
            let mut together = Vec::with_capacity(TOGETHER);
            while pushes.recv_many(&mut together, TOGETHER).await > 0 {
                let (pushes, tell): (Vec<Push>, Vec<_>) = together.drain(..).unzip();
                let done = send(&database, &pushes).await;
                for tell in tell {
                    // Who asked may have gone away.
                    let _ = tell.send(done.clone());
                }
            }
        });
        Self { waiting }
    }

    /// Whether the push was made; `false` where it, or one beside it, uses up what was used before, or has expired and was not swept yet.
    pub(super) async fn make(&self, push: Push) -> Answer<bool> {
        let (tell, told) = oneshot::channel();
        let gone = || StoreError::Unavailable("the database takes no pushes".to_owned());
        self.waiting.try_send((push, tell)).map_err(|_| StoreError::Unavailable("too many pushes wait for the database".to_owned()))?;
        told.await.map_err(|_| gone())?
    }
}

async fn send(database: &Database, pushes: &[Push]) -> Answer<bool> {
    let mut uses: Vec<&Use> = pushes.iter().flat_map(|push| &push.uses).collect();
    // In the order of the keys, so that no two statements wait for each other.
    uses.sort_by_key(|used| *used.key.as_bytes());
    let used: Vec<&[u8]> = uses.iter().map(|used| used.key.as_bytes().as_slice()).collect();
    let until: Vec<i64> = uses.iter().map(|used| seconds(used.until)).collect();
    let keys: Vec<&[u8]> = pushes.iter().map(|push| push.key.as_bytes().as_slice()).collect();
    let bodies: Vec<&str> = pushes.iter().map(|push| push.body.as_str()).collect();
    let expire_at: Vec<i64> = pushes.iter().map(|push| push.expires_at).collect();
    database.inserts(PUSH, &[&used, &until, &keys, &bodies, &expire_at]).await
}
