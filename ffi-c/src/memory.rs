//! Tables in memory that the caller provides and that several processes may share: no pointer lies in it, one process lays it out and
//! the others take it as it is.

use counterfoil::Error;
use counterfoil::wire::siphash::HashKey;

use crate::boundary::{Buffer, Bytes, Lock, Plain, Zone, plain};
use crate::lock::hold;

/// The words ahead of the entries. The first is the lock; those behind it are [`HEADER`]'s.
const START: usize = 8;

/// Places behind the lock: layout, number of entries, hash key, what the table itself keeps.
const LAYOUT: usize = 0;
const COUNT: usize = 1;
const KEY: usize = 2;
const STATE: usize = 4;
const ENTRIES: usize = START - 1;

/// What a kind of table has for entries.
pub(crate) trait Kind {
    type Entry: Plain;
    /// Tells the kinds apart, and the versions of each.
    const NUMBER: u64;
    /// The fewest entries of a table.
    const FEWEST: usize;

    /// Kind, version, size of an entry and byte order: another version's memory is not taken for one's own.
    const LAYOUT: u64 = 0xc0f0_0000_0000_0000 | Self::NUMBER << 32 | size_of::<Self::Entry>() as u64;
}

/// A table's memory and lock.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    zone: Zone,
    lock: Option<Lock>,
}

/// What is kept beside the entries.
pub(crate) struct State<'z> {
    pub(crate) key: HashKey,
    pub(crate) own: &'z mut u64,
}

/// How many octets a table of so many entries takes.
pub(crate) const fn size_of_table<K: Kind>(entries: usize) -> usize {
    entries.saturating_mul(size_of::<K::Entry>()).saturating_add(START * size_of::<u64>())
}

/// Lays a table out in `memory`, whatever it held.
pub(crate) fn format<K: Kind>(memory: Buffer<'_>, random: Bytes<'_>) -> Result<(), Error> {
    let random: [u8; 16] = random.read()?.try_into().map_err(|_| Error::SecretTooShort)?;
    let words = memory.words()?;
    let (lock, words) = words.split_first_mut().ok_or(Error::MemoryTooSmall)?;
    let (header, entries) = words.split_at_mut_checked(ENTRIES).ok_or(Error::MemoryTooSmall)?;
    let count = plain::<K::Entry>(entries).len();
    if count < K::FEWEST {
        return Err(Error::MemoryTooSmall);
    }
    *lock = 0;
    header.fill(0);
    entries.fill(0);
    let (halves, _) = random.as_chunks::<8>();
    for (word, half) in header[KEY..].iter_mut().zip(halves) {
        *word = u64::from_ne_bytes(*half);
    }
    header[COUNT] = count as u64;
    header[LAYOUT] = K::LAYOUT;
    Ok(())
}

impl Table {
    /// Takes memory that was laid out for this kind of table, here or in another process.
    pub(crate) fn open<K: Kind>(memory: Buffer<'_>, lock: Option<&Lock>) -> Result<Self, Error> {
        if lock.is_some_and(|lock| lock.acquire.is_none() || lock.release.is_none()) {
            return Err(Error::NullPointer);
        }
        let table = Self { zone: Zone::new(memory)?, lock: lock.copied() };
        // Memory that is no table has no lock either.
        if table.zone.settled(1 + LAYOUT) != Some(K::LAYOUT) {
            return Err(Error::LayoutUnknown);
        }
        table.with::<K, ()>(|_, _| ())?;
        Ok(table)
    }

    /// Lets `work` use the table, alone.
    pub(crate) fn with<K: Kind, R>(&self, work: impl FnOnce(State<'_>, &mut [K::Entry]) -> R) -> Result<R, Error> {
        let mut held = hold(&self.zone, self.lock.as_ref())?;
        let words = self.zone.exclusive(&mut held);
        let (header, entries) = words.split_first_chunk_mut::<ENTRIES>().ok_or(Error::MemoryTooSmall)?;
        let entries = plain::<K::Entry>(entries);
        let count = usize::try_from(header[COUNT]).unwrap_or(usize::MAX);
        if header[LAYOUT] != K::LAYOUT || count < K::FEWEST {
            return Err(Error::LayoutUnknown);
        }
        let entries = entries.get_mut(..count).ok_or(Error::LayoutUnknown)?;
        let mut random = [0; 16];
        random.as_chunks_mut::<8>().0.iter_mut().zip(&header[KEY..]).for_each(|(half, word)| *half = word.to_ne_bytes());
        Ok(work(State { key: HashKey::new(random), own: &mut header[STATE] }, entries))
    }
}
