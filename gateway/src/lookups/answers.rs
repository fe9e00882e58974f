//! Answers, remembered under the SHA-256 of what was asked about: bounded, and forgetting what would be forgotten first anyway.

use counterfoil::oauth::split_token::CounterfoilKey;
use counterfoil::wire::siphash::HashKey;
use counterfoil::{Error, UnixTime};

use crate::memory::Shards;

/// How many places an answer may lie in.
const WAYS: usize = 4;

pub(crate) struct Answers<V>(Shards<Places<V>>);

struct Places<V> {
    places: Box<[Option<Place<V>>]>,
    key: HashKey,
}

struct Place<V> {
    key: [u8; 32],
    until: UnixTime,
    answer: V,
}

impl<V: Clone> Answers<V> {
    pub(super) fn new(capacity: usize) -> Result<Self, Error> {
        let shard = |places: usize, key| Ok(Places { places: (0..places.next_multiple_of(WAYS)).map(|_| None).collect(), key });
        Shards::build(capacity.max(WAYS), 64, shard).map(Self)
    }

    /// The answer, and the first second in which it is not current any more.
    pub(super) fn get(&self, key: &CounterfoilKey) -> Option<(V, UnixTime)> {
        let mut shard = self.0.of(key.as_bytes());
        let found = shard.ways(key.as_bytes()).iter().flatten().find(|place| place.key == *key.as_bytes())?;
        Some((found.answer.clone(), found.until))
    }

    pub(super) fn put(&self, key: &CounterfoilKey, answer: V, until: UnixTime) {
        let own = *key.as_bytes();
        let mut shard = self.0.of(&own);
        let rank = |place: &Option<Place<V>>| match place {
            Some(place) if place.key == own => (0, UnixTime(0)),
            None => (1, UnixTime(0)),
            Some(place) => (2, place.until),
        };
        if let Some(place) = shard.ways(&own).iter_mut().min_by_key(|place| rank(place)) {
            *place = Some(Place { key: own, until, answer });
        }
    }

    pub(super) fn remove(&self, key: &CounterfoilKey) {
        let mut shard = self.0.of(key.as_bytes());
        for place in shard.ways(key.as_bytes()) {
            place.take_if(|place| place.key == *key.as_bytes());
        }
    }
}

impl<V> Places<V> {
    fn ways(&mut self, key: &[u8; 32]) -> &mut [Option<Place<V>>] {
        let sets = (self.places.len() / WAYS) as u64;
        let start = (self.key.hash(key) % sets) as usize * WAYS;
        &mut self.places[start..start + WAYS]
    }
}
