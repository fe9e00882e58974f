//! How often somebody may ask: a bucket of one second's requests, refilled as time goes by.

use core::hash::Hash;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Buckets by whom they are for.
#[derive(Debug)]
pub(crate) struct Rates<K> {
    /// Requests a second; 0 for no limit.
    rate: u32,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    /// Thousandths of a request that may still be made.
    left: u64,
    filled: Instant,
}

/// A request, in thousandths.
const ONE: u64 = 1000;
/// Buckets at most; full ones are given up first, which changes nothing for anybody.
const MOST: usize = 100_000;

impl<K: Eq + Hash> Rates<K> {
    pub(crate) fn new(rate: u32) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Whether one more request may be made now; it counts.
    pub(crate) fn admits(&self, who: K, now: Instant) -> bool {
        if self.rate == 0 {
            return true;
        }
        let full = u64::from(self.rate).saturating_mul(ONE);
        let refill = |bucket: &Bucket| {
            let passed = u64::try_from(now.saturating_duration_since(bucket.filled).as_millis()).unwrap_or(u64::MAX);
            bucket.left.saturating_add(passed.saturating_mul(u64::from(self.rate))).min(full)
        };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST {
            buckets.retain(|_, bucket| refill(bucket) < full);
        }
        if buckets.len() >= MOST {
            return false;
        }
        let bucket = buckets.entry(who).or_insert(Bucket { left: full, filled: now });
        *bucket = Bucket { left: refill(bucket), filled: now };
        if bucket.left < ONE {
            return false;
        }
        bucket.left -= ONE;
        true
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn a_seconds_worth_at_once_and_then_as_time_goes_by() {
        let (rates, start) = (Rates::new(10), Instant::now());
        assert_eq!((0..20).filter(|_| rates.admits("a", start)).count(), 10);
        assert!(rates.admits("b", start));
        assert_eq!((0..20).filter(|_| rates.admits("a", start + Duration::from_millis(500))).count(), 5);
        assert_eq!((0..20).filter(|_| rates.admits("a", start + Duration::from_secs(60))).count(), 10);
        let unlimited = Rates::new(0);
        assert!((0..1000).all(|_| unlimited.admits("a", start)));
    }
}
