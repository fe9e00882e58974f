//! Tables for the keys of DPoP proofs that come again, in this process.

use std::sync::Arc;

use counterfoil::Error;
use counterfoil::jose::algorithm::Algorithm;
use counterfoil::jose::jwk::PublicKey;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::oauth::key_tables::{KeyMemory as _, KeyTables, Table, TableSlot};

use super::Shards;

/// 13 KiB: pays for itself after three proofs.
const WORDS: usize = 13 * 128;

pub(crate) struct SharedKeyTables(Shards<KeyTables<Box<[TableSlot<SharedTable>]>, SharedTable>>);

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
    pub(crate) fn new(capacity: usize) -> Result<Self, Error> {
        let shard = |places, key| KeyTables::new((0..places).map(|_| TableSlot::default()).collect(), key);
        Shards::build(capacity, 16, shard).map(Self)
    }

    pub(crate) fn table(&self, thumbprint: &Thumbprint) -> Option<Arc<[u64]>> {
        self.0.of(thumbprint.as_bytes()).table(thumbprint)?.0.clone()
    }

    pub(crate) fn seen(&self, thumbprint: &Thumbprint, algorithm: &dyn Algorithm, key: &PublicKey) {
        self.0.of(thumbprint.as_bytes()).seen(thumbprint, algorithm, key);
    }
}
