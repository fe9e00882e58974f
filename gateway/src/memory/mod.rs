//! What all requests of a process share: used proofs, good tokens, tables for the keys of proofs. Bounded, and in shards with a lock each,
//! so that threads seldom meet. No lock is held while a signature is judged.

mod key_tables;
mod replay;
mod tokens;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use counterfoil::jose::keys::KeyVersion;
use counterfoil::oauth::cache::{Recalled, TokenMemory, TokenText};
use counterfoil::oauth::key_tables::KeyMemory;
use counterfoil::oauth::replay::{ProofId, ReplayStore};
use counterfoil::oauth::verifier::Judged;
use counterfoil::wire::siphash::HashKey;
use counterfoil::{Error, UnixTime};

pub use self::key_tables::{RequestKeyTables, SharedKeyTables};
pub use self::replay::ProcessReplayStore;
pub(crate) use self::tokens::SharedTokenCache;

/// Remembers used proofs for all threads, and where it is kept outside the process, for all processes.
pub trait SharedReplayStore: Send + Sync {
    /// As [`ReplayStore::first_use`]: one atomic step.
    ///
    /// # Errors
    /// [`Error::ReplayStoreFull`], [`Error::LookupUnavailable`], [`Error::ProofIssuedAt`]: never `true` where it is not certain.
    fn first_use(&self, id: &ProofId, until: UnixTime, now: UnixTime) -> Result<bool, Error>;
}

/// The memory of a gateway.
pub(crate) struct Memory {
    pub(crate) replay: Arc<dyn SharedReplayStore>,
    pub(crate) tokens: Option<SharedTokenCache>,
    pub(crate) key_tables: Option<SharedKeyTables>,
}

/// The memory as one request sees it.
pub(crate) struct RequestMemory<'g> {
    memory: &'g Memory,
    keys: Option<RequestKeyTables<'g>>,
}

impl<'g> RequestMemory<'g> {
    pub(crate) fn new(memory: &'g Memory) -> Self {
        Self { memory, keys: memory.key_tables.as_ref().map(SharedKeyTables::for_request) }
    }
}

impl ReplayStore for RequestMemory<'_> {
    fn first_use(&mut self, id: &ProofId, until: UnixTime, now: UnixTime) -> Result<bool, Error> {
        self.memory.replay.first_use(id, until, now)
    }

    fn keys(&mut self) -> Option<&mut dyn KeyMemory> {
        self.keys.as_mut().map(|keys| keys as &mut dyn KeyMemory)
    }

    fn tokens(&mut self) -> Option<&mut dyn TokenMemory> {
        self.memory.tokens.is_some().then_some(self)
    }
}

impl TokenMemory for RequestMemory<'_> {
    fn recall(&mut self, token: TokenText<'_>, version: &KeyVersion, scratch: &mut [u8]) -> Option<Recalled> {
        self.memory.tokens.as_ref()?.recall(token, version, scratch)
    }

    fn keep(&mut self, token: TokenText<'_>, version: &KeyVersion, judged: &Judged<'_>) {
        if let Some(tokens) = &self.memory.tokens {
            tokens.keep(token, version, judged);
        }
    }
}

/// Equal parts of a bounded memory, each behind a lock of its own.
pub(crate) struct Shards<T> {
    shards: Box<[Mutex<T>]>,
    key: HashKey,
}

impl<T> Shards<T> {
    /// At most 16 shards of at least `least` places each; `build` is told the places of its shard.
    pub(crate) fn build(capacity: usize, least: usize, build: impl Fn(usize, HashKey) -> Result<T, Error>) -> Result<Self, Error> {
        let count = (capacity / least).clamp(1, 16);
        let shard = |_| Ok(Mutex::new(build(capacity / count, random_hash_key()?)?));
        Ok(Self { shards: (0..count).map(shard).collect::<Result<_, Error>>()?, key: random_hash_key()? })
    }

    /// The shard of whatever `text` stands for.
    pub(crate) fn of(&self, text: &[u8]) -> MutexGuard<'_, T> {
        let count = self.shards.len() as u64;
        locked(&self.shards[(self.key.hash(text) % count) as usize])
    }
}

/// A panic while a lock was held leaves nothing half done that could accept: whatever is remembered is judged again.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Unpredictable places in tables whose keys an attacker chooses.
pub(crate) fn random_hash_key() -> Result<HashKey, Error> {
    random().map(HashKey::new)
}

/// From the operating system; without randomness nothing starts.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Error::MaterialUnusable)?;
    Ok(bytes)
}
