//! The world: what we believe, as one value.
//!
//! Promise: only [`crate::observe`] changes it; nothing in it is a counter kept by adding
//! events, so numbers are recomputed from what is known. Ordered maps only: the same
//! news give the same bytes.

mod agent;
mod changes;
mod demand;
mod facts;
mod failures;
mod job;
mod machine_pool;
mod notes;
mod others;
mod pool;
mod removal;
mod signal;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;

use headcount_model::{
    AgentId, BackendId, ClassKey, Fleet, JobId, Name, OwnerId, PoolName, Shutdown, SourceId,
};

pub use agent::{Agent, Effect, Link};
pub(crate) use changes::Touched;
pub use demand::{Class, ClassId, Standing, Take};
pub use facts::{Backend, SourceFacts, Stranger};
pub use failures::{Failures, LaunchFailure};
pub use job::{Job, JobPhase};
pub use machine_pool::MachinePoolFacts;
pub(crate) use others::Rules;
pub use others::{Other, Others};
pub(crate) use pool::delay_after;
pub use pool::{Backoff, Configured, Pool, PoolId};
pub use removal::Removal;
pub use signal::Signal;

/// What we believe.
#[derive(Clone, Debug)]
pub struct World {
    /// What the configuration says.
    pub(crate) fleet: Arc<Fleet>,
    /// Which of its pools have which label.
    pub(crate) labelled: crate::fit::Labelled,
    /// Indexed by [`PoolId`]; pools stay, marked as removed, until their agents are gone.
    pub(crate) pools: BTreeMap<PoolId, Pool>,
    pub(crate) pool_ids: BTreeMap<PoolName, PoolId>,
    pub(crate) next_pool: u32,
    /// Pools an operator drains, configured or not.
    pub(crate) drained: BTreeSet<PoolName>,
    pub(crate) agents: BTreeMap<AgentId, Agent>,
    /// The same agents by pool.
    pub(crate) agents_of: BTreeSet<(PoolId, AgentId)>,
    pub(crate) jobs: BTreeMap<JobId, Job>,
    pub(crate) classes: BTreeMap<ClassId, Class>,
    pub(crate) class_ids: BTreeMap<Arc<ClassKey>, ClassId>,
    pub(crate) next_class: u32,
    pub(crate) takes: BTreeMap<u64, Take>,
    /// The same permits by class.
    pub(crate) takes_of: BTreeSet<(ClassId, u64)>,
    pub(crate) next_take: u64,
    pub(crate) sources: BTreeMap<SourceId, SourceFacts>,
    pub(crate) backends: BTreeMap<BackendId, Backend>,
    /// What shared ledgers said, where one gave nothing when it was last asked.
    pub(crate) machine_pools: BTreeMap<Name, MachinePoolFacts>,
    /// Launches that failed lately.
    pub(crate) failures: Failures,
    /// Whose instances are ours; known once the ledger was read.
    pub(crate) owner: Option<OwnerId>,
    pub(crate) epoch: u64,
    pub(crate) next_agent: u32,
    /// Counts plans that did something; orders lists and effects against each other.
    pub(crate) round: u64,
    pub(crate) stopping: bool,
    /// What becomes of agents while the daemon stops.
    pub(crate) shutdown: Shutdown,
    pub(crate) touched: Touched,
}

/// No agent comes before this one.
const FIRST: AgentId = AgentId {
    epoch: 0,
    number: 0,
};
/// Nor any after this one.
const LAST: AgentId = AgentId {
    epoch: u64::MAX,
    number: u32::MAX,
};

impl World {
    /// An empty world: no pools, no agents, no facts.
    #[must_use]
    pub fn new() -> Self {
        Self {
            labelled: crate::fit::Labelled::default(),
            fleet: Arc::new(Fleet {
                max_jobs: None,
                max_agents: 1,
                resource_cap: headcount_model::Cap::default(),
                recheck_every: core::time::Duration::MAX,
                machine_pools: alloc::vec::Vec::new(),
                scalers: alloc::vec::Vec::new(),
            }),
            pools: BTreeMap::new(),
            pool_ids: BTreeMap::new(),
            next_pool: 0,
            drained: BTreeSet::new(),
            agents: BTreeMap::new(),
            agents_of: BTreeSet::new(),
            jobs: BTreeMap::new(),
            classes: BTreeMap::new(),
            class_ids: BTreeMap::new(),
            next_class: 0,
            takes: BTreeMap::new(),
            takes_of: BTreeSet::new(),
            next_take: 0,
            sources: BTreeMap::new(),
            backends: BTreeMap::new(),
            machine_pools: BTreeMap::new(),
            failures: Failures::default(),
            owner: None,
            epoch: 0,
            next_agent: 1,
            round: 0,
            stopping: false,
            shutdown: Shutdown::Leave,
            touched: Touched::default(),
        }
    }

    /// What the configuration says.
    #[must_use]
    pub fn fleet(&self) -> &Arc<Fleet> {
        &self.fleet
    }

    /// All pools, removed ones that still have agents included.
    pub fn pools(&self) -> impl Iterator<Item = &Pool> {
        self.pools.values()
    }

    /// One pool.
    #[must_use]
    pub fn pool(&self, id: PoolId) -> Option<&Pool> {
        self.pools.get(&id)
    }

    /// One pool by name.
    #[must_use]
    pub fn pool_named(&self, name: &PoolName) -> Option<&Pool> {
        self.pool_ids.get(name).and_then(|id| self.pools.get(id))
    }

    /// All agents that are not gone, in order of id.
    pub fn agents(&self) -> impl Iterator<Item = &Agent> {
        self.agents.values()
    }

    /// One agent.
    #[must_use]
    pub fn agent(&self, id: AgentId) -> Option<&Agent> {
        self.agents.get(&id)
    }

    /// All taken jobs, in order of id.
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }

    /// One taken job.
    #[must_use]
    pub fn job(&self, id: JobId) -> Option<&Job> {
        self.jobs.get(&id)
    }

    /// All classes in which jobs wait or are being taken.
    pub fn classes(&self) -> impl Iterator<Item = &Class> {
        self.classes.values()
    }

    /// One class.
    #[must_use]
    pub fn class(&self, id: ClassId) -> Option<&Class> {
        self.classes.get(&id)
    }

    /// The class with this key, if jobs of it are known.
    #[must_use]
    pub fn class_keyed(&self, key: &ClassKey) -> Option<&Class> {
        self.class_ids.get(key).and_then(|id| self.classes.get(id))
    }

    /// What is known of each backend.
    pub fn backends(&self) -> impl Iterator<Item = &Backend> {
        self.backends.values()
    }

    /// What is known of each source.
    pub fn sources(&self) -> impl Iterator<Item = &SourceFacts> {
        self.sources.values()
    }

    /// What the shared ledger of a machine pool said, if it gave nothing when it was last
    /// asked.
    #[must_use]
    pub fn machine_pool(&self, name: &Name) -> Option<&MachinePoolFacts> {
        self.machine_pools.get(name)
    }

    /// Whether agents of this pool are given new jobs.
    pub(crate) fn takes_work(&self, pool: PoolId) -> bool {
        !self.stopping && self.pools.get(&pool).and_then(Pool::open).is_some()
    }

    /// Whether jobs of this class are being taken.
    pub(crate) fn is_taking(&self, class: ClassId) -> bool {
        let permits = (class, 0)..=(class, u64::MAX);
        self.takes_of.range(permits).next().is_some()
    }

    /// Whether this pool has agents.
    pub(crate) fn has_agents(&self, pool: PoolId) -> bool {
        let agents = (pool, FIRST)..=(pool, LAST);
        self.agents_of.range(agents).next().is_some()
    }

    /// The agents of this pool, in the order in which they were intended.
    pub(crate) fn agents_in(&self, pool: PoolId) -> impl Iterator<Item = &Agent> {
        let agents = self.agents_of.range((pool, FIRST)..=(pool, LAST));
        agents.filter_map(|(_, id)| self.agents.get(id))
    }

    /// Launches that failed lately.
    #[must_use]
    pub const fn failures(&self) -> &Failures {
        &self.failures
    }

    /// What becomes of agents while the daemon stops.
    #[must_use]
    pub const fn shutdown(&self) -> Shutdown {
        self.shutdown
    }

    /// Whether no new jobs are handed out.
    #[must_use]
    pub const fn is_stopping(&self) -> bool {
        self.stopping
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}
