//! Tables for the keys of DPoP proofs that come again, in memory that processes may share. Nobody computes under the lock: a table is
//! copied out of the memory before it serves, and built before it is copied in.

use core::cell::OnceCell;
use core::mem::MaybeUninit;

use counterfoil::Error;
use counterfoil::jose::algorithm::{Algorithm, Primitive};
use counterfoil::jose::jwk::PublicKey;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::key_tables::{self, InPlace, KeyMemory, KeySlot, Table as _};

use crate::boundary::{Buffer, Bytes, Code, Filled, Lock, given, guard};
use crate::memory::{Kind, Table, format, size_of_table};

/// 13 KiB: pays for itself after three proofs.
const WORDS: usize = 13 * 128;

/// Tables for the keys of DPoP proofs. All functions as for `counterfoil_replay`.
pub struct KeyTables(pub(crate) Filled<Table>);

// As include/counterfoil.h declares it.
const _: () = assert!(size_of::<KeyTables>() <= 8 * 8 && align_of::<KeyTables>() <= 8);

struct ProofKeys;

impl Kind for ProofKeys {
    type Entry = KeySlot<WORDS>;
    const NUMBER: u64 = 3;
    const FEWEST: usize = 4;
}

/// How many octets tables for so many keys take: about 13 KiB each.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_key_tables_size(keys: usize) -> usize {
    size_of_table::<ProofKeys>(keys)
}

/// Lays out empty tables in `memory`, as `counterfoil_replay_format` does.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_key_tables_format(memory: Buffer<'_>, random: Bytes<'_>) -> Code {
    guard(|| format::<ProofKeys>(memory, random))
}

/// Opens tables, as `counterfoil_replay_open` does. A process that dies while it writes a table leaves none.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_key_tables_open(
    memory: Buffer<'_>,
    lock: Option<&Lock>,
    tables_out: Option<&mut MaybeUninit<KeyTables>>,
) -> Code {
    guard(|| {
        let out = given(tables_out)?;
        out.write(KeyTables(Filled::new(Table::open::<ProofKeys>(memory, lock)?)));
        Ok(())
    })
}

/// The tables of one call, with the one that it needs. Whoever cannot have their lock goes on without.
pub(crate) struct SharedKeys<'a> {
    table: &'a Table,
    own: OnceCell<InPlace<WORDS>>,
}

type Tables<'s> = key_tables::KeyTables<&'s mut [KeySlot<WORDS>], InPlace<WORDS>>;

impl<'a> SharedKeys<'a> {
    pub(crate) const fn new(table: &'a Table) -> Self {
        Self { table, own: OnceCell::new() }
    }

    fn with<R>(&self, work: impl FnOnce(Tables<'_>) -> R) -> Option<R> {
        let worked = self.table.with::<ProofKeys, _>(|state, slots| Tables::resume(slots, state.key).map(work));
        worked.ok()?.ok()
    }
}

impl KeyMemory for SharedKeys<'_> {
    fn prepared(&self, thumbprint: &Thumbprint) -> &[u64] {
        let copy = || self.with(|tables| tables.table(thumbprint).cloned()).flatten().unwrap_or_default();
        self.own.get_or_init(copy).words()
    }

    fn seen(&mut self, thumbprint: &Thumbprint, algorithm: &dyn Algorithm, key: &PublicKey) {
        let mut built = InPlace::<WORDS>::default();
        let is_wanted = self.with(|tables| tables.table(thumbprint).is_some_and(|table| table.words().is_empty()));
        if is_wanted == Some(true) {
            built.prepare(algorithm, key);
        }
        let built = Built { algorithm, words: built.words() };
        self.with(|mut tables| tables.seen(thumbprint, if built.words.is_empty() { algorithm } else { &built }, key));
    }
}

/// An algorithm for one key, whose table is there already.
struct Built<'a> {
    algorithm: &'a dyn Algorithm,
    words: &'a [u64],
}

impl Algorithm for Built<'_> {
    fn name(&self) -> &'static str {
        self.algorithm.name()
    }

    fn primitive(&self) -> Primitive {
        self.algorithm.primitive()
    }

    fn admit(&self, key: &PublicKey) -> Result<(), Error> {
        self.algorithm.admit(key)
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.algorithm.verify(key, message, signature)
    }

    fn prepare(&self, _key: &PublicKey, memory: &mut [u64]) -> usize {
        let Some(place) = memory.get_mut(..self.words.len()) else { return 0 };
        place.copy_from_slice(self.words);
        self.words.len()
    }
}
