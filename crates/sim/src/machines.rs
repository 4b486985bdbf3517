//! Machines that are kept ready by the idle rule: whole stories without faults, told in
//! seconds, for tables that can be compared with another autoscaler's.
//!
//! Promise: the real planner and controller core decide; jobs, machines and the clock are
//! fakes without chance. Leaves to others: faults and restarts (`stage`).

mod fleet;
mod stage;

use std::fmt;
use std::time::Duration;

use headcount_model::{IdleCompat, IdleRule};

pub use stage::run;

/// One story of one pool. Times are seconds.
#[derive(Clone, Debug)]
pub struct Story {
    /// When jobs arrive, and how many.
    pub arrivals: Vec<(u64, u32)>,
    /// How long a job takes.
    pub takes: u64,
    /// From the order of a machine to its being ready.
    pub boots_in: u64,
    /// Machines at most.
    pub limit: u32,
    /// Launches under way at once.
    pub max_growth: Option<u32>,
    /// The rule.
    pub idle: IdleRule,
    /// When the story ends.
    pub ends: u64,
}

impl Story {
    /// The worked example of the documentation of GitLab Runner's autoscaling: two machines
    /// ready, ten at most, half an hour of idle time; five jobs come at once.
    #[must_use]
    pub fn worked_example(compat: IdleCompat) -> Self {
        Self {
            arrivals: vec![(120, 5)],
            takes: 600,
            boots_in: 30,
            limit: 10,
            max_growth: None,
            idle: IdleRule {
                keep: 2,
                idle_time: Duration::from_secs(1800),
                compat,
                ..IdleRule::default()
            },
            ends: 4000,
        }
    }
}

/// How things stand from one moment on, until the next row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Row {
    /// Seconds since the start.
    pub t: u64,
    /// Jobs that wait.
    pub waiting: u32,
    /// Machines that are not ready yet.
    pub starting: u32,
    /// Machines without a job.
    pub idle: u32,
    /// Machines with a job.
    pub used: u32,
}

impl Row {
    /// All machines.
    #[must_use]
    pub const fn machines(&self) -> u32 {
        self.starting + self.idle + self.used
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "t={}: {} waiting; {} machines: {} starting, {} idle, {} used",
            self.t,
            self.waiting,
            self.machines(),
            self.starting,
            self.idle,
            self.used
        )
    }
}
