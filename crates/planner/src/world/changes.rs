//! What changed since it was last written down.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use headcount_model::{AgentId, Changes, JobId, TimeSpent};

use crate::World;

/// Marks of what must be written. Marking twice is once; what is written is read from
/// the world at the time of writing, so a mark can never carry an old value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    pub(crate) agents: BTreeSet<AgentId>,
    pub(crate) jobs: BTreeSet<JobId>,
    pub(crate) settled: BTreeSet<(JobId, u32)>,
    pub(crate) drained: bool,
    pub(crate) time_spent: Vec<TimeSpent>,
}

impl World {
    /// What must be written, and forgets that it must: the caller writes it, again and
    /// again if need be, before anything that depends on it happens.
    pub fn take_changes(&mut self) -> Changes {
        let touched = core::mem::take(&mut self.touched);
        let mut changes = Changes::default();
        for id in touched.agents {
            match self.agents.get(&id) {
                Some(agent) => changes.agents.push(agent.record.clone()),
                None => changes.agents_gone.push(id),
            }
        }
        let live = touched.jobs.iter().filter_map(|id| self.jobs.get(id));
        changes.attempts = live.filter_map(crate::Job::record).collect();
        changes.attempts_settled = touched.settled.into_iter().collect();
        changes.drained_pools = touched
            .drained
            .then(|| self.drained.iter().cloned().collect());
        changes.time_spent = touched.time_spent;
        changes
    }
}
