//! What is written down of agents and attempts: enough to go on after a crash.
//!
//! The planner makes these from its world and restores its world from them; a store
//! keeps them and adds nothing of its own.

use alloc::vec::Vec;
use core::time::Duration;

use crate::{
    Account, AgentId, AgentKind, BackendId, Digest, Granted, JobId, Name, Outcome, PoolName,
    Reason, SourceId, TimeSpent, Timestamp,
};

/// How far an agent has come. See the lifecycle table in the planner.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum AgentPhase {
    /// A shared ledger is asked for room.
    Reserving,
    /// Its creation is intended or under way; whether it exists is unknown.
    Creating,
    /// Its instance exists; it is not ready yet.
    Starting,
    /// It takes jobs (a worker: it runs).
    Ready,
    /// It takes nothing new and is to leave by itself.
    Draining,
    /// It is being destroyed; repeated until its absence is confirmed.
    Destroying,
    /// Its backend did not remove it, again and again: it counts as there, and is tried
    /// more seldom, until its absence is confirmed twice.
    Quarantined,
    /// It is absent; its room in a shared ledger is being released.
    Releasing,
}

impl AgentPhase {
    /// All, in order of life.
    pub const ALL: [Self; 8] = [
        Self::Reserving,
        Self::Creating,
        Self::Starting,
        Self::Ready,
        Self::Draining,
        Self::Destroying,
        Self::Quarantined,
        Self::Releasing,
    ];

    /// The word used in JSON, metrics and the ledger.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Reserving => "reserving",
            Self::Creating => "creating",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Destroying => "destroying",
            Self::Quarantined => "quarantined",
            Self::Releasing => "releasing",
        }
    }

    /// The phase with this word.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.code() == code)
    }
}

/// An agent as it is written down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgentRecord {
    /// Which agent.
    pub id: AgentId,
    /// Its pool, which may have left the configuration.
    pub pool: PoolName,
    /// The scaler of that pool.
    pub scaler: Name,
    /// Where its instance lives.
    pub backend: BackendId,
    /// The shared ledger it is reserved in.
    pub machine_pool: Option<Name>,
    /// Who speaks for it.
    pub kind: AgentKind,
    /// How far it has come.
    pub phase: AgentPhase,
    /// Since when.
    pub phase_since: Timestamp,
    /// When it was first intended.
    pub created_at: Timestamp,
    /// Why it was made.
    pub made_for: Reason,
    /// Why it leaves, once it does.
    pub leaves_for: Option<Reason>,
    /// What it reserves and what bounds it.
    pub granted: Granted,
    /// Jobs it runs at once.
    pub slots: u32,
    /// Fingerprint of what its pool said when it was made; see `PoolSpec::fingerprint`.
    pub made_from: u64,
    /// Jobs it has been given and that are over.
    pub jobs_done: u32,
    /// Fingerprints of its one-time tokens; empty once one was used.
    pub tokens: Vec<Digest>,
    /// The token it registered with, so that a lost answer can be repeated.
    pub used_token: Option<Digest>,
    /// Fingerprint of its session.
    pub session: Option<Digest>,
    /// What its time goes into now; `None` while no machine can be there: before its creation
    /// is ordered, and once its absence is confirmed.
    pub account: Option<Account>,
    /// Whether a person wants it to be given no new jobs.
    pub cordoned: bool,
}

/// How far an attempt has come. See the lifecycle table in the planner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AttemptPhase {
    /// Offered to the agent, which has not claimed it.
    Assigned,
    /// Claimed: the agent may run it.
    Running,
    /// Over, but the agent's absence must be confirmed before anything follows.
    Lost,
    /// Over; what its source must be told.
    Settling(Settlement),
}

impl AttemptPhase {
    /// The word used in JSON, metrics and the ledger.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Running => "running",
            Self::Lost => "lost",
            Self::Settling(_) => "settling",
        }
    }
}

/// What a source must be told about a taken job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Settlement {
    /// It goes back to its place; nothing ran.
    Return,
    /// It goes back to its place; an attempt was made and another is asked for.
    Retry,
    /// It ended.
    Complete(crate::JobEnd),
}

/// An attempt as it is written down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttemptRecord {
    /// Which job.
    pub job: JobId,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Where the job came from.
    pub source: SourceId,
    /// Who was given it.
    pub agent: AgentId,
    /// How far it has come.
    pub phase: AttemptPhase,
    /// Deliveries in a row that nobody claimed, before this one.
    pub deliveries: u32,
    /// Further attempts the job asks for.
    pub retries_left: u32,
    /// The job's own timeout.
    pub timeout: Option<Duration>,
    /// Whether somebody wants it cancelled.
    pub cancel_requested: bool,
    /// When it was offered.
    pub assigned_at: Timestamp,
    /// When it was claimed.
    pub claimed_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended, when an agent told.
    pub outcome: Option<Outcome>,
}

/// What one round changed, to be written in one transaction.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    /// Agents as they are now.
    pub agents: Vec<AgentRecord>,
    /// Agents that are gone.
    pub agents_gone: Vec<AgentId>,
    /// Attempts as they are now.
    pub attempts: Vec<AttemptRecord>,
    /// Attempts whose source has been told: kept as history, no longer restored.
    pub attempts_settled: Vec<(JobId, u32)>,
    /// Pools that an operator drains, all of them; `None` when that did not change.
    pub drained_pools: Option<Vec<PoolName>>,
    /// Time of agents that is over and what it went into. One that begins when another of
    /// the same agent does replaces it.
    pub time_spent: Vec<TimeSpent>,
}

impl Changes {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
