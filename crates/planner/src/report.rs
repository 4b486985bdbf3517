//! What a plan says of itself: for each pool what was wanted, what was allowed and why
//! they differ; for each class what was considered and what stood in the way.

use alloc::vec::Vec;

use headcount_model::{AgentId, JobId, Reason, Timestamp};

use crate::{ClassId, PoolId};

/// The report of one plan.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// In order of id.
    pub pools: Vec<PoolReport>,
    /// In the order they were served.
    pub classes: Vec<ClassReport>,
    /// Every agent's one reason, in order of id.
    pub agents: Vec<(AgentId, Reason)>,
    /// Every taken job's one reason, in order of id.
    pub jobs: Vec<(JobId, Reason)>,
}

/// One pool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PoolReport {
    /// Which.
    pub pool: PoolId,
    /// Agents as they are.
    pub counts: PoolCounts,
    /// New agents that demand and idle rule ask for.
    pub wanted: u32,
    /// New agents that the guards let through.
    pub allowed: u32,
    /// Why the two differ.
    pub limited_by: Option<Reason>,
    /// Agents that leave with this plan.
    pub leaving: u32,
    /// What its triggers ask for, if it has any.
    pub queue: Option<QueueReport>,
}

/// What the triggers of a pool ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueueReport {
    /// Agents from reserved to being destroyed.
    pub alive: u32,
    /// Of those, not running yet.
    pub pending: u32,
    /// Agents that there should be; absent while nothing could be read.
    pub desired: Option<u32>,
    /// The sample that this plan uses up.
    pub spends: Option<Spending>,
}

/// A sample that is used up by a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spending {
    /// Its number.
    pub sample: u64,
    /// Agents that it asks for and the guards did not allow: they may still be made by it.
    pub left: u32,
}

/// Agents of a pool by what they do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PoolCounts {
    /// On their way to being ready.
    pub starting: u32,
    /// Ready without a job.
    pub idle: u32,
    /// Ready with a job.
    pub busy: u32,
    /// Draining.
    pub draining: u32,
    /// Being destroyed or released.
    pub destroying: u32,
    /// Not removed by their backend, again and again.
    pub quarantined: u32,
}

impl PoolCounts {
    /// All of them: what counts against caps.
    #[must_use]
    pub const fn total(&self) -> u32 {
        self.starting + self.idle + self.busy + self.draining + self.destroying + self.quarantined
    }
}

/// One class.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClassReport {
    /// Which.
    pub class: ClassId,
    /// Jobs that wait, those being taken included. The shares add up to this, so every
    /// waiting job has exactly one reason: the oldest the first one, and so on.
    pub waiting: u64,
    /// Oldest jobs first.
    pub shares: Vec<Share>,
    /// Pools that were considered, best first, and what stood in the way.
    pub considered: Vec<Considered>,
    /// Agents on their way that are meant for these jobs, new ones included, and how many
    /// of their slots.
    pub counts_on: Vec<(AgentId, u32)>,
}

/// Some jobs of a class with the same reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Share {
    /// How many.
    pub jobs: u64,
    /// Why they wait.
    pub reason: Reason,
    /// In which pool, where one is meant.
    pub pool: Option<PoolId>,
}

/// One pool considered for a class.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Considered {
    /// Which.
    pub pool: PoolId,
    /// Free slots given.
    pub filled: u64,
    /// Slots of starting agents counted on.
    pub promised: u64,
    /// New agents asked for.
    pub created: u32,
    /// What stood in the way of more, if more was wanted.
    pub blocked: Option<Reason>,
}

/// When to look again although nothing was told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Wake {
    /// Then.
    pub at: Timestamp,
    /// Because of this.
    pub reason: WakeReason,
}

/// What time alone will change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum WakeReason {
    /// A failed effect is tried again.
    Retry,
    /// A pool's back-off ends.
    Backoff,
    /// A shared ledger that gave nothing is asked again.
    MachinePool,
    /// An agent had to be ready by then.
    LaunchDeadline,
    /// A job had to be claimed by then.
    ClaimDeadline,
    /// A lost agent had to be back by then.
    RecoveryDeadline,
    /// An agent had to have left by then.
    RetireDeadline,
    /// A job had to have ended by then.
    JobDeadline,
    /// A waiting job expires.
    Expiry,
    /// An idle agent may leave.
    IdleTime,
    /// A ready agent is renewed.
    IdleAge,
    /// The period that an agent too many is paid for is nearly over.
    PaidPeriod,
    /// Another schedule of idle agents comes into force.
    Schedule,
    /// A ready agent has lived for long enough.
    Lifetime,
    /// An unknown instance is removed.
    ReapGrace,
    /// Triggers are read at least this often.
    Polling,
    /// What a trigger says changes with time.
    TriggerChange,
    /// What exists is compared with what is known.
    Recheck,
    /// It is looked whether other owners still renew their leases.
    LeaseWatch,
    /// A lease of another owner has been over for long enough.
    LeaseEnd,
    /// Jobs that pile up are told of. No plan sets it: nothing is decided by it.
    Backlog,
}

impl WakeReason {
    /// The word used in logs and JSON.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Backoff => "launch_backoff",
            Self::MachinePool => "machine_pool",
            Self::LaunchDeadline => "launch_deadline",
            Self::ClaimDeadline => "claim_deadline",
            Self::RecoveryDeadline => "recovery_deadline",
            Self::RetireDeadline => "retire_deadline",
            Self::JobDeadline => "job_deadline",
            Self::Expiry => "expiry",
            Self::IdleTime => "idle_time",
            Self::Lifetime => "lifetime",
            Self::IdleAge => "idle_age",
            Self::PaidPeriod => "paid_period",
            Self::Schedule => "schedule",
            Self::ReapGrace => "reap_grace",
            Self::Polling => "polling_interval",
            Self::TriggerChange => "trigger_change",
            Self::Recheck => "recheck",
            Self::LeaseWatch => "lease_watch",
            Self::LeaseEnd => "lease_end",
            Self::Backlog => "backlog",
        }
    }
}
