//! The `kid`s that were asked for in vain: asking again for the same one would only do an attacker's work.

use core::time::Duration;
use std::collections::HashMap;
use std::time::Instant;

use counterfoil::Error;
use counterfoil::wire::siphash::HashKey;

use crate::memory::random_hash_key;

/// How long a `kid` that no look found is not looked for again.
const FORGET_AFTER: Duration = Duration::from_secs(60);
/// How many of them are remembered; beyond that all are forgotten, and only the bound on looks holds.
const MOST: usize = 1024;

/// Keyed hashes of `kid`s: an attacker chooses them.
#[derive(Debug)]
pub(super) struct UnknownKids {
    key: HashKey,
    in_vain: HashMap<u64, Instant>,
    /// Asked for since the last look began.
    asked: Vec<u64>,
    /// What the present look is for.
    sought: Vec<u64>,
}

/// What a `kid` that is not there is worth.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    /// It was looked for in vain.
    Nothing,
    /// It is being looked for.
    Waiting,
    /// It has not been looked for.
    Look,
}

impl UnknownKids {
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self { key: random_hash_key()?, in_vain: HashMap::new(), asked: Vec::new(), sought: Vec::new() })
    }

    /// Notes that a token names `kid`.
    pub(super) fn ask(&mut self, kid: Option<&[u8]>) -> Worth {
        let hash = kid.map_or(0, |kid| self.key.hash(kid));
        if self.in_vain.get(&hash).is_some_and(|since| since.elapsed() < FORGET_AFTER) {
            return Worth::Nothing;
        }
        if self.sought.contains(&hash) {
            return Worth::Waiting;
        }
        if self.asked.len() < MOST && !self.asked.contains(&hash) {
            self.asked.push(hash);
        }
        Worth::Look
    }

    /// A look begins.
    pub(super) fn take_up(&mut self) {
        self.sought = core::mem::take(&mut self.asked);
    }

    /// A look brought a set. `has` says whether a key of it has a `kid` that the given test knows.
    pub(super) fn settle(&mut self, has: impl Fn(&dyn Fn(&[u8]) -> bool) -> bool) {
        let key = self.key;
        let now = Instant::now();
        if self.in_vain.len() + self.sought.len() > MOST {
            self.in_vain.clear();
        }
        for sought in core::mem::take(&mut self.sought) {
            if !has(&|kid| key.hash(kid) == sought) {
                self.in_vain.insert(sought, now);
            }
        }
        self.in_vain.retain(|in_vain, _| !has(&|kid| key.hash(kid) == *in_vain));
    }

    /// A look brought nothing: it proves nothing about any `kid`.
    pub(super) fn give_up(&mut self) {
        self.sought.clear();
    }
}
