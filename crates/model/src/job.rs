//! What a job is made of and how it may end.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::{Exit, JobId, Reason};

/// Everything an agent needs to run a job. Comes from the source at assignment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobWork {
    /// Which job.
    pub job: JobId,
    /// The name its owner gave it, if any.
    pub name: Option<String>,
    /// What to execute.
    pub command: Command,
    /// Set for the job on top of the agent's own clean environment.
    pub env: BTreeMap<String, String>,
    /// Where to run; unset means a fresh directory that is removed afterwards.
    pub working_dir: Option<String>,
    /// TERM is sent after this long; unset means never.
    pub timeout: Option<Duration>,
    /// How long between TERM and KILL.
    pub grace: Duration,
    /// Stored output stops here, in bytes, with a marker.
    pub log_limit_bytes: u64,
    /// What the agent does when output cannot be sent as fast as it comes; unset until
    /// the controller fills in what the agent's pool says.
    pub log_pressure: Option<LogPressure>,
}

/// What to execute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Program and arguments, executed as they are.
    Argv(Vec<String>),
    /// Text given to `/bin/sh -e -c`.
    Script(String),
}

/// What the agent does when output cannot be sent as fast as it comes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum LogPressure {
    /// Stop reading the job's pipe until there is room: nothing is lost, the job may block.
    #[default]
    Pause,
    /// Keep reading and drop lines, leaving a marker that says how many.
    Drop,
}

/// How one attempt ended, as the agent that ran it reports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The command ended by itself.
    Exited(Exit),
    /// Its time was up; it was ended.
    TimedOut,
    /// It was cancelled and ended.
    Cancelled,
    /// It never ran: the agent could not start it, and says why.
    NotStarted(String),
}

impl Outcome {
    /// The command ran and returned 0.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Exited(exit) if exit.is_success())
    }
}

/// How a job ended, for good. Recorded once, never changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JobEnd {
    /// Its command returned 0.
    Succeeded,
    /// Its last attempt ended otherwise; how, when an agent told.
    Failed {
        /// Why: `command_failed`, `timed_out`, `not_started`, `agent_lost`, `undeliverable`,
        /// `never_fits`, `poisoned`, `taken_over`.
        reason: Reason,
        /// What the agent reported, if it did.
        outcome: Option<Outcome>,
    },
    /// Somebody cancelled it.
    Cancelled {
        /// What the agent reported, if it had started.
        outcome: Option<Outcome>,
    },
    /// It waited too long.
    Expired,
}
