//! Workers that feed themselves from the stream, and what its reader tells the daemon.

use std::time::Duration;

use headcount_model::{
    AgentId, Exit, Measure, PoolName, QueueRule, Reading, Sample, Trouble, TroubleKind,
};
use headcount_planner::News;

use super::Stage;
use super::event::Tick;
use crate::fake::claim_after;
use crate::sabotage::Sabotage;
use crate::scenario::queue_pool;

/// From running to reading, at most.
const READS_WITHIN: u64 = 400;
/// A message takes so many milliseconds at most.
const LONGEST: u64 = 30_000;
/// Who finds nothing looks for it about this long.
const LOOKS_FOR: (u64, u64) = (10, 2500);

impl Stage {
    /// A worker of the stream's pool lives from one entry.
    pub(super) fn reader_begins(&mut self, agent: AgentId) {
        self.agent_within(agent, 1, READS_WITHIN, Tick::Read);
    }

    pub(super) fn reader_reads(&mut self, agent: AgentId) {
        let after = self.claims_after();
        if self.entries.read(agent, after, self.now) {
            self.agent_within(agent, 10, LONGEST, Tick::Acknowledge);
        } else {
            let (low, high) = LOOKS_FOR;
            self.agent_within(agent, low, high, Tick::Die(Exit::Code(0)));
        }
    }

    pub(super) fn reader_acknowledges(&mut self, agent: AgentId) {
        if self.sabotage != Some(Sabotage::EntriesStay) {
            self.entries.ack(agent);
        }
        self.agent_within(agent, 1, 1000, Tick::Die(Exit::Code(0)));
    }

    /// Entries are added, and the reader tells, as far as that arrives.
    pub(super) fn add_entries(&mut self, n: u32) {
        self.entries.add(n);
        self.tell_entries();
    }

    /// What was taken out is told too.
    pub(super) fn trim_entries(&mut self, n: u32) {
        self.entries.trim(n);
        self.tell_entries();
    }

    fn tell_entries(&mut self) {
        if self.daemon.core.is_none() || self.random.chance(self.faults.event_lost) {
            return;
        }
        let sample = self.read_entries();
        let late = self.random.chance(self.faults.demand_late);
        let at = self.within(1, if late { 5000 } else { 5 });
        if self.random.chance(self.faults.demand_doubled) {
            let again = self.within(1, 8000);
            self.tell(again, News::Sampled(queue_pool(), sample.clone()));
        }
        self.tell(at, News::Sampled(queue_pool(), sample));
    }

    /// The answer to a sample.
    pub(super) fn sample(&mut self, pool: &PoolName) -> Result<Sample, Trouble> {
        if *pool != queue_pool() || self.rule().is_none() {
            return Err(Trouble {
                kind: TroubleKind::Invalid,
                message: format!("pool {pool} has no triggers"),
            });
        }
        Ok(self.read_entries())
    }

    /// Sometimes the server does not answer the reader.
    fn read_entries(&mut self) -> Sample {
        let after = self.claims_after();
        let mut sample = self.entries.sample(after, self.now);
        if self.sabotage == Some(Sabotage::SamplesLie) {
            self.lie(&mut sample);
        }
        if self.random.chance(self.faults.demand_unknown * 5) {
            let trouble = Trouble {
                kind: TroubleKind::Transient,
                message: "connection refused".into(),
            };
            sample.readings = vec![Reading::Unknown(trouble)];
        }
        sample
    }

    /// Sabotage: while anything is there, there seems to be more.
    fn lie(&self, sample: &mut Sample) {
        for reading in &mut sample.readings {
            if let Reading::Known(Measure {
                backlog: Some(backlog),
                ..
            }) = reading
            {
                backlog.waiting += u64::from(!self.entries.is_empty());
            }
        }
    }

    fn claims_after(&self) -> Option<Duration> {
        claim_after(&self.rule()?.triggers.first()?.kind)
    }

    /// The rule of the configuration that holds.
    fn rule(&self) -> Option<&QueueRule> {
        let fleet = self.scenario.fleets.get(self.daemon.fleet)?;
        let mut pools = fleet.scalers.iter().flat_map(|scaler| &scaler.pools);
        let pool = pools.find(|pool| pool.name == queue_pool())?;
        pool.queue.as_deref()
    }
}
