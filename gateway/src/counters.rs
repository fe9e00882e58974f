//! How often each verdict was given, for metrics.

use core::sync::atomic::{AtomicU64, Ordering};

use counterfoil::Error;

/// Counts verdicts; never says anything about the input.
pub(crate) struct Counters {
    accepted: AtomicU64,
    /// In the order of [`Error::ALL`].
    refused: Box<[AtomicU64]>,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self { accepted: AtomicU64::new(0), refused: Error::ALL.iter().map(|_| AtomicU64::new(0)).collect() }
    }

    pub(crate) fn count<T>(&self, verdict: Result<&T, Error>) {
        let counter = match verdict {
            Ok(_) => Some(&self.accepted),
            Err(error) => Error::ALL.iter().position(|own| *own == error).and_then(|place| self.refused.get(place)),
        };
        counter.into_iter().for_each(|counter| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
    }

    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    pub(crate) fn refused(&self) -> impl Iterator<Item = (Error, u64)> {
        Error::ALL.iter().copied().zip(self.refused.iter().map(|counter| counter.load(Ordering::Relaxed)))
    }
}
