//! Used proofs, in this process.

use counterfoil::oauth::replay::{ProofId, ReplayEntry, ReplayStore as _, ReplayTable};
use counterfoil::{Error, UnixTime};

use super::{Shards, SharedReplayStore};

/// A [`SharedReplayStore`] of fixed capacity for one process, shared by its threads. Full, it refuses.
///
/// Size it as proofs per second × 310 seconds ÷ 0.8; 24 bytes each.
pub struct ProcessReplayStore(Shards<ReplayTable<Box<[ReplayEntry]>>>);

impl ProcessReplayStore {
    /// A store of `capacity` proofs.
    ///
    /// # Errors
    /// [`Error::MemoryTooSmall`] below 16.
    pub fn new(capacity: usize) -> Result<Self, Error> {
        let shard = |places, key| ReplayTable::new(vec![ReplayEntry::EMPTY; places].into_boxed_slice(), key);
        Shards::build(capacity, 4096, shard).map(Self)
    }
}

impl SharedReplayStore for ProcessReplayStore {
    fn first_use(&self, id: &ProofId, until: UnixTime, now: UnixTime) -> Result<bool, Error> {
        self.0.of(id.as_bytes()).first_use(id, until, now)
    }
}

impl core::fmt::Debug for ProcessReplayStore {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ProcessReplayStore")
    }
}
