//! What a source has done since it was opened, and what it has in hand.

use std::sync::atomic::{AtomicU64, Ordering};

use super::shared::Shared;

/// Counts since the start, and what is held at this moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SourceStats {
    /// Entries that became jobs.
    pub taken: u64,
    /// Entries that were taken over from silent consumers.
    pub claimed: u64,
    /// Entries that were acknowledged.
    pub acknowledged: u64,
    /// Entries that became dead letters.
    pub buried: u64,
    /// Entries that are pending for us.
    pub held: u64,
    /// Ends that Redis has not heard of yet.
    pub untold: u64,
}

/// The counting part.
#[derive(Default)]
pub(super) struct Counters {
    taken: AtomicU64,
    claimed: AtomicU64,
    acknowledged: AtomicU64,
    buried: AtomicU64,
}

impl Counters {
    pub(super) fn taken(&self, n: usize) {
        add(&self.taken, n);
    }

    pub(super) fn claimed(&self, n: usize) {
        add(&self.claimed, n);
    }

    pub(super) fn acknowledged(&self, n: usize) {
        add(&self.acknowledged, n);
    }

    pub(super) fn buried(&self, was_pending: bool) {
        add(&self.buried, usize::from(was_pending));
    }
}

fn add(counter: &AtomicU64, n: usize) {
    counter.fetch_add(n as u64, Ordering::Relaxed);
}

impl Shared {
    pub(super) fn stats(&self) -> SourceStats {
        let index = self.index();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SourceStats {
            taken: read(&self.counters.taken),
            claimed: read(&self.counters.claimed),
            acknowledged: read(&self.counters.acknowledged),
            buried: read(&self.counters.buried),
            held: index.n_held(),
            untold: index.n_untold(),
        }
    }
}
