//! The waiting jobs of one class, oldest first.

use std::collections::{BTreeSet, VecDeque};

use headcount_model::{JobId, Timestamp};

/// Ids in order, and moments of expiry in order. A deque, because jobs come at the back,
/// go from the front, and their position is asked for.
#[derive(Default, Debug)]
pub(super) struct ClassQueue {
    waiting: VecDeque<JobId>,
    expiries: BTreeSet<(Timestamp, JobId)>,
}

impl ClassQueue {
    pub(super) fn insert(&mut self, job: JobId, expires_at: Option<Timestamp>) {
        if let Err(place) = self.waiting.binary_search(&job) {
            self.waiting.insert(place, job);
            self.expiries.extend(expires_at.map(|at| (at, job)));
        }
    }

    pub(super) fn remove(&mut self, job: JobId, expires_at: Option<Timestamp>) {
        if let Ok(place) = self.waiting.binary_search(&job) {
            self.waiting.remove(place);
        }
        if let Some(at) = expires_at {
            self.expiries.remove(&(at, job));
        }
    }

    pub(super) fn oldest(&self) -> Option<JobId> {
        self.waiting.front().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many stand before it.
    pub(super) fn ahead_of(&self, job: JobId) -> Option<usize> {
        self.waiting.binary_search(&job).ok()
    }

    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.expiries.first().map(|(at, _)| *at)
    }

    /// The first `n` whose time is up.
    pub(super) fn expired(&self, now: Timestamp, n: usize) -> Vec<JobId> {
        let due = self.expiries.iter().take_while(|(at, _)| *at <= now);
        due.take(n).map(|(_, job)| *job).collect()
    }

    /// The first `n` of all.
    pub(super) fn first(&self, n: usize) -> Vec<JobId> {
        self.waiting.iter().take(n).copied().collect()
    }
}
