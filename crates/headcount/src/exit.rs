//! Exit codes: an interface for scripts, told in `headcount --help` and `docs/cli.md`.
//!
//! Promise: the same thing always ends with the same code. Leaves how a job's own end
//! becomes a code to [`crate::commands::submit`].

use std::process::ExitCode;

/// How a command ends, apart from `submit --wait`, which ends as its job does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// It did what it was asked.
    Done,
    /// It did not, for a reason that has no code of its own.
    Failed,
    /// The arguments, a file or the request cannot be used as they are.
    Usage,
    /// There is no such job, agent or pool.
    NotFound,
    /// No daemon answers at the address.
    Unreachable,
    /// The daemon understood and will not do it, however often it is asked.
    Refused,
    /// The daemon cannot do it at present.
    NotNow,
    /// Ended by this signal.
    Signal(u8),
    /// As the job did that it waited for.
    Job(u8),
}

impl Exit {
    /// The exit code of the process.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Unreachable => 4,
            Self::Refused => 5,
            Self::NotNow => 6,
            Self::Signal(number) => 128_u8.saturating_add(number),
            Self::Job(code) => code,
        }
    }

    /// What an answer with this HTTP status means; used where nobody said more.
    pub(crate) const fn of_status(status: u16) -> Self {
        match status {
            400 | 405 | 411 | 413 | 414 | 415 | 422 => Self::Usage,
            404 | 410 => Self::NotFound,
            401 | 403 | 409 | 421 => Self::Refused,
            408 | 429 | 503 => Self::NotNow,
            502 | 504 => Self::Unreachable,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The table that `--help` and the documentation show.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed
  2    the arguments, a file or the request cannot be used as they are
  3    no such job, agent or pool
  4    no daemon answers at the address
  5    refused: the daemon understood and will not do it
  6    not now: the daemon is stopping, full or out of disk; try again later
  130  ended by Ctrl-C (128 + the signal's number)
With `submit --wait` the job's own exit code, or
  124  it ran longer than its timeout
  125  it was cancelled
  126  it could not be started or delivered, or its agent was lost
  127  it expired in the queue
  128 + n  signal n ended it";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_an_interface() {
        let codes = [
            (Exit::Done, 0),
            (Exit::Failed, 1),
            (Exit::Usage, 2),
            (Exit::NotFound, 3),
            (Exit::Unreachable, 4),
            (Exit::Refused, 5),
            (Exit::NotNow, 6),
            (Exit::Signal(2), 130),
            (Exit::Signal(15), 143),
            (Exit::Signal(255), 255),
            (Exit::Job(7), 7),
        ];
        for (exit, code) in codes {
            assert_eq!(exit.code(), code, "{exit:?}");
        }
    }

    #[test]
    fn every_status_has_a_meaning() {
        let meanings = [
            (400, Exit::Usage),
            (401, Exit::Refused),
            (403, Exit::Refused),
            (404, Exit::NotFound),
            (405, Exit::Usage),
            (409, Exit::Refused),
            (408, Exit::NotNow),
            (413, Exit::Usage),
            (421, Exit::Refused),
            (415, Exit::Usage),
            (422, Exit::Usage),
            (429, Exit::NotNow),
            (500, Exit::Failed),
            (502, Exit::Unreachable),
            (503, Exit::NotNow),
            (504, Exit::Unreachable),
        ];
        for (status, exit) in meanings {
            assert_eq!(Exit::of_status(status), exit, "{status}");
        }
    }
}
