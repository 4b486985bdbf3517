//! The content of a memory store, and its ledger.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use headcount_model::{
    AgentId, AgentRecord, AttemptRecord, Changes, JobEnd, JobId, OwnerId, PoolName, TimeSpent,
    Timestamp,
};

use crate::{DecisionRow, Ledger, LogChunk, NewJob, Recovered, StoreError};

/// A handle on a store in memory.
#[derive(Clone, Debug)]
pub struct MemoryStore(Arc<Mutex<State>>);

impl MemoryStore {
    /// An empty store that belongs to `owner`. `clock_seconds` (since 1970) stands for the
    /// clock at each load: epochs do not start below it.
    #[must_use]
    pub fn new(owner: OwnerId, clock_seconds: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            owner,
            clock_seconds,
            epoch: 0,
            agents: BTreeMap::new(),
            time: BTreeMap::new(),
            attempts: BTreeMap::new(),
            drained_pools: Vec::new(),
            decisions: Vec::new(),
            last_job: 0,
            jobs: BTreeMap::new(),
            logs: BTreeMap::new(),
        })))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(super) struct State {
    owner: OwnerId,
    clock_seconds: u64,
    epoch: u64,
    pub(super) agents: BTreeMap<AgentId, AgentRecord>,
    pub(super) time: BTreeMap<(AgentId, Timestamp), TimeSpent>,
    pub(super) attempts: BTreeMap<(JobId, u32), Attempt>,
    drained_pools: Vec<PoolName>,
    decisions: Vec<DecisionRow>,
    pub(super) last_job: u64,
    pub(super) jobs: BTreeMap<JobId, Job>,
    pub(super) logs: BTreeMap<(JobId, u32), Log>,
}

#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) record: AttemptRecord,
    pub(super) settled: bool,
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) spec: NewJob,
    /// Its source is still to be told of its end.
    pub(super) open: bool,
    pub(super) accepted_at: Timestamp,
    pub(super) end: Option<(JobEnd, Timestamp)>,
    pub(super) attempts: u32,
    pub(super) deliveries: u32,
}

#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) chunks: BTreeMap<u64, LogChunk>,
    pub(super) through: u64,
    pub(super) bytes: u64,
    pub(super) truncated: bool,
}

#[async_trait]
impl Ledger for MemoryStore {
    async fn load(&self) -> Result<Recovered, StoreError> {
        let mut state = self.state();
        state.epoch = state.clock_seconds.max(state.epoch.saturating_add(1));
        let unsettled = state.attempts.values().filter(|attempt| !attempt.settled);
        Ok(Recovered {
            owner: state.owner.clone(),
            epoch: state.epoch,
            agents: state.agents.values().cloned().collect(),
            attempts: unsettled.map(|attempt| attempt.record.clone()).collect(),
            drained_pools: state.drained_pools.clone(),
        })
    }

    async fn commit(
        &self,
        changes: Changes,
        decision: Option<DecisionRow>,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        for agent in changes.agents {
            state.agents.insert(agent.id, agent);
        }
        for piece in changes.time_spent {
            state.time.insert((piece.agent, piece.from), piece);
        }
        for gone in &changes.agents_gone {
            state.agents.remove(gone);
        }
        for key in &changes.attempts_settled {
            if let Some(attempt) = state.attempts.get_mut(key) {
                attempt.settled = true;
            }
        }
        for record in changes.attempts {
            let key = (record.job, record.attempt);
            let settled = false;
            state.attempts.insert(key, Attempt { record, settled });
        }
        if let Some(mut pools) = changes.drained_pools {
            pools.sort();
            pools.dedup();
            state.drained_pools = pools;
        }
        state.decisions.extend(decision);
        Ok(())
    }

    /// Keeps everything: what lives in memory ends with the test.
    async fn prune(&self, _now: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    async fn decisions(&self, limit: usize) -> Result<Vec<DecisionRow>, StoreError> {
        let state = self.state();
        let newest_first = state.decisions.iter().rev();
        Ok(newest_first.take(limit).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::store::{StoreFactory, check_all};

    struct Memory;

    #[async_trait]
    impl StoreFactory for Memory {
        type Store = MemoryStore;

        async fn fresh(&mut self) -> MemoryStore {
            MemoryStore::new(OwnerId::new("0123456789abcdef"), 1_700_000_000)
        }

        async fn reopen(&mut self, store: MemoryStore) -> MemoryStore {
            store
        }
    }

    #[tokio::test]
    async fn the_memory_twin_passes_the_suite() {
        check_all(&mut Memory).await;
    }
}
