//! Tables for DPoP keys that come again, in memory that the caller provides: the second proof of a key pays for all that follow.

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

/// A place for the table of one key, of `WORDS` 64-bit words.
#[derive(Clone, Debug)]
pub struct KeySlot<const WORDS: usize> {
    thumbprint: [u8; 32],
    /// Good proofs since the key was taken up, halved when another key is; 0 for an empty place.
    uses: u32,
    length: usize,
    table: [u64; WORDS],
}

impl<const WORDS: usize> KeySlot<WORDS> {
    /// A place that holds nothing.
    pub const EMPTY: Self = Self { thumbprint: [0; 32], uses: 0, length: 0, table: [0; WORDS] };

    fn holds(&self, thumbprint: &Thumbprint) -> bool {
        self.uses > 0 && self.thumbprint == *thumbprint.as_bytes()
    }
}

/// A [`KeyMemory`] of fixed capacity. A client with many keys of its own can make it forget; that costs time and nothing else.
#[derive(Debug)]
pub struct KeyTables<'m, const WORDS: usize> {
    slots: &'m mut [KeySlot<WORDS>],
    key: HashKey,
}

/// How many slots a key may lie in.
const WAYS: usize = 4;

impl<'m, const WORDS: usize> KeyTables<'m, WORDS> {
    /// Tables in `slots`, which are emptied; a rest that does not fill a group of 4 stays unused.
    ///
    /// # Errors
    /// [`Error::MemoryTooSmall`] below 4 slots.
    pub fn new(slots: &'m mut [KeySlot<WORDS>], key: HashKey) -> Result<Self, Error> {
        if slots.len() < WAYS {
            return Err(Error::MemoryTooSmall);
        }
        for slot in slots.iter_mut() {
            (slot.uses, slot.length) = (0, 0);
        }
        Ok(Self { slots, key })
    }

    fn group_of(&self, thumbprint: &Thumbprint) -> usize {
        let groups = u64::try_from(self.slots.len() / WAYS).unwrap_or(1);
        let group = self.key.hash(thumbprint.as_bytes()).checked_rem(groups).unwrap_or(0);
        usize::try_from(group).unwrap_or(0)
    }
}

impl<const WORDS: usize> KeyMemory for KeyTables<'_, WORDS> {
    fn prepared(&self, thumbprint: &Thumbprint) -> &[u64] {
        let (groups, _) = self.slots.as_chunks::<WAYS>();
        let ways = groups.get(self.group_of(thumbprint)).map_or(&[][..], |group| group);
        let found = ways.iter().find(|slot| slot.holds(thumbprint));
        found.and_then(|slot| slot.table.get(..slot.length)).unwrap_or(&[])
    }

    fn seen(&mut self, thumbprint: &Thumbprint, algorithm: &dyn Algorithm, key: &PublicKey) {
        let group = self.group_of(thumbprint);
        let (groups, _) = self.slots.as_chunks_mut::<WAYS>();
        let Some(ways) = groups.get_mut(group) else { return };
        if let Some(slot) = ways.iter_mut().find(|slot| slot.holds(thumbprint)) {
            slot.uses = slot.uses.saturating_add(1);
            if slot.uses == 2 && slot.length == 0 {
                slot.length = algorithm.prepare(key, &mut slot.table).min(WORDS);
            }
            return;
        }
        for slot in ways.iter_mut() {
            slot.uses /= 2;
        }
        if let Some(slot) = ways.iter_mut().min_by_key(|slot| slot.uses) {
            (slot.thumbprint, slot.uses, slot.length) = (*thumbprint.as_bytes(), 1, 0);
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
