//! What makes verdicts cheaper and never changes one, in memory that processes may share: good tokens, and tables for the keys of DPoP
//! proofs that come again.

use core::mem::MaybeUninit;

use counterfoil::jose::keys::KeyVersion;
use counterfoil::oauth::cache::{self, CacheSlot, Recalled, TokenMemory, TokenText};
use counterfoil::oauth::verifier::Judged;

use crate::boundary::{Buffer, Bytes, Code, Filled, Lock, given, guard};
use crate::memory::{Kind, Table, format, size_of_table};

/// The longest token that is remembered, in octets.
#[cfg(feature = "std")]
pub const COUNTERFOIL_MAX_REMEMBERED: usize = 2048;
/// The longest token that is remembered, in octets.
#[cfg(not(feature = "std"))]
pub const COUNTERFOIL_MAX_REMEMBERED: usize = 1024;

/// Tokens whose signature was good. All functions as for `counterfoil_replay`.
pub struct TokenCache(pub(crate) Filled<Table>);

// As include/counterfoil.h declares it.
const _: () = assert!(size_of::<TokenCache>() <= 8 * 8 && align_of::<TokenCache>() <= 8);

struct Tokens;

impl Kind for Tokens {
    type Entry = CacheSlot<COUNTERFOIL_MAX_REMEMBERED>;
    const NUMBER: u64 = 2;
    const FEWEST: usize = 4;
}

/// How many octets a cache for so many tokens takes: somewhat more than twice `COUNTERFOIL_MAX_REMEMBERED` each.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_cache_size(tokens: usize) -> usize {
    size_of_table::<Tokens>(tokens)
}

/// Lays out an empty cache in `memory`, as `counterfoil_replay_format` does a table.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_cache_format(memory: Buffer<'_>, random: Bytes<'_>) -> Code {
    guard(|| format::<Tokens>(memory, random))
}

/// Opens a cache, as `counterfoil_replay_open` does a table. A process that dies while it remembers a token leaves an empty place.
#[unsafe(no_mangle)]
pub extern "C" fn counterfoil_token_cache_open(
    memory: Buffer<'_>,
    lock: Option<&Lock>,
    cache_out: Option<&mut MaybeUninit<TokenCache>>,
) -> Code {
    guard(|| {
        let out = given(cache_out)?;
        out.write(TokenCache(Filled::new(Table::open::<Tokens>(memory, lock)?)));
        Ok(())
    })
}

/// The cache of one call. Whoever cannot have its lock goes on without it.
pub(crate) struct SharedTokens<'a>(pub(crate) &'a Table);

impl TokenMemory for SharedTokens<'_> {
    fn recall(&mut self, token: TokenText<'_>, version: &KeyVersion, scratch: &mut [u8]) -> Option<Recalled> {
        let recalled = self.0.with::<Tokens, _>(|state, slots| {
            let mut cache = cache::TokenCache::resume(slots, state.key).ok()?;
            cache.recall(token, version, scratch)
        });
        recalled.ok().flatten()
    }

    fn keep(&mut self, token: TokenText<'_>, version: &KeyVersion, judged: &Judged<'_>) {
        let _ = self.0.with::<Tokens, _>(|state, slots| {
            cache::TokenCache::resume(slots, state.key).map(|mut cache| cache.keep(token, version, judged))
        });
    }
}
