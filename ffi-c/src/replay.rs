//! Proofs that were used, in memory that processes may share.

use core::mem::MaybeUninit;

use counterfoil::oauth::key_tables::KeyMemory;
use counterfoil::oauth::replay::{ProofId, ReplayEntry, ReplayStore, ReplayTable};
use counterfoil::{Error, UnixTime};

use crate::boundary::{Buffer, Bytes, Code, Filled, Lock, given, guard};
use crate::memory::{Kind, Table, format, size_of_table};

/// A table of used proofs. All functions may be called from any number of threads and processes with handles of their own.
pub struct Replay(Filled<Table>);

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

/// What a request is judged with: each table where the host has one.
pub(crate) struct Stores<'a> {
    pub(crate) replay: Option<&'a Replay>,
}

impl ReplayStore for Stores<'_> {
    fn first_use(&mut self, id: &ProofId, until: UnixTime, now: UnixTime) -> Result<bool, Error> {
        let table = given(self.replay)?.0.get()?;
        table.with::<Proofs, _>(|state, entries| {
            let mut replay = ReplayTable::resume(entries, state.key, UnixTime(*state.own))?;
            let first = replay.first_use(id, until, now);
            *state.own = replay.latest().0;
            first
        })?
    }

    fn keys(&mut self) -> Option<&mut dyn KeyMemory> {
        None
    }
}
