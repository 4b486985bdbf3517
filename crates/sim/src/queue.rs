//! Workers that feed themselves from one stream: whole stories without faults, told in
//! seconds, for tables that can be compared with another scaler's.
//!
//! Promise: the real planner and controller core decide; the stream, its readers and the
//! clock are fakes that do what the reference says, in its order: what arrives or is
//! acknowledged, who ends, who starts and reads, then the scaler. Leaves to others: faults
//! and restarts (`stage`).

mod fleet;
mod stage;
mod stream;

use headcount_model::{Combine, Compat, QueueRule, Strategy, StreamMeasure};

pub(crate) use fleet::{pool, trigger};
pub use stage::run;
use stream::Stream;

/// One story. Times are seconds.
#[derive(Clone, Debug)]
pub struct Story {
    /// When messages arrive, and how many.
    pub arrivals: Vec<(u64, u32)>,
    /// Messages that workers hold at the beginning.
    pub initial: u32,
    /// How long a message takes, by the order in which they are read; the last one holds
    /// for all further ones.
    pub takes: Vec<u64>,
    /// From creation to running, by the order of creation, over and over.
    pub starts_in: Vec<u64>,
    /// From running to reading.
    pub reads_in: u64,
    /// From acknowledgement to end.
    pub lag: u64,
    /// From finding nothing to the end.
    pub looks_for: u64,
    /// Finished Jobs that are kept for people, as of each poll.
    pub history: usize,
    /// When the story ends.
    pub ends: u64,
    /// Whether the reader tells of arrivals.
    pub told: bool,
    /// The policy, with one trigger.
    pub rule: QueueRule,
}

impl Story {
    /// A story of one burst of ten, without a policy of its own: the defaults of the
    /// reference's comparison.
    #[must_use]
    pub fn burst(measure: StreamMeasure, strategy: Strategy, compat: Compat) -> Self {
        Self {
            arrivals: vec![(5, 10)],
            initial: 0,
            takes: vec![60],
            starts_in: vec![5, 5, 5, 5, 5, 10, 10, 10, 10, 10],
            reads_in: 0,
            lag: 1,
            looks_for: 1,
            history: 3,
            ends: 3600,
            told: compat == Compat::Headcount,
            rule: QueueRule {
                triggers: vec![fleet::trigger(measure)],
                strategy,
                combine: Combine::Max,
                min: 0,
                max: Some(10),
                compat,
                polling: std::time::Duration::from_secs(10),
            },
        }
    }
}

/// How things stand at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Row {
    /// Seconds since the start.
    pub t: u64,
    /// Messages that nobody acknowledged.
    pub unacked: u64,
    /// Of those, not read by anybody.
    pub waiting: u64,
    /// Of those, held by a worker.
    pub in_flight: u64,
    /// Workers that have not ended.
    pub unfinished: u64,
    /// Those and the ended ones that are kept for people.
    pub objects: u64,
    /// Workers that started and have not ended.
    pub running: u64,
    /// Workers that were ever made.
    pub created: u64,
}

/// What came of a story.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Told {
    /// One for each moment that was asked for.
    pub rows: Vec<Row>,
    /// Workers that were made.
    pub created: u64,
    /// Of those, found nothing to read.
    pub idle: u64,
    /// Workers at most at once.
    pub most: u64,
    /// From arrival to reading, in seconds; absent when nothing was read.
    pub mean_wait: Option<f64>,
    /// When the last message was acknowledged.
    pub last_ack: Option<u64>,
}
