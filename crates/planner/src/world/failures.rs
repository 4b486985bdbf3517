//! The last launches that failed, bounded, so that a person can see whether there was one
//! lately and not only how many there were in a row.

use alloc::collections::VecDeque;
use alloc::string::String;
use core::time::Duration;

use headcount_model::{AgentId, BackendId, Timestamp};

use crate::PoolId;

/// Failed launches remembered over all pools; older ones make room.
const CAPACITY: usize = 256;

/// One launch that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LaunchFailure {
    /// When.
    pub at: Timestamp,
    /// In which pool.
    pub pool: PoolId,
    /// Whose.
    pub agent: AgentId,
    /// Where it was to live.
    pub backend: BackendId,
    /// What went wrong.
    pub message: String,
}

/// The last launches that failed, oldest first.
#[derive(Clone, Debug)]
pub struct Failures {
    capacity: usize,
    ring: VecDeque<LaunchFailure>,
    /// All that were ever recorded, those that made room included.
    count: u64,
}

impl Failures {
    const fn with_capacity(capacity: usize) -> Self {
        Self {
            capacity,
            ring: VecDeque::new(),
            count: 0,
        }
    }

    pub(crate) fn record(&mut self, failure: LaunchFailure) {
        while self.ring.len() >= self.capacity {
            self.ring.pop_front();
        }
        self.ring.push_back(failure);
        self.count += 1;
    }

    /// How many there were since the start.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Those after the first `seen`, oldest first, as far as they are still remembered.
    pub fn after(&self, seen: u64) -> impl Iterator<Item = &LaunchFailure> {
        let new = usize::try_from(self.count.saturating_sub(seen)).unwrap_or(usize::MAX);
        let known = self.ring.len().saturating_sub(new);
        self.ring.iter().skip(known)
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
            agent: AgentId {
                epoch: 1,
                number: 1,
            },
            backend: BackendId::new("b"),
            message: String::new(),
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
    fn a_reader_sees_each_once() {
        let mut failures = Failures::with_capacity(3);
        (1..=2).for_each(|second| failures.record(failure(second)));
        let seen = failures.count();
        assert_eq!(failures.after(seen).count(), 0);
        failures.record(failure(3));
        assert!(failures.after(seen).eq([&failure(3)]));
        (4..=9).for_each(|second| failures.record(failure(second)));
        assert_eq!(
            failures.after(seen).count(),
            3,
            "those it was too late for are gone"
        );
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
