//! What a backend says exists.

use crate::{AgentId, PoolName};

/// One thing a backend lists under our owner mark.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instance {
    /// The agent it was made for, from its mark.
    pub agent: AgentId,
    /// The pool it was made for, from its mark.
    pub pool: PoolName,
    /// How it stands.
    pub state: InstanceState,
}

/// How an instance stands, as its backend sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InstanceState {
    /// Made, but not executing yet; it will, without being asked again.
    Starting,
    /// Begun for a daemon that is gone, and sound so far: it comes to nothing unless it is
    /// asked for again with [its creation](crate::AgentPhase::Creating). Only a backend whose
    /// creation carries on with what it finds says so; others say [`Ended`](Self::Ended).
    Unfinished,
    /// Executing.
    Running,
    /// Ended, or left half-made; what is left of it can be removed.
    Ended(Exit),
}

/// How a process or instance ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// It returned this code.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
    /// Nobody saw how (it ended while no daemon was watching).
    Unknown,
}

impl Exit {
    /// Ended with code 0.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Code(0))
    }
}
