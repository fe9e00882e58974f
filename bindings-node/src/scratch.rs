//! What a thread has of its own: scratch memory, and the time.

use core::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use counterfoil::UnixTime;
use counterfoil_gateway::Scratch;

std::thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

/// Lends this thread's scratch memory. No JavaScript runs meanwhile, so nobody asks for it twice.
pub(crate) fn with_scratch<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
    SCRATCH.with_borrow_mut(work)
}

/// The system's clock, unless the caller says what time it is.
pub(crate) fn time(now: Option<f64>) -> UnixTime {
    let system = || UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()));
    now.map_or_else(system, whole)
}

/// Whole seconds of a number of JavaScript's. One that is no time is the last of all, at which everything has expired.
pub(crate) fn whole(seconds: f64) -> UnixTime {
    UnixTime(if seconds >= 0.0 { seconds as u64 } else { u64::MAX })
}
