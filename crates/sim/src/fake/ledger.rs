//! The ledger: rows that survive a kill of the daemon.
//!
//! Promise: a commit is whole or nothing; rows are absolute; what is settled is history.

use std::collections::BTreeMap;

use headcount_model::{
    AgentId, AgentRecord, AttemptRecord, Changes, JobId, OwnerId, PoolName, Timestamp,
};
use headcount_ports::Recovered;

#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    pub(crate) owner: OwnerId,
    epoch: u64,
    pub(crate) agents: BTreeMap<AgentId, AgentRecord>,
    /// Attempts that are not settled.
    pub(crate) attempts: BTreeMap<JobId, AttemptRecord>,
    /// Every attempt that was ever claimed, and by whom.
    pub(crate) claimed: BTreeMap<(JobId, u32), AgentId>,
    drained: Vec<PoolName>,
    /// Nothing can be written before this.
    pub(crate) full_until: Timestamp,
}

impl Ledger {
    pub(crate) const fn new(owner: OwnerId) -> Self {
        Self {
            owner,
            epoch: 0,
            agents: BTreeMap::new(),
            attempts: BTreeMap::new(),
            claimed: BTreeMap::new(),
            drained: Vec::new(),
            full_until: Timestamp::ZERO,
        }
    }

    /// What a start finds.
    pub(crate) fn load(&mut self, now: Timestamp) -> Recovered {
        self.epoch = (self.epoch + 1).max(now.as_millis() / 1000);
        Recovered {
            owner: self.owner.clone(),
            epoch: self.epoch,
            agents: self.agents.values().cloned().collect(),
            attempts: self.attempts.values().cloned().collect(),
            drained_pools: self.drained.clone(),
        }
    }

    pub(crate) fn commit(&mut self, changes: Changes) {
        for (job, attempt) in &changes.attempts_settled {
            if self
                .attempts
                .get(job)
                .is_some_and(|row| row.attempt == *attempt)
            {
                self.attempts.remove(job);
            }
        }
        for row in changes.attempts {
            // An attempt may be lost in the very round that takes in its claim.
            if row.claimed_at.is_some() {
                self.claimed.insert((row.job, row.attempt), row.agent);
            }
            self.attempts.insert(row.job, row);
        }
        for row in changes.agents {
            self.agents.insert(row.id, row);
        }
        for agent in changes.agents_gone {
            self.agents.remove(&agent);
        }
        if let Some(drained) = changes.drained_pools {
            self.drained = drained;
        }
    }

    /// Whether this agent's claim of this attempt survives a kill.
    pub(crate) fn has_claim(&self, job: JobId, attempt: u32, agent: AgentId) -> bool {
        self.claimed.get(&(job, attempt)) == Some(&agent)
    }
}
