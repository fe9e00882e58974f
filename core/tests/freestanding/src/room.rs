//! The memory that a host gives the engine; it lives outside the stack that is measured.

use core::mem::MaybeUninit;

use counterfoil::Error;
use counterfoil::jose::keys::{Key, KeySet};
use counterfoil::oauth::cache::CacheSlot;
use counterfoil::oauth::replay::ReplayEntry;

/// Keys of one issuer at most.
pub const KEYS: usize = 8;
/// Bytes of a cached token at most.
pub const CACHED: usize = 1024;

/// All memory that the judgements need beside their stack; in a static, it takes no room in the program's file.
pub struct Room {
    /// The issuer's keys.
    pub keys: KeySet<KEYS>,
    /// One key by itself.
    pub key: MaybeUninit<Key>,
    /// What is decoded.
    pub scratch: [u8; 4096],
    /// Used proofs.
    pub replay: [ReplayEntry; 16],
    /// Accepted tokens.
    pub cache: MaybeUninit<[CacheSlot<CACHED>; 1]>,
    /// A changed token.
    pub forged: [u8; 2048],
}

impl Room {
    /// Memory that holds nothing.
    pub const EMPTY: Self = Self {
        keys: KeySet::new(),
        key: MaybeUninit::uninit(),
        scratch: [0; 4096],
        replay: [ReplayEntry::EMPTY; 16],
        cache: MaybeUninit::uninit(),
        forged: [0; 2048],
    };
}

/// A copy of `token` with another character in the second half of its signature: of `s`, where that is what a signature ends with.
///
/// # Errors
/// [`Error::BufferTooSmall`], [`Error::TokenNotCompact`].
pub fn forge<'f>(token: &[u8], out: &'f mut [u8]) -> Result<&'f [u8], Error> {
    let out = out.get_mut(..token.len()).ok_or(Error::BufferTooSmall)?;
    out.copy_from_slice(token);
    let signature = token.iter().rposition(|byte| *byte == b'.').ok_or(Error::TokenNotCompact)?;
    let character = out.get_mut(signature + 1 + 50).ok_or(Error::TokenNotCompact)?;
    *character = if *character == b'A' { b'B' } else { b'A' };
    Ok(out)
}
