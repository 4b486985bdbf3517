//! A stream with one consumer group, as far as numbers of it go.

use std::collections::{BTreeMap, VecDeque};

use headcount_model::{
    AgentId, Backlog, Compat, Level, Measure, Reading, Sample, StreamMeasure, Timestamp, Timing,
};

/// Messages in order, by when they arrived.
#[derive(Default)]
pub(super) struct Stream {
    waiting: VecDeque<u64>,
    held: BTreeMap<AgentId, u64>,
    /// Entries that were ever added: nobody removes any.
    added: u64,
    sampled: u64,
    pub(super) waits: Vec<u64>,
}

impl Stream {
    pub(super) fn add(&mut self, now: u64, n: u32) {
        self.added += u64::from(n);
        self.waiting.extend((0..n).map(|_| now));
    }

    /// Reads one. Says whether there was one.
    pub(super) fn read(&mut self, agent: AgentId, now: u64) -> bool {
        let Some(arrived) = self.waiting.pop_front() else {
            return false;
        };
        self.waits.push(now - arrived);
        self.held.insert(agent, arrived);
        true
    }

    /// It was held before the story began.
    pub(super) fn hold(&mut self, agent: AgentId) {
        self.added += 1;
        self.held.insert(agent, 0);
    }

    pub(super) fn ack(&mut self, agent: AgentId) {
        self.held.remove(&agent);
    }

    pub(super) fn waiting(&self) -> u64 {
        self.waiting.len() as u64
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.held.len() as u64
    }

    /// What a reader of this measure says now.
    pub(super) fn sample(
        &mut self,
        measure: &StreamMeasure,
        compat: Compat,
        as_of: Timestamp,
    ) -> Sample {
        self.sampled += 1;
        let backlog = Backlog {
            waiting: self.waiting(),
            in_flight: self.in_flight(),
            claimable: 0,
        };
        let (value, backlog) = match measure {
            StreamMeasure::Backlog { .. } => (backlog.total(), Some(backlog)),
            StreamMeasure::Length => (self.added, None),
            StreamMeasure::Pending { .. } => (backlog.in_flight, None),
            StreamMeasure::Lag { .. } => {
                let told = (compat == Compat::Headcount).then_some(backlog);
                (backlog.waiting, told)
            }
        };
        let value = Level::count(value);
        self.said(Measure { value, backlog }, as_of)
    }

    /// What a reader of a list says now: what is taken is in it no more.
    pub(super) fn sample_of_list(&mut self, as_of: Timestamp) -> Sample {
        self.sampled += 1;
        let value = Level::count(self.waiting());
        let backlog = None;
        self.said(Measure { value, backlog }, as_of)
    }

    fn said(&self, measure: Measure, as_of: Timestamp) -> Sample {
        Sample {
            number: self.sampled,
            as_of,
            readings: vec![Reading::Known(measure)],
            next_change: None,
            timing: Timing::default(),
        }
    }
}
