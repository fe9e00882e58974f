//! Good tokens, in this process.

use counterfoil::Error;
use counterfoil::jose::keys::KeyVersion;
use counterfoil::oauth::cache::{CacheSlot, Recalled, TokenCache, TokenMemory as _, TokenText};
use counterfoil::oauth::verifier::Judged;

use super::Shards;

/// The longest token, and payload, that is remembered.
const LONGEST: usize = 4096;

pub(crate) struct SharedTokenCache(Shards<TokenCache<Box<[CacheSlot<LONGEST>]>, LONGEST>>);

impl SharedTokenCache {
    pub(crate) fn new(capacity: usize) -> Result<Self, Error> {
        let shard = |places, key| TokenCache::new((0..places).map(|_| CacheSlot::empty()).collect(), key);
        Shards::build(capacity, 16, shard).map(Self)
    }

    pub(crate) fn recall(&self, token: TokenText<'_>, version: &KeyVersion, scratch: &mut [u8]) -> Option<Recalled> {
        self.0.of(token.tail()).recall(token, version, scratch)
    }

    pub(crate) fn keep(&self, token: TokenText<'_>, version: &KeyVersion, judged: &Judged<'_>) {
        self.0.of(token.tail()).keep(token, version, judged);
    }
}
