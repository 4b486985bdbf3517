//! Signals: numbers that stand for demand without naming jobs, bound to one pool.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::hash::{Hash, Hasher};
use core::time::Duration;

use crate::{Timestamp, Trouble};

/// What all triggers of one pool said, read one after the other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sample {
    /// Grows with every sample of this pool within one run.
    pub number: u64,
    /// When reading began; what happened later may not be in it.
    pub as_of: Timestamp,
    /// One per trigger of the pool, in file order.
    pub readings: Vec<Reading>,
    /// When time alone will change a reading, such as a window that opens.
    pub next_change: Option<Timestamp>,
    /// For those who measure; nothing is decided by it.
    pub timing: Timing,
}

/// How long things took that led to a sample.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Timing {
    /// When the oldest of what this sample tells of for the first time arrived, by the clock
    /// of [`Sample::as_of`] and never after it; absent when nothing in it is new, and where
    /// nobody can tell.
    pub arrived: Option<Timestamp>,
    /// How long each trigger took to be read, in order; empty where nobody measured.
    pub took: Vec<Duration>,
}

/// What one trigger said. Could not tell is not zero.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reading {
    /// A number.
    Known(Measure),
    /// It could not be read.
    Unknown(Trouble),
}

/// A number, and what it is made of where the trigger can tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Measure {
    /// What policies count with.
    pub value: Level,
    /// Where the value is the entries of a consumer group.
    pub backlog: Option<Backlog>,
}

/// The entries of a stream that a consumer group has not acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Backlog {
    /// Not delivered to anybody yet.
    pub waiting: u64,
    /// Delivered and neither acknowledged nor orphaned.
    pub in_flight: u64,
    /// Delivered to somebody who is silent for so long that another may claim them.
    pub claimable: u64,
}

impl Backlog {
    /// Everything that somebody must still do.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.waiting
            .saturating_add(self.in_flight)
            .saturating_add(self.claimable)
    }
}

/// A quantity of demand: any number, compared as `f64::total_cmp` does so that worlds can
/// be compared. A policy reads what is negative or not finite as zero.
#[derive(Clone, Copy, Debug, Default)]
pub struct Level(pub f64);

impl Level {
    /// From a count. Exact up to 2^53.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "no queue of more than 2^53 entries exists"
    )]
    pub const fn count(count: u64) -> Self {
        Self(count as f64)
    }
}

impl PartialEq for Level {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Level {}

impl PartialOrd for Level {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Level {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Level {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_whatever_they_hold() {
        let mut levels = [Level(f64::NAN), Level::count(3), Level(-1.0), Level(0.5)];
        levels.sort();
        assert_eq!(
            levels,
            [Level(-1.0), Level(0.5), Level(3.0), Level(f64::NAN)]
        );
    }

    #[test]
    fn a_backlog_is_all_that_is_not_acknowledged() {
        let backlog = Backlog {
            waiting: 4,
            in_flight: 2,
            claimable: 1,
        };
        assert_eq!(backlog.total(), 7);
    }
}
