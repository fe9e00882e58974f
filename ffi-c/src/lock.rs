//! Who may use the memory of a table: one at a time.

use core::sync::atomic::Ordering;

use counterfoil::Error;

use crate::boundary::{Lock, Zone};

/// Evidence that the lock of a zone is held; it is given back when this goes.
pub(crate) struct Held<'a> {
    zone: &'a Zone,
    lock: Option<&'a Lock>,
}

/// Waits for the caller's lock, or for the one in the memory itself where the caller gave none.
pub(crate) fn hold<'a>(zone: &'a Zone, lock: Option<&'a Lock>) -> Result<Held<'a>, Error> {
    match lock {
        Some(lock) if !lock.acquire() => return Err(Error::LookupUnavailable),
        Some(_) => {}
        None => {
            let word = zone.lock_word();
            while word.compare_exchange_weak(0, 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
                wait();
            }
        }
    }
    Ok(Held { zone, lock })
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        match self.lock {
            Some(lock) => lock.release(),
            None => self.zone.lock_word().store(0, Ordering::Release),
        }
    }
}

fn wait() {
    #[cfg(feature = "std")]
    std::thread::yield_now();
    #[cfg(not(feature = "std"))]
    core::hint::spin_loop();
}
