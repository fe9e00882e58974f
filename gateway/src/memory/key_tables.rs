//! Tables for the keys of DPoP proofs that come again, in this process.

use core::cell::OnceCell;
use std::sync::Arc;

use counterfoil::Error;
use counterfoil::jose::algorithm::Algorithm;
use counterfoil::jose::jwk::PublicKey;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::key_tables::{KeyMemory, KeyTables, Table, TableSlot};

use super::Shards;

/// 13 KiB: pays for itself after three proofs.
const WORDS: usize = 13 * 128;

/// Prepared tables of many clients' proof keys, for all threads: bounded, and each made only for a key whose proofs were good before.
pub struct SharedKeyTables(Shards<KeyTables<Box<[TableSlot<SharedTable>]>, SharedTable>>);

/// A table that a request may go on using when its place has been given to another key.
#[derive(Default)]
struct SharedTable(Option<Arc<[u64]>>);

impl Table for SharedTable {
    fn words(&self) -> &[u64] {
        self.0.as_deref().unwrap_or(&[])
    }

    fn prepare(&mut self, algorithm: &dyn Algorithm, key: &PublicKey) {
        let mut words = vec![0; WORDS];
        let length = algorithm.prepare(key, &mut words).min(WORDS);
        self.0 = Some(words[..length].into());
    }

    fn clear(&mut self) {
        self.0 = None;
    }
}

impl SharedKeyTables {
    /// Room for about so many keys, of 13 KiB each.
    ///
    /// # Errors
    /// [`Error::LimitOutOfRange`]; [`Error::MaterialUnusable`] without randomness.
    pub fn new(capacity: usize) -> Result<Self, Error> {
        let shard = |places, key| KeyTables::new((0..places).map(|_| TableSlot::default()).collect(), key);
        Shards::build(capacity, 16, shard).map(Self)
    }

    /// The tables as one request sees them.
    #[must_use]
    pub const fn for_request(&self) -> RequestKeyTables<'_> {
        RequestKeyTables { tables: self, table: OnceCell::new() }
    }

    fn table(&self, thumbprint: &Thumbprint) -> Option<Arc<[u64]>> {
        self.0.of(thumbprint.as_bytes()).table(thumbprint)?.0.clone()
    }

    fn seen(&self, thumbprint: &Thumbprint, algorithm: &dyn Algorithm, key: &PublicKey) {
        self.0.of(thumbprint.as_bytes()).seen(thumbprint, algorithm, key);
    }
}

impl core::fmt::Debug for SharedKeyTables {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SharedKeyTables")
    }
}

/// [`SharedKeyTables`] for one request, whose table is shared with them, so that no lock is held while it is in use.
#[derive(Debug)]
pub struct RequestKeyTables<'t> {
    tables: &'t SharedKeyTables,
    table: OnceCell<Option<Arc<[u64]>>>,
}

impl KeyMemory for RequestKeyTables<'_> {
    fn prepared(&self, thumbprint: &Thumbprint) -> &[u64] {
        self.table.get_or_init(|| self.tables.table(thumbprint)).as_deref().unwrap_or(&[])
    }

    fn seen(&mut self, thumbprint: &Thumbprint, algorithm: &dyn Algorithm, key: &PublicKey) {
        self.tables.seen(thumbprint, algorithm, key);
    }
}
