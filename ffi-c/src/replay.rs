//! Proofs that were used, in memory that processes may share.

use core::mem::MaybeUninit;

use counterfoil::oauth::cache::TokenMemory;
#[cfg(feature = "std")]
use counterfoil::oauth::key_tables::KeyMemory;
use counterfoil::oauth::replay::{ProofId, ReplayEntry, ReplayStore, ReplayTable};
use counterfoil::{Error, UnixTime};

use crate::boundary::{Buffer, Bytes, Code, Filled, Lock, given, guard};
use crate::key_tables::KeyTables;
#[cfg(feature = "std")]
use crate::key_tables::SharedKeys;
use crate::memory::{Kind, Table, format, size_of_table};
use crate::tables::{SharedTokens, TokenCache};

/// A table of used proofs. All functions may be called from any number of threads and processes with handles of their own.
pub struct Replay(pub(crate) Filled<Table>);

// As include/counterfoil.h declares it.
const _: () = assert!(size_of::<Replay>() <= 8 * 8 && align_of::<Replay>() <= 8);

struct Proofs;

impl Kind for Proofs {
    type Entry = ReplayEntry;
    const NUMBER: u64 = 1;
    const FEWEST: usize = 16;
}

/// How many octets a table for so many proofs takes: 24 each. A table practically always has room below 80 % of its entries; size it
/// as requests per second × (window back + window ahead) ÷ 0.8. What does not fit is refused with 503, never forgotten.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_replay_size(entries: usize) -> usize {
    size_of_table::<Proofs>(entries)
}

/// Lays out an empty table in `memory`, aligned to 8, by one process before any other opens it. `random` is 16 octets that nobody
/// can guess. Memory that is already laid out must only be opened: what it remembers would be forgotten.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_replay_format(memory: Buffer<'_>, random: Bytes<'_>) -> Code {
    guard(|| format::<Proofs>(memory, random))
}

/// Opens a table that was laid out in `memory`, which must stay where it is for this process; other processes may have it elsewhere.
///
/// `lock` NULL: a lock in the memory itself, for threads of one process. Processes that share the memory must give one that is
/// released when its holder dies, as nginx's `ngx_shmtx_t` or a robust mutex: whatever a dying process left half written, a proof
/// that was accepted is refused the second time.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_replay_open(memory: Buffer<'_>, lock: Option<&Lock>, replay_out: Option<&mut MaybeUninit<Replay>>) -> Code {
    guard(|| {
        let out = given(replay_out)?;
        out.write(Replay(Filled::new(Table::open::<Proofs>(memory, lock)?)));
        Ok(())
    })
}

/// What one call is judged with: each table where the host has one.
pub(crate) struct Stores<'a> {
    replay: Option<&'a Table>,
    tokens: Option<SharedTokens<'a>>,
    #[cfg(feature = "std")]
    keys: Option<SharedKeys<'a>>,
}

impl<'a> Stores<'a> {
    pub(crate) fn new(replay: Option<&'a Replay>, tokens: Option<&'a TokenCache>, keys: Option<&'a KeyTables>) -> Result<Self, Error> {
        let _ = keys;
        Ok(Self {
            replay: replay.map(|replay| replay.0.get()).transpose()?,
            tokens: tokens.map(|tokens| tokens.0.get()).transpose()?.map(SharedTokens),
            #[cfg(feature = "std")]
            keys: keys.map(|keys| keys.0.get()).transpose()?.map(SharedKeys::new),
        })
    }
}

impl ReplayStore for Stores<'_> {
    fn first_use(&mut self, id: &ProofId, until: UnixTime, now: UnixTime) -> Result<bool, Error> {
        given(self.replay)?.with::<Proofs, _>(|state, entries| {
            let mut replay = ReplayTable::resume(entries, state.key, UnixTime(*state.own))?;
            let first = replay.first_use(id, until, now);
            *state.own = replay.latest().0;
            first
        })?
    }

    #[cfg(feature = "std")]
    fn keys(&mut self) -> Option<&mut dyn KeyMemory> {
        self.keys.as_mut().map(|keys| keys as &mut dyn KeyMemory)
    }

    fn tokens(&mut self) -> Option<&mut dyn TokenMemory> {
        self.tokens.as_mut().map(|tokens| tokens as &mut dyn TokenMemory)
    }
}
