//! Actions: what a plan wants done. Each names everything it needs and carries a
//! deadline; whoever carries it out chooses nothing.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use headcount_model::{
    AgentId, AgentKind, BackendId, ClassKey, Granted, JobEnd, JobId, LeasedInstance, LogPressure,
    Name, PoolName, Reason, Recipe, Settlement, SourceId,
};

use crate::ClassId;

/// One step. Deadlines are spans from the moment it starts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Ask a backend what exists.
    List {
        /// Which.
        backend: BackendId,
        /// Why.
        reason: Reason,
        /// For the answer.
        deadline: Duration,
    },
    /// Ask a backend for instances of other owners.
    ListOthers {
        /// Which.
        backend: BackendId,
        /// Why.
        reason: Reason,
        /// For the answer.
        deadline: Duration,
    },
    /// Ask a source what waits.
    Refresh {
        /// Which.
        source: SourceId,
        /// Why.
        reason: Reason,
        /// For the answer.
        deadline: Duration,
    },
    /// Read the triggers of a pool.
    Sample {
        /// Whose.
        pool: PoolName,
        /// Why.
        reason: Reason,
        /// For the answer.
        deadline: Duration,
    },
    /// Ask a shared ledger for room for a new agent.
    Reserve(CreateOrder),
    /// Give its room back to a shared ledger.
    Release {
        /// Whose.
        agent: AgentId,
        /// Which ledger.
        machine_pool: Name,
        /// For the answer.
        deadline: Duration,
    },
    /// Make an agent.
    Create(CreateOrder),
    /// End an agent by force after a grace.
    Destroy {
        /// Whom.
        agent: AgentId,
        /// Where.
        backend: BackendId,
        /// Why.
        reason: Reason,
        /// Between asking and forcing.
        grace: Duration,
        /// For confirmed absence.
        deadline: Duration,
    },
    /// End an instance of ours that the ledger does not know.
    Reap {
        /// Whom its mark names.
        agent: AgentId,
        /// Where.
        backend: BackendId,
        /// Why.
        reason: Reason,
        /// Between asking and forcing.
        grace: Duration,
        /// For confirmed absence.
        deadline: Duration,
    },
    /// End an instance of another owner, if it is still what was seen.
    ReapOther {
        /// As it was listed last.
        seen: LeasedInstance,
        /// Where.
        backend: BackendId,
        /// Why.
        reason: Reason,
        /// Between asking and forcing.
        grace: Duration,
        /// For confirmed absence.
        deadline: Duration,
    },
    /// Ask an agent to take nothing new and to leave.
    Drain {
        /// Whom.
        agent: AgentId,
        /// Why.
        reason: Reason,
    },
    /// Offer a job to an agent.
    Assign {
        /// To whom.
        agent: AgentId,
        /// Which job.
        job: JobId,
        /// Which attempt.
        attempt: u32,
        /// Where its work is described.
        source: SourceId,
        /// What the agent does with output it cannot send, unless the job says.
        log_pressure: LogPressure,
        /// For fetching the work and handing it over.
        deadline: Duration,
    },
    /// Ask an agent to end a job.
    Cancel {
        /// Whom.
        agent: AgentId,
        /// Which job.
        job: JobId,
        /// Which attempt.
        attempt: u32,
    },
    /// Take jobs from a source, one for each of these agents.
    Take {
        /// Numbers the permit.
        take: u64,
        /// From where.
        source: SourceId,
        /// Which class.
        class: ClassId,
        /// The class, spelled out.
        key: Arc<ClassKey>,
        /// Whose slots they are for; an agent may appear several times.
        agents: Vec<AgentId>,
        /// For the answer.
        deadline: Duration,
    },
    /// Tell a source how a taken job stands.
    Settle {
        /// Which job.
        job: JobId,
        /// Whose.
        source: SourceId,
        /// What it is told.
        settlement: Settlement,
        /// Attempts that were claimed so far.
        attempts: u32,
        /// Deliveries in a row that nobody claimed.
        deliveries: u32,
        /// Why.
        reason: Reason,
        /// For the answer.
        deadline: Duration,
    },
    /// End waiting jobs of a class: those that expired, or all because none can be served.
    EndWaiting {
        /// Which class.
        class: ClassId,
        /// The class, spelled out.
        key: Arc<ClassKey>,
        /// How they end.
        end: JobEnd,
        /// Why.
        reason: Reason,
        /// For the answer.
        deadline: Duration,
    },
}

/// Everything needed to make one agent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreateOrder {
    /// Its id.
    pub agent: AgentId,
    /// Its pool.
    pub pool: PoolName,
    /// The scaler of that pool.
    pub scaler: Name,
    /// Where.
    pub backend: BackendId,
    /// The shared ledger it must be reserved in.
    pub machine_pool: Option<Name>,
    /// Who speaks for it.
    pub kind: AgentKind,
    /// Comma-joined labels it is told it has.
    pub labels: Arc<str>,
    /// What it reserves and what bounds it.
    pub granted: Granted,
    /// Jobs it runs at once.
    pub slots: u32,
    /// What it does with output it cannot send.
    pub log_pressure: LogPressure,
    /// What to make.
    pub recipe: Arc<Recipe>,
    /// Fingerprint of what it is made from.
    pub made_from: u64,
    /// Why.
    pub reason: Reason,
    /// For the answer.
    pub deadline: Duration,
}

impl Action {
    /// Why it is done.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::List { reason, .. }
            | Self::Refresh { reason, .. }
            | Self::Sample { reason, .. }
            | Self::Destroy { reason, .. }
            | Self::Reap { reason, .. }
            | Self::ListOthers { reason, .. }
            | Self::ReapOther { reason, .. }
            | Self::Drain { reason, .. }
            | Self::Settle { reason, .. }
            | Self::EndWaiting { reason, .. } => *reason,
            Self::Reserve(order) | Self::Create(order) => order.reason,
            Self::Release { .. } => Reason::Done,
            Self::Assign { .. } | Self::Take { .. } => Reason::Assigning,
            Self::Cancel { .. } => Reason::CancelRequested,
        }
    }
}

/// One line for a person: what, whom, why.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List { backend, .. } => write!(f, "list {backend}")?,
            Self::Refresh { source, .. } => write!(f, "refresh {source}")?,
            Self::Sample { pool, .. } => write!(f, "sample {pool}")?,
            Self::Reserve(order) => write!(f, "reserve {} in {}", order.agent, order.pool)?,
            Self::Release {
                agent,
                machine_pool,
                ..
            } => {
                write!(f, "release {agent} in {machine_pool}")?;
            }
            Self::Create(order) => write!(f, "create {} in {}", order.agent, order.pool)?,
            Self::Destroy { agent, .. } => write!(f, "destroy {agent}")?,
            Self::Reap { agent, backend, .. } => write!(f, "reap {agent} in {backend}")?,
            Self::ListOthers { backend, .. } => write!(f, "list others in {backend}")?,
            Self::ReapOther { seen, backend, .. } => {
                let (agent, owner) = (seen.agent, &seen.owner);
                write!(f, "reap {agent} of owner {owner} in {backend}")?;
            }
            Self::Drain { agent, .. } => write!(f, "drain {agent}")?,
            Self::Assign {
                agent,
                job,
                attempt,
                ..
            } => {
                write!(f, "assign {job} attempt {attempt} to {agent}")?;
            }
            Self::Cancel { agent, job, .. } => write!(f, "cancel {job} on {agent}")?,
            Self::Take { key, agents, .. } => {
                write!(
                    f,
                    "take {} of [{}] from {}",
                    agents.len(),
                    key.runs_on,
                    key.source
                )?;
            }
            Self::Settle {
                job, settlement, ..
            } => write!(f, "{} {job}", verb(settlement))?,
            Self::EndWaiting { key, .. } => {
                write!(f, "end waiting jobs of [{}] at {}", key.runs_on, key.source)?;
            }
        }
        write!(f, ": {}", self.reason())
    }
}

const fn verb(settlement: &Settlement) -> &'static str {
    match settlement {
        Settlement::Return => "return",
        Settlement::Retry => "retry",
        Settlement::Complete(_) => "complete",
    }
}

/// How long an agent waits to be made that is only to be ready.
const GIVE_WAY: Duration = Duration::from_millis(20);

impl CreateOrder {
    /// How long to wait before it is begun. Most often an agent that is only to be ready
    /// replaces one that has just been given a job, and that job starts first: making an
    /// agent takes whole cores.
    #[must_use]
    pub fn gives_way(&self) -> Duration {
        match self.reason {
            Reason::KeepReady => GIVE_WAY,
            _ => Duration::ZERO,
        }
    }

    /// The labels as one text, in normal form, system labels included.
    #[must_use]
    pub fn joined_labels(spec: &headcount_model::PoolSpec) -> Arc<str> {
        let joined: String = spec.labels.union(&spec.system_labels).join(",");
        Arc::from(joined.as_str())
    }
}
