//! Why the agent ended, as an exit code. The codes are an interface: backends show them.

use std::fmt;

/// Why the agent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It was drained, its jobs ended and their results are recorded.
    Left,
    /// Its settings cannot be used; nothing was started.
    Settings,
    /// The daemon refused it for good; what it ran is ended.
    Refused,
    /// The daemon was out of reach for too long.
    Unreachable,
    /// This host refuses something the agent cannot do without.
    Host,
    /// It was told to end at once, before every result was recorded.
    Interrupted,
}

impl Exit {
    /// The exit code of the process.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Left => 0,
            Self::Settings => 2,
            Self::Refused => 3,
            Self::Unreachable => 4,
            Self::Host => 5,
            Self::Interrupted => 6,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Left => "left after its jobs were done",
            Self::Settings => "settings cannot be used",
            Self::Refused => "refused by the daemon",
            Self::Unreachable => "daemon out of reach for too long",
            Self::Host => "host refuses what the agent needs",
            Self::Interrupted => "told to end before every result was recorded",
        })
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
