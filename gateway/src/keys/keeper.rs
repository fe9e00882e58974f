//! The thread that keeps one issuer's keys current.

use std::time::Instant;

use super::{KeyFailure, Shared, State};
use crate::memory::locked;

/// A source of keys that must be looked at from time to time.
pub(super) trait Keeper: Send {
    /// When to look next; sooner where a token named a key that is not there.
    fn next_look(&self, wanted: bool) -> Instant;

    /// Looks at the source.
    fn look(&mut self, shared: &Shared) -> Result<(), KeyFailure>;
}

/// Looks at the source whenever it is time, until the ring is dropped.
pub(super) fn run(shared: &Shared, mut keeper: Box<dyn Keeper>) {
    loop {
        let mut state = locked(&shared.state);
        loop {
            if state.stop {
                return;
            }
            let Some(left) = keeper.next_look(state.wanted).checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                break;
            };
            state = shared.wake.wait_timeout(state, left).map_or_else(|poison| poison.into_inner().0, |(state, _)| state);
        }
        state.is_looking = true;
        state.wanted = false;
        state.unknown.take_up();
        drop(state);
        let found = keeper.look(shared);
        conclude(shared, &mut locked(&shared.state), found);
        shared.looked.notify_all();
    }
}

fn conclude(shared: &Shared, state: &mut State, found: Result<(), KeyFailure>) {
    state.is_looking = false;
    state.looks += 1;
    state.status.looks += 1;
    match found {
        Ok(()) => state.unknown.settle(|kid| {
            let current = shared.current.load();
            current.as_ref().is_some_and(|keys| keys.keys().iter().any(|key| key.kid().is_some_and(|own| kid(own.as_bytes()))))
        }),
        Err(failure) => {
            state.unknown.give_up();
            state.status.failures += 1;
            state.status.last_failure = Some(failure);
        }
    }
}
