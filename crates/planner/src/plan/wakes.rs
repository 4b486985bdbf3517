//! When time alone would change the answer.

use headcount_model::Timestamp;

use crate::{Wake, WakeReason};

/// Collects moments; the first one wins.
pub(crate) struct Wakes {
    now: Timestamp,
    first: Option<Wake>,
}

impl Wakes {
    pub(crate) const fn new(now: Timestamp) -> Self {
        Self { now, first: None }
    }

    /// Something is due at `at`. What is due already is acted on in this plan, or waits
    /// for an answer: neither needs a timer.
    pub(crate) fn at(&mut self, at: Timestamp, reason: WakeReason) {
        let wake = Wake { at, reason };
        if at > self.now && at < Timestamp::MAX && self.first.is_none_or(|first| wake < first) {
            self.first = Some(wake);
        }
    }

    /// Whether `at` has come; if not, it is remembered.
    pub(crate) fn due(&mut self, at: Timestamp, reason: WakeReason) -> bool {
        self.at(at, reason);
        at <= self.now
    }

    pub(crate) const fn first(&self) -> Option<Wake> {
        self.first
    }
}
