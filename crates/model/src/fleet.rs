//! The configured fleet: what `config` yields, what `planner` decides by and what a
//! backend is told to make.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::{
    BackendId, Cap, ContainerRecipe, DockerMachineRecipe, IdleRule, KubernetesRecipe, Labels,
    Layer, LogPressure, Name, PoolName, Price, ProgramRecipe, QueueRule, Rollout, Schedule,
};

/// Everything the configuration says about scalers. Immutable; a reload makes a new one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fleet {
    /// Cap on agents over all scalers, above zero.
    pub max_agents: u32,
    /// Cap on jobs that agents have at once, over all scalers, above zero; `None` is
    /// without end.
    pub max_jobs: Option<u32>,
    /// Cap on summed requests over all scalers.
    pub resource_cap: Cap,
    /// How often what exists is compared with what is known while agents exist, although
    /// nothing says that they differ; [`Duration::MAX`] for never.
    pub recheck_every: Duration,
    /// Budgets shared with other daemons of this host; names are unique, and every name
    /// that a scaler refers to is among them.
    pub machine_pools: Vec<MachinePool>,
    /// In file order; the order is a tie-break of matching.
    pub scalers: Vec<ScalerSpec>,
}

impl Fleet {
    /// The machine pool of this name.
    #[must_use]
    pub fn machine_pool(&self, name: &Name) -> Option<&MachinePool> {
        self.machine_pools.iter().find(|pool| pool.name == *name)
    }
}

/// One entry of `machinePools:`: a budget that daemons of one host share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MachinePool {
    /// Unique.
    pub name: Name,
    /// Cap on the summed requests of all members; every daemon must say the same.
    pub cap: Cap,
}

/// One entry of `scalers:`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScalerSpec {
    /// Unique.
    pub name: Name,
    /// Where its agents live.
    pub backend: BackendId,
    /// Cap on its agents, above zero.
    pub max_agents: u32,
    /// Cap on the summed requests of its agents.
    pub resource_cap: Cap,
    /// The shared ledger its agents must be reserved in, if any.
    pub machine_pool: Option<Name>,
    /// Labels a job must ask for to be served here.
    pub mandatory: Labels,
    /// Kinds of work it takes.
    pub roles: Roles,
    /// Higher is tried first.
    pub priority: i32,
    /// Machines of other owners in pools of the same name, whose lease ended so long ago and
    /// was not renewed, are removed; `None` is never.
    pub reap_others_after: Option<Duration>,
    /// One per label set, in file order.
    pub pools: Vec<PoolSpec>,
}

/// One (scaler, label set).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PoolSpec {
    /// Stable across reorderings of the file.
    pub name: PoolName,
    /// As declared.
    pub labels: Labels,
    /// Added by the house: operating system, architecture, backend, scaler, roles.
    pub system_labels: Labels,
    /// Who speaks for its agents.
    pub kind: AgentKind,
    /// Jobs one agent runs at once, at least 1.
    pub slots: u32,
    /// Jobs one agent runs in its life; `None` is without end. 1 is single use.
    pub max_jobs: Option<u32>,
    /// What its label set and the defaults say of resources.
    pub layers: Layers,
    /// How many stay ready and for how long, where no schedule says otherwise.
    pub idle: IdleRule,
    /// Other idle rules at some times, in file order: of those that hold the last one is
    /// in force.
    pub schedules: Arc<[Schedule]>,
    /// Launches that may be under way at once, above zero; `None` is without end.
    pub max_growth: Option<u32>,
    /// Triggers that say how many agents there should be, beside or instead of jobs. Only
    /// workers, which feed themselves, are made by it.
    pub queue: Option<Arc<QueueRule>>,
    /// How patient the pool is.
    pub timeouts: Timeouts,
    /// How often and how soon a failed creation is tried again.
    pub retry: Retry,
    /// What one of its agents costs, where its backend does not say; `None` is not known.
    pub price: Option<Price>,
    /// What its agents do when output cannot be sent as fast as it comes.
    pub log_pressure: LogPressure,
    /// What to make.
    pub recipe: Arc<Recipe>,
}

impl PoolSpec {
    /// A fingerprint of what an agent is made from; an agent with another one is outdated.
    /// Limits, timeouts, the price, the idle rule and triggers apply to living agents and are left out.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        crate::fingerprint(&(
            (&self.labels, &self.system_labels, self.kind, self.slots),
            (self.log_pressure, &*self.recipe),
        ))
    }
}

/// The two lower layers of the cascade.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Layers {
    /// `resources` of the label set.
    pub label_set: Layer,
    /// `defaults.resources`.
    pub defaults: Layer,
}

/// Who speaks for an agent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AgentKind {
    /// Runs our agent program, registers, takes jobs from us.
    Managed,
    /// Runs a foreign runner; a front speaks for it.
    Sidecar,
    /// Feeds itself; ready and done are known from the backend alone.
    Worker,
}

/// How patient a pool is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// Deadline of one creation at the backend.
    pub create: Duration,
    /// From creation to ready; then the agent is destroyed and its place freed.
    pub launch: Duration,
    /// For an agent to claim a job it was given; then the job is requeued.
    pub claim: Duration,
    /// For a lost agent to come back; longer than its longest reconnect delay.
    pub recovery: Duration,
    /// For a drained or retired agent to leave by itself; then it is destroyed.
    pub retire: Duration,
    /// Deadline of one destruction at the backend.
    pub destroy: Duration,
    /// From ready: after so long an agent takes no further job, and is replaced once it has
    /// none; `None` is never. Workers live as long as they like.
    pub lifetime: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            create: Duration::from_secs(60),
            launch: Duration::from_secs(300),
            claim: Duration::from_secs(10),
            recovery: Duration::from_secs(120),
            retire: Duration::from_secs(10),
            destroy: Duration::from_secs(30),
            lifetime: None,
        }
    }
}

/// How often and how soon a failed launch is tried again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retry {
    /// After the first failure in a row; doubles with each further one.
    pub first_delay: Duration,
    /// The longest delay.
    pub max_delay: Duration,
    /// Failures in a row that open the circuit: from then on one launch at a time, as a probe.
    pub open_after: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(300),
            open_after: 5,
        }
    }
}

/// A kind of work that needs a system label of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Role {
    /// `kici:role:builder`.
    Builder,
    /// `kici:role:init-runner`.
    InitRunner,
}

/// Kinds of work a scaler takes besides execution.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Roles {
    /// Unset, or contains `all`.
    #[default]
    Unrestricted,
    /// Only these; empty is execution only.
    Only(Vec<Role>),
}

/// What a backend is told to make, one variant per kind of backend.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Recipe {
    /// A process of this host.
    Process {
        /// What to execute.
        program: ProcessProgram,
        /// Set for the agent on top of the allow-list.
        env: BTreeMap<String, String>,
        /// Whether the granted limits are enforced with cgroups.
        enforce_cgroups: bool,
    },
    /// A container of an engine.
    Container(ContainerRecipe),
    /// A Job of a Kubernetes cluster.
    Kubernetes(KubernetesRecipe),
    /// A machine that a program of the user makes.
    Program(ProgramRecipe),
    /// A machine that `docker-machine` makes.
    DockerMachine(DockerMachineRecipe),
}

impl Recipe {
    /// What becomes of living agents that were made from another one.
    #[must_use]
    pub const fn rollout(&self) -> Rollout {
        match self {
            Self::Kubernetes(recipe) => recipe.rollout,
            Self::Process { .. }
            | Self::Container(_)
            | Self::Program(_)
            | Self::DockerMachine(_) => Rollout::Gradual,
        }
    }
}

/// What a host process executes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ProcessProgram {
    /// The running binary's own `agent` command.
    OwnAgent,
    /// Another binary that speaks the agent protocol, started without arguments.
    Agent(String),
    /// A worker: program and arguments, run as they are.
    Worker(Vec<String>),
}
