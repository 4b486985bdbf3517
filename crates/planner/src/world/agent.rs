//! An agent as we believe it to be.

use alloc::vec::Vec;

use headcount_model::{AgentId, AgentPhase, AgentRecord, JobId, TimeSpent, Timestamp};

use crate::PoolId;

/// Our record of one agent, from intent to gone: what is written down, and what is not.
#[derive(Clone, Debug)]
pub struct Agent {
    /// What is written down.
    pub(crate) record: AgentRecord,
    /// Its pool, interned.
    pub(crate) pool: PoolId,
    /// Whether it can be spoken to.
    pub(crate) link: Link,
    /// The creation, destruction, reservation or release that is under way.
    pub(crate) effect: Effect,
    /// Jobs given to it, in any stage that names it.
    pub(crate) jobs: Vec<JobId>,
    /// From when its launch is timed: a launch does not go on while no daemon runs.
    pub(crate) launch_from: Timestamp,
    /// Since when it has had nothing to do; meaningful while ready.
    pub(crate) idle_since: Timestamp,
    /// Whether it has been told to leave since it last connected.
    pub(crate) told_to_drain: bool,
    /// A list asked for in a later round than this shows the agent if it exists.
    pub(crate) listable_from: u64,
    /// Whether its absence, once confirmed, counts as a failed launch, and how it failed.
    pub(crate) launch_trouble: Option<alloc::string::String>,
    /// What was said of its creation whose outcome is unclear; until it is of use.
    pub(crate) unclear: Option<alloc::string::String>,
    /// Whether its backend ever showed it, or it spoke itself, since this daemon watches.
    pub(crate) seen: bool,
    /// Why its instance does not execute yet, as its backend told.
    pub(crate) waits_for: Option<alloc::string::String>,
    /// Pieces of its time that had no price, in case it is told yet.
    pub(crate) unpriced: Vec<TimeSpent>,
    /// Why it was not removed when that was tried last.
    pub(crate) stays_for: Option<alloc::string::String>,
    /// While quarantined: since when it is said, again and again, that it is gone.
    pub(crate) absent_since: Option<Timestamp>,
}

impl Agent {
    /// What is written down of it.
    #[must_use]
    pub const fn record(&self) -> &AgentRecord {
        &self.record
    }

    /// Which agent.
    #[must_use]
    pub const fn id(&self) -> AgentId {
        self.record.id
    }

    /// Its pool.
    #[must_use]
    pub const fn pool(&self) -> PoolId {
        self.pool
    }

    /// How far it has come.
    #[must_use]
    pub const fn phase(&self) -> AgentPhase {
        self.record.phase
    }

    /// Jobs given to it.
    #[must_use]
    pub fn jobs(&self) -> &[JobId] {
        &self.jobs
    }

    /// Whether it can be spoken to.
    #[must_use]
    pub const fn link(&self) -> Link {
        self.link
    }

    /// Why its instance does not execute yet, while it starts and its backend knows.
    #[must_use]
    pub fn waits_for(&self) -> Option<&str> {
        self.waits_for.as_deref().filter(|_| self.is_launching())
    }

    /// What was said of its creation, while it starts and nobody knows how that creation
    /// went.
    #[must_use]
    pub fn unclear(&self) -> Option<&str> {
        self.unclear.as_deref().filter(|_| self.is_launching())
    }

    /// Why its backend did not remove it when that was tried last, while it is to go.
    #[must_use]
    pub fn stays_for(&self) -> Option<&str> {
        self.stays_for.as_deref()
    }

    /// What is under way at its backend.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.effect
    }

    /// Since when it has had nothing to do; meaningful while ready and without jobs.
    #[must_use]
    pub const fn idle_since(&self) -> Timestamp {
        self.idle_since
    }

    /// Slots without a job.
    pub(crate) fn free_slots(&self) -> u32 {
        self.record
            .slots
            .saturating_sub(crate::world_count(self.jobs.len()))
    }

    /// Whether it leaves, and neither a job nor its backend holds it up.
    pub(crate) fn leaves_soon(&self) -> bool {
        match self.record.phase {
            AgentPhase::Draining => self.jobs.is_empty(),
            AgentPhase::Destroying | AgentPhase::Releasing => true,
            _ => false,
        }
    }

    /// Whether it is on its way to being ready.
    pub(crate) const fn is_launching(&self) -> bool {
        matches!(
            self.record.phase,
            AgentPhase::Reserving | AgentPhase::Creating | AgentPhase::Starting
        )
    }
}

/// Whether an agent can be spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    /// It has not connected yet, or needs no connection.
    Never,
    /// It is connected.
    Up,
    /// It was connected, and is not since then.
    Down(Timestamp),
}

/// Something asked of a backend, source or shared ledger, and not answered for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Nothing is under way.
    None,
    /// It is under way, after it failed so many times in a row.
    InFlight(u32),
    /// Its outcome is unknown: look before acting again.
    Unknown,
    /// It failed so many times; it is tried again then.
    RetryAt(Timestamp, u32),
}

impl Effect {
    /// How often it failed in a row.
    pub(crate) const fn tries(self) -> u32 {
        match self {
            Self::RetryAt(_, tries) | Self::InFlight(tries) => tries,
            Self::None | Self::Unknown => 0,
        }
    }

    /// The same, under way: what failed before is not forgotten, so that delays grow.
    #[must_use]
    pub(crate) const fn started(self) -> Self {
        Self::InFlight(self.tries())
    }

    /// Whether an answer is to come.
    #[must_use]
    pub const fn is_in_flight(self) -> bool {
        matches!(self, Self::InFlight(_))
    }
}
