//! Tables for DPoP keys that come again, in memory that the caller provides: the second proof of a key pays for all that follow.

use core::marker::PhantomData;
use core::sync::atomic::{Ordering, compiler_fence};

use crate::error::Error;
use crate::jose::algorithm::Algorithm;
use crate::jose::jwk::PublicKey;
use crate::jose::thumbprint::Thumbprint;
use crate::wire::siphash::HashKey;

/// What a server remembers of the keys of good proofs. It makes verdicts cheaper and never changes one.
pub trait KeyMemory {
    /// The words that were prepared for the key, or none.
    fn prepared(&self, thumbprint: &Thumbprint) -> &[u64];

    /// A proof of this key was good, signature and all.
    fn seen(&mut self, thumbprint: &Thumbprint, algorithm: &dyn Algorithm, key: &PublicKey);
}

/// The table of one key, as it is kept: empty until the key's second good proof.
pub trait Table: Default {
    /// The words that [`Algorithm::prepare`] wrote, or none.
    fn words(&self) -> &[u64];

    /// Lets `algorithm` write the words for `key`.
    fn prepare(&mut self, algorithm: &dyn Algorithm, key: &PublicKey);

    /// Forgets them.
    fn clear(&mut self);
}

/// A [`Table`] of at most `WORDS` 64-bit words, in its slot. Plain data.
#[repr(C)]
#[derive(Clone, Debug)]
pub struct InPlace<const WORDS: usize> {
    length: usize,
    words: [u64; WORDS],
}

impl<const WORDS: usize> InPlace<WORDS> {
    const EMPTY: Self = Self { length: 0, words: [0; WORDS] };
}

impl<const WORDS: usize> Default for InPlace<WORDS> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const WORDS: usize> Table for InPlace<WORDS> {
    fn words(&self) -> &[u64] {
        self.words.get(..self.length).unwrap_or(&[])
    }

    fn prepare(&mut self, algorithm: &dyn Algorithm, key: &PublicKey) {
        // Full last: a process that dies in between leaves no table in memory that it shares.
        let length = algorithm.prepare(key, &mut self.words).min(WORDS);
        compiler_fence(Ordering::SeqCst);
        self.length = length;
    }

    fn clear(&mut self) {
        self.length = 0;
    }
}

/// A place for the table of one key. Plain data where the table is: it may lie in memory that processes share.
#[repr(C)]
#[derive(Clone, Debug, Default)]
pub struct TableSlot<T> {
    thumbprint: [u8; 32],
    /// Good proofs since the key was taken up, halved when another key is; 0 for an empty place.
    uses: u32,
    table: T,
}

/// A [`TableSlot`] that holds `WORDS` 64-bit words by itself.
pub type KeySlot<const WORDS: usize> = TableSlot<InPlace<WORDS>>;

impl<const WORDS: usize> KeySlot<WORDS> {
    /// A place that holds nothing.
    pub const EMPTY: Self = Self { thumbprint: [0; 32], uses: 0, table: InPlace::EMPTY };
}

impl<T> TableSlot<T> {
    fn holds(&self, thumbprint: &Thumbprint) -> bool {
        self.uses > 0 && self.thumbprint == *thumbprint.as_bytes()
    }
}

/// A [`KeyMemory`] of fixed capacity. A client with many keys of its own can make it forget; that costs time and nothing else.
#[derive(Debug)]
pub struct KeyTables<M, T> {
    slots: M,
    key: HashKey,
    of: PhantomData<T>,
}

/// How many slots a key may lie in.
const WAYS: usize = 4;

impl<M, T: Table> KeyTables<M, T>
where
    M: AsRef<[TableSlot<T>]> + AsMut<[TableSlot<T>]>,
{
    /// Tables in `slots`, borrowed or owned, which are emptied; a rest that does not fill a group of 4 stays unused.
    ///
    /// # Errors
    /// [`Error::MemoryTooSmall`] below 4 slots.
    pub fn new(mut slots: M, key: HashKey) -> Result<Self, Error> {
        if slots.as_ref().len() < WAYS {
            return Err(Error::MemoryTooSmall);
        }
        for slot in slots.as_mut() {
            slot.uses = 0;
            slot.table.clear();
        }
        Ok(Self { slots, key, of: PhantomData })
    }

    /// Goes on with the slots that tables with the same key left behind: for memory that several processes share, one of which uses it at
    /// a time.
    ///
    /// # Errors
    /// [`Error::MemoryTooSmall`] below 4 slots.
    pub fn resume(slots: M, key: HashKey) -> Result<Self, Error> {
        if slots.as_ref().len() < WAYS { Err(Error::MemoryTooSmall) } else { Ok(Self { slots, key, of: PhantomData }) }
    }

    /// The table of a key, built or not; `None` for a key that is not remembered.
    pub fn table(&self, thumbprint: &Thumbprint) -> Option<&T> {
        let (groups, _) = self.slots.as_ref().as_chunks::<WAYS>();
        let ways = groups.get(self.group_of(thumbprint))?;
        ways.iter().find(|slot| slot.holds(thumbprint)).map(|slot| &slot.table)
    }

    fn group_of(&self, thumbprint: &Thumbprint) -> usize {
        let groups = u64::try_from(self.slots.as_ref().len() / WAYS).unwrap_or(1);
        let group = self.key.hash(thumbprint.as_bytes()).checked_rem(groups).unwrap_or(0);
        usize::try_from(group).unwrap_or(0)
    }
}

impl<M, T: Table> KeyMemory for KeyTables<M, T>
where
    M: AsRef<[TableSlot<T>]> + AsMut<[TableSlot<T>]>,
{
    fn prepared(&self, thumbprint: &Thumbprint) -> &[u64] {
        self.table(thumbprint).map_or(&[], Table::words)
    }

    fn seen(&mut self, thumbprint: &Thumbprint, algorithm: &dyn Algorithm, key: &PublicKey) {
        let group = self.group_of(thumbprint);
        let (groups, _) = self.slots.as_mut().as_chunks_mut::<WAYS>();
        let Some(ways) = groups.get_mut(group) else { return };
        if let Some(slot) = ways.iter_mut().find(|slot| slot.holds(thumbprint)) {
            slot.uses = slot.uses.saturating_add(1);
            if slot.uses == 2 && slot.table.words().is_empty() {
                slot.table.prepare(algorithm, key);
            }
            return;
        }
        for slot in ways.iter_mut() {
            slot.uses /= 2;
        }
        if let Some(slot) = ways.iter_mut().min_by_key(|slot| slot.uses) {
            slot.table.clear();
            slot.uses = 0;
            compiler_fence(Ordering::SeqCst);
            slot.thumbprint = *thumbprint.as_bytes();
            compiler_fence(Ordering::SeqCst);
            slot.uses = 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::algorithm::Primitive;
    use crate::jose::keys::Key;

    struct Counting;

    impl Algorithm for Counting {
        fn name(&self) -> &'static str {
            "ES256"
        }

        fn primitive(&self) -> Primitive {
            Primitive::EcdsaP256
        }

        fn admit(&self, _: &PublicKey) -> Result<(), Error> {
            Ok(())
        }

        fn verify(&self, _: &PublicKey, _: &[u8], _: &[u8]) -> Result<(), Error> {
            Ok(())
        }

        fn prepare(&self, _: &PublicKey, memory: &mut [u64]) -> usize {
            memory[0] += 1;
            1
        }
    }

    fn key() -> PublicKey {
        let jwk = format!(r#"{{"kty":"EC","crv":"P-256","x":"{0}","y":"{0}"}}"#, "A".repeat(43));
        Key::parse(jwk.as_bytes(), &[&Counting]).unwrap().public().clone()
    }

    #[test]
    fn a_table_is_built_once_at_the_second_proof() {
        let mut slots = vec![KeySlot::<4>::EMPTY; 4];
        let mut tables = KeyTables::new(&mut slots, HashKey::new([1; 16])).unwrap();
        let thumbprint = Thumbprint::from_bytes([9; 32]);
        tables.seen(&thumbprint, &Counting, &key());
        assert!(tables.prepared(&thumbprint).is_empty());
        for _ in 0..3 {
            tables.seen(&thumbprint, &Counting, &key());
            assert_eq!(tables.prepared(&thumbprint), [1]);
        }
        assert!(tables.prepared(&Thumbprint::from_bytes([8; 32])).is_empty());
    }

    #[test]
    fn keys_that_come_once_do_not_drive_out_one_that_stays() {
        let mut slots = vec![KeySlot::<4>::EMPTY; 4];
        let mut tables = KeyTables::new(&mut slots, HashKey::new([1; 16])).unwrap();
        let regular = Thumbprint::from_bytes([9; 32]);
        for other in 10..100 {
            for _ in 0..4 {
                tables.seen(&regular, &Counting, &key());
            }
            tables.seen(&Thumbprint::from_bytes([other; 32]), &Counting, &key());
            assert!(other == 10 || !tables.prepared(&regular).is_empty(), "{other}");
        }
    }
}
