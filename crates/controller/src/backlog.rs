//! When it is said that jobs pile up: once when so many have waited for so long, and once
//! when it is over.
//!
//! Promise: pure; a number that is reached for a moment says nothing. Leaves to others:
//! counting the jobs and saying it (`run`).

use std::num::NonZeroU64;
use std::time::Duration;

use headcount_model::Timestamp;
use headcount_planner::{Wake, WakeReason};

/// Jobs must pile up for so long before it is said.
pub(crate) const SUSTAINED: Duration = Duration::from_secs(5);
/// Classes that are named with it, the largest first.
pub(crate) const MAX_CLASSES: usize = 10;

/// The rule and how it stands.
///
/// ```text
///          reached            for SUSTAINED: said
///  Below ----------> Reached ---------------------> Sustained
///    ^  fewer again     |        fewer again: said      |
///    +------------------+-------------------------------+
/// ```
pub(crate) struct Backlog {
    threshold: Option<NonZeroU64>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Below,
    Reached { since: Timestamp },
    Sustained,
}

/// What is to be said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// Jobs have piled up.
    Sustained,
    /// They no longer do.
    Over,
}

impl Backlog {
    /// With `None` nothing is ever said.
    pub(crate) const fn new(threshold: Option<NonZeroU64>) -> Self {
        Self {
            threshold,
            state: State::Below,
        }
    }

    /// From how many waiting jobs on; `None` when nothing is ever said.
    pub(crate) const fn threshold(&self) -> Option<NonZeroU64> {
        self.threshold
    }

    /// So many jobs wait now.
    pub(crate) fn look(&mut self, depth: u64, now: Timestamp) -> Option<Turn> {
        let threshold = self.threshold?;
        let (state, turn) = step(self.state, depth >= threshold.get(), now);
        self.state = state;
        turn
    }

    /// When to look again although nothing changes.
    pub(crate) fn wake(&self) -> Option<Wake> {
        let State::Reached { since } = self.state else {
            return None;
        };
        Some(Wake {
            at: since.after(SUSTAINED),
            reason: WakeReason::Backlog,
        })
    }
}

fn step(state: State, reached: bool, now: Timestamp) -> (State, Option<Turn>) {
    match (state, reached) {
        (State::Below, true) => (State::Reached { since: now }, None),
        (State::Reached { since }, true) if now.since(since) >= SUSTAINED => {
            (State::Sustained, Some(Turn::Sustained))
        }
        (State::Sustained, false) => (State::Below, Some(Turn::Over)),
        (State::Reached { .. }, false) => (State::Below, None),
        (State::Below, false) | (State::Reached { .. } | State::Sustained, true) => (state, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn every_state_with_every_input() {
        let reached = State::Reached { since: at(1_000) };
        let sustained = Some(Turn::Sustained);
        for (state, enough, now, next, turn) in [
            (State::Below, false, 1_000, State::Below, None),
            (State::Below, true, 1_000, reached, None),
            (reached, true, 5_999, reached, None),
            (reached, true, 6_000, State::Sustained, sustained),
            (reached, false, 9_000, State::Below, None),
            (State::Sustained, true, 9_000, State::Sustained, None),
            (
                State::Sustained,
                false,
                9_000,
                State::Below,
                Some(Turn::Over),
            ),
        ] {
            assert_eq!(
                step(state, enough, at(now)),
                (next, turn),
                "{state:?} {enough}"
            );
        }
    }

    #[test]
    fn a_daemon_wakes_for_it_only_until_it_is_said() {
        let mut backlog = Backlog::new(NonZeroU64::new(100));
        assert_eq!(backlog.look(99, at(0)), None);
        assert_eq!(backlog.wake(), None);
        assert_eq!(backlog.look(100, at(1_000)), None);
        let wake = backlog.wake().unwrap();
        assert_eq!((wake.at, wake.reason.code()), (at(6_000), "backlog"));
        assert_eq!(backlog.look(150, wake.at), Some(Turn::Sustained));
        assert_eq!(backlog.wake(), None);
        assert_eq!(backlog.look(0, at(7_000)), Some(Turn::Over));
    }

    #[test]
    fn without_a_threshold_nothing_is_said() {
        let mut backlog = Backlog::new(None);
        assert_eq!(backlog.look(u64::MAX, at(0)), None);
        assert_eq!(backlog.look(u64::MAX, at(99_000)), None);
        assert_eq!(backlog.wake(), None);
    }
}
