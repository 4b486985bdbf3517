//! The stream: entries that wait, that workers hold, and that others may claim.
//!
//! Promise: an entry is done once it is acknowledged, or taken out before anybody read it;
//! what a dead worker held may be claimed after a while, and not before.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use headcount_model::{
    AgentId, Backlog, Level, Measure, Reading, Sample, StreamMeasure, Timestamp, Timing,
    TriggerKind,
};

/// One stream with one group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entries {
    /// Entries are numbers, in order.
    next: u64,
    waiting: VecDeque<u64>,
    held: BTreeMap<u64, Held>,
    sampled: u64,
    /// Acknowledged.
    pub(crate) done: u64,
    /// Taken out unread.
    pub(crate) trimmed: u64,
    /// Workers that found nothing.
    pub(crate) idle: u64,
    /// Workers that were made.
    pub(crate) made: u64,
    /// Workers that came to an end.
    over: BTreeSet<AgentId>,
    /// Workers that died before they had done anything or found that there is nothing.
    pub(crate) deaths: u64,
}

/// An entry that was read.
#[derive(Clone, Copy, Debug)]
struct Held {
    by: AgentId,
    since: Timestamp,
}

impl Entries {
    pub(crate) fn add(&mut self, n: u32) {
        let first = self.next;
        self.next += u64::from(n);
        self.waiting.extend(first..self.next);
    }

    /// Takes the oldest out unread.
    pub(crate) fn trim(&mut self, n: u32) {
        for _ in 0..n {
            self.trimmed += u64::from(self.waiting.pop_front().is_some());
        }
    }

    /// An entry to work on: one that may be claimed before one that waits.
    pub(crate) fn read(
        &mut self,
        by: AgentId,
        claim_after: Option<Duration>,
        now: Timestamp,
    ) -> bool {
        let claimable = |held: &Held| may_be_claimed(held, claim_after, now);
        let old = self.held.iter().find(|(_, held)| claimable(held));
        let entry = old.map(|(entry, _)| *entry);
        let Some(entry) = entry.or_else(|| self.waiting.pop_front()) else {
            self.idle += 1;
            self.over.insert(by);
            return false;
        };
        self.held.insert(entry, Held { by, since: now });
        true
    }

    /// It did what it held.
    pub(crate) fn ack(&mut self, by: AgentId) {
        let before = self.held.len();
        self.held.retain(|_, held| held.by != by);
        self.done += (before - self.held.len()) as u64;
        self.over.insert(by);
    }

    /// A worker is gone.
    pub(crate) fn gone(&mut self, by: AgentId) {
        self.deaths += u64::from(!self.over.remove(&by));
    }

    /// Entries that were ever added.
    pub(crate) const fn added(&self) -> u64 {
        self.next
    }

    /// Whether everything was done or taken out.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.held.is_empty()
    }

    /// What a reader says now.
    pub(crate) fn sample(&mut self, claim_after: Option<Duration>, now: Timestamp) -> Sample {
        self.sampled += 1;
        let claimable = self.held.values();
        let claimable = claimable.filter(|held| may_be_claimed(held, claim_after, now));
        let claimable = claimable.count() as u64;
        let backlog = Backlog {
            waiting: self.waiting.len() as u64,
            in_flight: self.held.len() as u64 - claimable,
            claimable,
        };
        let later = self.held.values().filter_map(|held| {
            let at = held.since.after(claim_after?);
            (at > now).then_some(at)
        });
        Sample {
            number: self.sampled,
            as_of: now,
            readings: vec![Reading::Known(Measure {
                value: Level::count(backlog.total()),
                backlog: Some(backlog),
            })],
            next_change: later.min(),
            timing: Timing::default(),
        }
    }
}

fn may_be_claimed(held: &Held, claim_after: Option<Duration>, now: Timestamp) -> bool {
    claim_after.is_some_and(|span| held.since.after(span) <= now)
}

/// After how long the entries of this trigger may be claimed.
pub(crate) fn claim_after(kind: &TriggerKind) -> Option<Duration> {
    match kind {
        TriggerKind::RedisStream {
            measure: StreamMeasure::Backlog { claim_after, .. },
            ..
        } => *claim_after,
        _ => None,
    }
}
