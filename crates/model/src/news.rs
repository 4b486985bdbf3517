//! What the world outside tells: by agents, backends and sources, unasked or as answers.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::{
    AgentId, ClassCount, ClassKey, Digest, Exit, Instance, JobId, Outcome, Price, Resources,
};

/// What became of a piece of news.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It changed the world.
    Applied,
    /// It was known already; as good as applied.
    Known,
    /// It is refused.
    Refused(Refusal),
}

/// Why a piece of news is refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Refusal {
    /// No agent of this id is known.
    UnknownAgent,
    /// The token is not one of the agent's.
    BadToken,
    /// The token was used by another session: stolen, or shown twice.
    TokenUsed,
    /// The session is not the agent's.
    BadSession,
    /// The agent is leaving or lost; it must end what it runs.
    AgentLeaving,
    /// The attempt is not (or no longer) this agent's; it must not run it.
    NotYours,
    /// The attempt is over; the outcome comes too late.
    TooLate,
    /// No pool of this name.
    UnknownPool,
    /// The news contradicts what is known in a way that no retry mends.
    Contradiction,
    /// The daemon is stopping; nothing is promised.
    Stopping,
}

impl Refusal {
    /// The word used in logs, metrics and close reasons.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownAgent => "unknown_agent",
            Self::BadToken => "bad_token",
            Self::TokenUsed => "token_used",
            Self::BadSession => "bad_session",
            Self::AgentLeaving => "agent_leaving",
            Self::NotYours => "not_yours",
            Self::TooLate => "too_late",
            Self::UnknownPool => "unknown_pool",
            Self::Contradiction => "contradiction",
            Self::Stopping => "stopping",
        }
    }
}

/// What agents tell. Each is answered after the round that took it in is durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LinkEvent {
    /// A new agent shows its one-time token and the session it chose.
    Registered {
        /// Who it says it is.
        agent: AgentId,
        /// SHA-256 of the token it showed.
        token: Digest,
        /// SHA-256 of the session secret it chose.
        session: Digest,
    },
    /// A registered agent is back, with what it holds.
    Resumed {
        /// Who it says it is.
        agent: AgentId,
        /// SHA-256 of the session secret it showed.
        session: Digest,
        /// Attempts it has claimed and not seen acknowledged as finished.
        held: Vec<Held>,
    },
    /// Its connection ended.
    Disconnected(AgentId),
    /// It asks to run an attempt. The answer `Applied` or `Known` is the acknowledgement.
    Claimed {
        /// Who.
        agent: AgentId,
        /// Which job.
        job: JobId,
        /// Which attempt.
        attempt: u32,
    },
    /// It declines an attempt (it is leaving, or has no slot).
    Declined {
        /// Who.
        agent: AgentId,
        /// Which job.
        job: JobId,
        /// Which attempt.
        attempt: u32,
    },
    /// An attempt ended. `Applied` or `Known` lets the agent forget it.
    Finished {
        /// Who.
        agent: AgentId,
        /// Which job.
        job: JobId,
        /// Which attempt.
        attempt: u32,
        /// How.
        outcome: Outcome,
    },
    /// It takes nothing new and leaves once its jobs have ended.
    Leaving(AgentId),
}

/// An attempt an agent still holds when it comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    /// Which job.
    pub job: JobId,
    /// Which attempt.
    pub attempt: u32,
    /// Whether it saw its claim granted. One that did not runs nothing yet and claims again.
    pub granted: bool,
}

/// What a backend listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listing {
    /// In order of agent id.
    pub instances: Vec<Instance>,
}

/// What a backend tells without being asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BackendEvent {
    /// What the instance may reach is settled; nothing of it runs yet. Told only where there
    /// is a network policy, and for the account of a launch only: nothing is decided by it.
    Fenced(AgentId),
    /// The instance executes; for a worker that is being ready.
    Running(AgentId),
    /// The instance is made and does not execute yet, because of this (one line, for a
    /// person; bounded by the backend); `None` when what stood in the way no longer does.
    Waiting(AgentId, Option<String>),
    /// What the instance costs, from the beginning or, told once more, from now on.
    Priced(AgentId, Price),
    /// The instance ended and nothing of it is left.
    Gone(AgentId, Exit),
    /// Events may have been missed: list again.
    Missed,
}

/// All classes of a source at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Demand {
    /// Grows with every change of the source.
    pub sample: u64,
    /// Classes in which jobs wait; a class not listed has none.
    pub classes: Vec<(ClassKey, ClassCount)>,
}

/// Jobs a source handed out, and how their class stands afterwards.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Taken {
    /// Oldest first; may be fewer than asked for.
    pub jobs: Vec<TakenJob>,
    /// The sample that includes this taking.
    pub sample: u64,
    /// How the class stands after it.
    pub class_after: ClassCount,
}

/// One job handed out, with what the planner must know of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TakenJob {
    /// Which job.
    pub job: JobId,
    /// Attempts that were claimed before.
    pub attempts: u32,
    /// Deliveries in a row that nobody claimed.
    pub deliveries: u32,
    /// Further attempts it asks for after a failed one.
    pub retries_left: u32,
    /// The job's own timeout, for the daemon's backstop behind the agent's.
    pub timeout: Option<Duration>,
}

/// What a source tells without being asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SourceEvent {
    /// How one class stands now.
    Demand {
        /// Grows with every change of the source.
        sample: u64,
        /// Which class.
        class: ClassKey,
        /// Absolute numbers.
        count: ClassCount,
    },
    /// A taken job should not run, or should stop.
    CancelRequested(JobId),
    /// The source can no longer say what waits.
    Unknown(String),
}

/// Something that did not work, by what to do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// What to do next.
    pub kind: TroubleKind,
    /// For a person; one line.
    pub message: String,
}

/// Why a shared ledger booked nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unreserved {
    /// What to do next.
    pub trouble: Trouble,
    /// What the other daemons hold, where the ledger could tell.
    pub others: Option<Resources>,
}

/// What to do after something did not work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TroubleKind {
    /// Try again later.
    Transient,
    /// Back off: there is no room now, and perhaps not before this long.
    NoCapacity(Option<Duration>),
    /// Trying the same again cannot help; a person must mend something.
    Invalid,
    /// The thing it was about is no longer there.
    Gone,
    /// The outcome is unknown: look before acting again.
    Unknown,
}
