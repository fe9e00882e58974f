//! The interpreter's lock: given away while a token is judged, and taken back without sleeping for it.
//!
//! Threads that judge one token after the other hold the lock for a microsecond between two calls. To fall asleep over that, and to be woken,
//! takes several: two threads did 1.6 times as much as one, and now do 1.9 times. So who has judged a token waits a moment, awake, where
//! another thread came back with the lock so shortly ago that it may be about to give it away again. Who does something else with the lock is
//! waited for asleep, as always.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::LazyLock;
use std::time::Instant;

use pyo3::Python;

/// Longer than what stands between two calls of a loop.
const MOMENT: u64 = 3_000;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// When a thread came back from here with the lock, in nanoseconds since the start; 0 when one has given it away since. Only a hint.
static TAKEN: AtomicU64 = AtomicU64::new(0);

fn now() -> u64 {
    u64::try_from(START.elapsed().as_nanos()).map_or(u64::MAX, |now| now.max(1))
}

/// Works without the lock.
pub(crate) fn without<T: Send>(py: Python<'_>, work: impl Send + FnOnce() -> T) -> T {
    TAKEN.store(0, Ordering::Relaxed);
    let done = py.detach(|| {
        let done = work();
        while is_taken_for_a_moment() {
            core::hint::spin_loop();
        }
        done
    });
    TAKEN.store(now(), Ordering::Relaxed);
    done
}

fn is_taken_for_a_moment() -> bool {
    match TAKEN.load(Ordering::Relaxed) {
        0 => false,
        taken => now().saturating_sub(taken) < MOMENT,
    }
}
