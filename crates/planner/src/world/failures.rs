//! The last launches that failed, bounded, so that a person can see whether there was one
//! lately and not only how many there were in a row.

use alloc::collections::VecDeque;
use core::time::Duration;

use headcount_model::Timestamp;

use crate::PoolId;

/// Failed launches remembered over all pools; older ones make room.
const CAPACITY: usize = 256;

/// One launch that failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LaunchFailure {
    /// When.
    pub at: Timestamp,
    /// In which pool.
    pub pool: PoolId,
}

/// The last launches that failed, oldest first.
#[derive(Clone, Debug)]
pub struct Failures {
    capacity: usize,
    ring: VecDeque<LaunchFailure>,
}

impl Failures {
    const fn with_capacity(capacity: usize) -> Self {
        Self {
            capacity,
            ring: VecDeque::new(),
        }
    }

    pub(crate) fn record(&mut self, failure: LaunchFailure) {
        while self.ring.len() >= self.capacity {
            self.ring.pop_front();
        }
        self.ring.push_back(failure);
    }

    /// Failures of a pool within `window` before `now`.
    #[must_use]
    pub fn lately(&self, pool: PoolId, window: Duration, now: Timestamp) -> u32 {
        let recent = |failure: &&LaunchFailure| now.since(failure.at) <= window;
        let of_pool = self.ring.iter().filter(|failure| failure.pool == pool);
        crate::world_count(of_pool.filter(recent).count())
    }
}

impl Default for Failures {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn failure(second: u64) -> LaunchFailure {
        LaunchFailure {
            at: Timestamp::from_millis(second * 1000),
            pool: PoolId(0),
        }
    }

    #[test]
    fn t1_a_full_ring_keeps_the_last() {
        let mut failures = Failures::with_capacity(3);
        (1..=5).for_each(|second| failures.record(failure(second)));
        let kept: Vec<LaunchFailure> = failures.ring.into_iter().collect();
        assert_eq!(kept, [failure(3), failure(4), failure(5)]);
    }

    #[test]
    fn t2_only_what_lies_in_the_window_counts() {
        let mut failures = Failures::default();
        failures.record(failure(1));
        failures.record(failure(9));
        let now = Timestamp::from_millis(10_000);
        assert_eq!(failures.lately(PoolId(0), Duration::from_secs(5), now), 1);
        assert_eq!(failures.lately(PoolId(1), Duration::from_secs(5), now), 0);
    }
}
