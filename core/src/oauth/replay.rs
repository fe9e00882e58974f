//! "Was this proof used before?", in memory that the caller provides (RFC 9449 section 11.1).

use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::jose::thumbprint::Thumbprint;
use crate::oauth::cache::TokenMemory;
use crate::oauth::key_tables::KeyMemory;
use crate::time::UnixTime;
use crate::wire::siphash::HashKey;
use crate::wire::value::Str;

/// What makes a proof the same proof: the hash of its key and its `jti`. Neither its bytes nor the spelling of its `htu` count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ProofId([u8; 32]);

impl ProofId {
    pub(crate) fn new(key: &Thumbprint, jti: Str<'_>) -> Self {
        let mut hash = Sha256::new();
        hash.update(key.as_bytes());
        let mut utf8 = [0; 4];
        for character in jti.chars() {
            hash.update(character.encode_utf8(&mut utf8));
        }
        Self(hash.finalize().into())
    }

    /// The 32 bytes, for a store of the host's own.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl core::fmt::Debug for ProofId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ProofId")
    }
}

/// Remembers used proofs. Hosts with several processes bring their own, shared one.
pub trait ReplayStore {
    /// Remembers `id` until the second `until` has passed; `false` if it was remembered already. Must be one atomic step.
    ///
    /// # Errors
    /// [`Error::ReplayStoreFull`] when there is no room (a live entry is never given up), [`Error::LookupUnavailable`] when the
    /// store cannot be reached, [`Error::ProofIssuedAt`] when the clock went back so far that the store may have forgotten `id`.
    fn first_use(&mut self, id: &ProofId, until: UnixTime, now: UnixTime) -> Result<bool, Error>;

    /// What is remembered of the keys of good proofs, where anything is.
    fn keys(&mut self) -> Option<&mut dyn KeyMemory> {
        None
    }

    /// What is remembered of good tokens, where anything is.
    fn tokens(&mut self) -> Option<&mut dyn TokenMemory> {
        None
    }
}

/// A [`ReplayStore`] beside a [`KeyMemory`].
pub struct WithKeys<'a> {
    store: &'a mut dyn ReplayStore,
    keys: &'a mut dyn KeyMemory,
}

/// A [`ReplayStore`] beside a [`TokenMemory`].
pub struct WithTokens<'a> {
    store: &'a mut dyn ReplayStore,
    tokens: &'a mut dyn TokenMemory,
}

impl<'a> WithKeys<'a> {
    /// Remembers proofs in `store` and their keys in `keys`.
    pub fn new(store: &'a mut dyn ReplayStore, keys: &'a mut dyn KeyMemory) -> Self {
        Self { store, keys }
    }
}

impl ReplayStore for WithKeys<'_> {
    fn first_use(&mut self, id: &ProofId, until: UnixTime, now: UnixTime) -> Result<bool, Error> {
        self.store.first_use(id, until, now)
    }

    fn keys(&mut self) -> Option<&mut dyn KeyMemory> {
        Some(self.keys)
    }

    fn tokens(&mut self) -> Option<&mut dyn TokenMemory> {
        self.store.tokens()
    }
}

impl core::fmt::Debug for WithKeys<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("WithKeys")
    }
}

impl<'a> WithTokens<'a> {
    /// Remembers proofs in `store` and good tokens in `tokens`.
    pub fn new(store: &'a mut dyn ReplayStore, tokens: &'a mut dyn TokenMemory) -> Self {
        Self { store, tokens }
    }
}

impl ReplayStore for WithTokens<'_> {
    fn first_use(&mut self, id: &ProofId, until: UnixTime, now: UnixTime) -> Result<bool, Error> {
        self.store.first_use(id, until, now)
    }

    fn keys(&mut self) -> Option<&mut dyn KeyMemory> {
        self.store.keys()
    }

    fn tokens(&mut self) -> Option<&mut dyn TokenMemory> {
        Some(self.tokens)
    }
}

impl core::fmt::Debug for WithTokens<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("WithTokens")
    }
}

/// A place for one used proof: 24 bytes of plain data.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ReplayEntry {
    tag: [u8; 16],
    /// The first second in which the place is free again.
    free_from: u64,
}

impl ReplayEntry {
    /// A place that was never used.
    pub const EMPTY: Self = Self { tag: [0; 16], free_from: 0 };
}

/// A [`ReplayStore`] of fixed capacity: buckets of 16 entries, two to choose from for each proof.
///
/// With two choices, buckets of 16 fill evenly: a table less than 80 % full practically always has room, and where it has none the
/// proof is refused. Size it as requests per second × (window back + window ahead) ÷ 0.8; 24 bytes each.
#[derive(Debug)]
pub struct ReplayTable<M> {
    entries: M,
    key: HashKey,
    /// The latest `now` seen: what had expired by then may have been overwritten.
    latest: UnixTime,
}

const BUCKET: usize = 16;

impl<M: AsRef<[ReplayEntry]> + AsMut<[ReplayEntry]>> ReplayTable<M> {
    /// A table in `entries`, borrowed or owned, which are emptied; a rest that does not fill a bucket of 16 stays unused.
    ///
    /// # Errors
    /// [`Error::MemoryTooSmall`] below 16 entries.
    pub fn new(mut entries: M, key: HashKey) -> Result<Self, Error> {
        if entries.as_ref().len() < BUCKET {
            return Err(Error::MemoryTooSmall);
        }
        entries.as_mut().fill(ReplayEntry::EMPTY);
        Ok(Self { entries, key, latest: UnixTime(0) })
    }

    /// The two buckets that `id` may lie in, which may be the same one.
    fn buckets_of(&self, id: &ProofId) -> [usize; 2] {
        let (buckets, _) = self.entries.as_ref().as_chunks::<BUCKET>();
        let hash = self.key.hash(&id.0);
        let place = |half: u64| usize::try_from(half).unwrap_or(0).checked_rem(buckets.len()).unwrap_or(0);
        [place(hash & 0xffff_ffff), place(hash >> 32)]
    }
}

impl<M: AsRef<[ReplayEntry]> + AsMut<[ReplayEntry]>> ReplayStore for ReplayTable<M> {
    fn first_use(&mut self, id: &ProofId, until: UnixTime, now: UnixTime) -> Result<bool, Error> {
        self.latest = self.latest.max(now);
        let now = self.latest;
        if until < now {
            return Err(Error::ProofIssuedAt);
        }
        let tag = id.0.first_chunk().copied().unwrap_or_default();
        let choices = self.buckets_of(id);
        let (buckets, _) = self.entries.as_mut().as_chunks_mut::<BUCKET>();
        let live = |entry: &&ReplayEntry| entry.free_from > now.0;
        let mut emptiest = (BUCKET, 0);
        for choice in choices {
            let bucket = buckets.get(choice).ok_or(Error::ReplayStoreFull)?;
            if bucket.iter().filter(live).any(|entry| entry.tag == tag) {
                return Ok(false);
            }
            emptiest = emptiest.min((bucket.iter().filter(live).count(), choice));
        }
        let bucket = buckets.get_mut(emptiest.1).ok_or(Error::ReplayStoreFull)?;
        let free = bucket.iter_mut().find(|entry| entry.free_from <= now.0).ok_or(Error::ReplayStoreFull)?;
        *free = ReplayEntry { tag, free_from: until.0.saturating_add(1) };
        Ok(true)
    }
}

impl<M: AsRef<[ReplayEntry]> + AsMut<[ReplayEntry]>> ReplayTable<M> {
    /// Goes on with entries that a table with the same key left behind, as it was when it was at `latest`: for memory that several
    /// processes share, one of which uses it at a time. A process that dies while it writes an entry leaves no proof that would be
    /// accepted twice: whatever the entry says, the proof that it was written for has not been accepted.
    ///
    /// # Errors
    /// [`Error::MemoryTooSmall`] below 16 entries.
    pub fn resume(entries: M, key: HashKey, latest: UnixTime) -> Result<Self, Error> {
        if entries.as_ref().len() < BUCKET {
            return Err(Error::MemoryTooSmall);
        }
        Ok(Self { entries, key, latest })
    }

    /// The latest `now` that the table has seen, to be kept with its entries.
    #[must_use]
    pub const fn latest(&self) -> UnixTime {
        self.latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> ProofId {
        ProofId(Sha256::digest(number.to_be_bytes()).into())
    }

    #[test]
    fn an_entry_lives_through_its_last_second() {
        let mut memory = [ReplayEntry::EMPTY; 16];
        let mut table = ReplayTable::new(&mut memory, HashKey::new([7; 16])).unwrap();
        assert_eq!(table.first_use(&id(1), UnixTime(300), UnixTime(0)), Ok(true));
        assert_eq!(table.first_use(&id(1), UnixTime(300), UnixTime(300)), Ok(false));
        assert_eq!(table.first_use(&id(1), UnixTime(601), UnixTime(301)), Ok(true));
    }

    #[test]
    fn a_full_table_refuses_and_recovers() {
        let mut memory = [ReplayEntry::EMPTY; 32];
        let mut table = ReplayTable::new(&mut memory, HashKey::new([7; 16])).unwrap();
        let mut accepted = 0;
        for number in 0..200 {
            match table.first_use(&id(number), UnixTime(300), UnixTime(1)) {
                Ok(true) => accepted += 1,
                Err(Error::ReplayStoreFull) => assert!(accepted >= 24, "full at {accepted} of 32"),
                other => panic!("{other:?}"),
            }
        }
        assert!(accepted <= 32);
        assert_eq!(table.first_use(&id(1000), UnixTime(700), UnixTime(301)), Ok(true));
    }

    #[test]
    fn a_table_four_fifths_full_has_room() {
        let mut memory = vec![ReplayEntry::EMPTY; 100_000];
        let mut table = ReplayTable::new(&mut memory, HashKey::new([9; 16])).unwrap();
        for number in 0..80_000 {
            assert_eq!(table.first_use(&id(number), UnixTime(300), UnixTime(1)), Ok(true), "{number}");
        }
        for number in 0..80_000 {
            assert_eq!(table.first_use(&id(number), UnixTime(300), UnixTime(2)), Ok(false), "{number}");
        }
    }

    #[test]
    fn a_clock_that_goes_back_revives_nothing() {
        let mut memory = [ReplayEntry::EMPTY; 16];
        let mut table = ReplayTable::new(&mut memory, HashKey::new([7; 16])).unwrap();
        assert_eq!(table.first_use(&id(1), UnixTime(300), UnixTime(0)), Ok(true));
        assert_eq!(table.first_use(&id(2), UnixTime(700), UnixTime(400)), Ok(true));
        assert_eq!(table.first_use(&id(1), UnixTime(300), UnixTime(0)), Err(Error::ProofIssuedAt));
    }

    #[test]
    fn a_table_that_resumes_knows_what_was_used_and_when() {
        let mut memory = [ReplayEntry::EMPTY; 16];
        let mut table = ReplayTable::new(&mut memory, HashKey::new([7; 16])).unwrap();
        assert_eq!(table.first_use(&id(1), UnixTime(300), UnixTime(100)), Ok(true));
        let latest = table.latest();
        let mut table = ReplayTable::resume(&mut memory, HashKey::new([7; 16]), latest).unwrap();
        assert_eq!(table.first_use(&id(1), UnixTime(300), UnixTime(200)), Ok(false));
        assert_eq!(table.first_use(&id(2), UnixTime(90), UnixTime(80)), Err(Error::ProofIssuedAt));
    }

    #[test]
    fn too_little_memory_is_an_error() {
        assert!(ReplayTable::new(&mut [ReplayEntry::EMPTY; 15], HashKey::new([0; 16])).is_err());
    }
}
