//! What is new and comes in the same moment goes to PostgreSQL together, in one statement and so with one flush to the disk: pushed requests, and
//! uses that allow something which need not be remembered itself.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::database::{Database, PATIENCE};
use super::postgres::seconds;
use super::{Answer, StoreError, Use};
use crate::secret::Digest;

/// How many moves may wait; more are refused, so that a slow database is no growing queue.
const WAITING: usize = 1024;
/// How many are made together at most.
const TOGETHER: usize = 256;

/// All or nothing: by the first key that is there already nothing is done, and each move is made by itself.
const ADD: &str = "WITH spent AS (INSERT INTO used (key, expires_at) SELECT * FROM unnest($1::BYTEA[], $2::BIGINT[]))
     INSERT INTO pushed_request (key, body, expires_at) SELECT * FROM unnest($3::BYTEA[], $4::TEXT[], $5::BIGINT[])";

/// What is used up, and the request that comes with it.
pub(super) struct Addition {
    pub(super) uses: Vec<Use>,
    pub(super) request: Option<NewRequest>,
}

/// A row of `pushed_request`.
pub(super) struct NewRequest {
    pub(super) key: Digest,
    pub(super) body: String,
    pub(super) expires_at: i64,
}

/// Something that waits for its turn, and who is told that it has come, and what came of it.
struct Waiting {
    addition: Addition,
    begun: oneshot::Sender<()>,
    done: oneshot::Sender<Answer<bool>>,
}

/// Where additions wait for the statement that is on its way.
#[derive(Debug)]
pub(super) struct Together {
    waiting: mpsc::Sender<Waiting>,
}

impl Together {
    /// Starts the task that sends them; it ends with the store.
    pub(super) fn start(database: Arc<Database>) -> Self {
        let (waiting, mut received) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let mut together = Vec::with_capacity(TOGETHER);
            while received.recv_many(&mut together, TOGETHER).await > 0 {
                // Who was told that it takes too long, or has gone away, is not served any more.
                let begun = together.drain(..).filter_map(|waiting: Waiting| {
                    waiting.begun.send(()).ok()?;
                    Some((waiting.addition, waiting.done))
                });
                let (additions, tell): (Vec<Addition>, Vec<_>) = begun.unzip();
                let done = if additions.is_empty() { continue } else { add(&database, &additions).await };
                for tell in tell {
                    let _ = tell.send(done.clone());
                }
            }
        });
        Self { waiting }
    }

    /// Whether it was added; `false` where it, or one beside it, uses up what was used before, or has expired and was not swept yet.
    pub(super) async fn add(&self, addition: Addition) -> Answer<bool> {
        let refused = |cause: &str| StoreError::Unavailable(cause.to_owned());
        let ((begun, has_begun), (done, is_done)) = (oneshot::channel(), oneshot::channel());
        self.waiting.try_send(Waiting { addition, begun, done }).map_err(|_| refused("too many moves wait for the database"))?;
        match timeout(PATIENCE, has_begun).await {
            Ok(Ok(())) => is_done.await.map_err(|_| refused("the database takes no moves"))?,
            _ => Err(refused("the database takes too long")),
        }
    }
}

async fn add(database: &Database, additions: &[Addition]) -> Answer<bool> {
    let mut uses: Vec<&Use> = additions.iter().flat_map(|addition| &addition.uses).collect();
    // In the order of the keys, so that no two statements wait for each other.
    uses.sort_by_key(|used| *used.key.as_bytes());
    let requests = || additions.iter().filter_map(|addition| addition.request.as_ref());
    let used: Vec<&[u8]> = uses.iter().map(|used| used.key.as_bytes().as_slice()).collect();
    let until: Vec<i64> = uses.iter().map(|used| seconds(used.until)).collect();
    let keys: Vec<&[u8]> = requests().map(|request| request.key.as_bytes().as_slice()).collect();
    let bodies: Vec<&str> = requests().map(|request| request.body.as_str()).collect();
    let expire_at: Vec<i64> = requests().map(|request| request.expires_at).collect();
    database.inserts(ADD, &[&used, &until, &keys, &bodies, &expire_at]).await
}
