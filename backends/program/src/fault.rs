//! What went wrong with a provisioner, by what to do next.
//!
//! Promise: only what a program has said clearly is believed; everything else is an unknown
//! outcome.

use std::time::Duration;

use headcount_ports::BackendError;

use headcount_calls::CallError;

use crate::provisioner::Machine;

/// Longer messages are cut, in characters.
const MAX_MESSAGE: usize = 500;
/// A quota does not grow by itself soon.
const QUOTA_REST: Duration = Duration::from_secs(5 * 60);
/// A throttled account is left alone so long when nothing is said.
const THROTTLED_REST: Duration = Duration::from_secs(30);

/// A call that did not do what it was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fault {
    pub(crate) verdict: Verdict,
    /// For a person; one line.
    pub(crate) message: String,
    /// How long it asks to be left alone.
    pub(crate) retry_after: Option<Duration>,
    /// What there is all the same, as far as anybody knows.
    pub(crate) left: Option<Box<Machine>>,
}

/// What to make of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// No room now.
    Capacity,
    /// An account's limit is reached.
    Quota,
    /// Asked too often.
    Throttled,
    /// Credentials are refused.
    Auth,
    /// What was asked cannot be.
    Invalid,
    /// There is no such machine.
    NotFound,
    /// Later it may work; nothing was done.
    Transient,
    /// There is such a machine already: GARM's word, ours is success.
    Duplicate,
    /// The program was not run.
    NotStarted,
    /// Nobody knows what was done.
    Unknown,
}

impl Verdict {
    /// Our contract's words, with the exit codes that say the same.
    pub(crate) const WORDS: [(&'static str, i32, Self); 7] = [
        ("capacity", 10, Self::Capacity),
        ("quota", 11, Self::Quota),
        ("throttled", 12, Self::Throttled),
        ("auth", 13, Self::Auth),
        ("invalid", 14, Self::Invalid),
        ("not-found", 15, Self::NotFound),
        ("transient", 16, Self::Transient),
    ];

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(known, ..)| *known == word);
        found.map(|(.., verdict)| *verdict)
    }

    pub(crate) fn of_code(code: i32) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(_, known, _)| *known == code);
        found.map(|(.., verdict)| *verdict)
    }
}

impl Fault {
    pub(crate) fn new(verdict: Verdict, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self {
            verdict,
            message: message.chars().take(MAX_MESSAGE).collect(),
            retry_after: None,
            left: None,
        }
    }

    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self::new(Verdict::Unknown, message)
    }

    /// Of a creation that its program says made nothing.
    pub(crate) fn as_not_made(&self) -> BackendError {
        let message = self.message.clone();
        match self.verdict {
            Verdict::Capacity => BackendError::Capacity {
                message,
                retry_after: self.retry_after,
            },
            Verdict::Quota => BackendError::Capacity {
                message: format!("the quota is reached: {message}"),
                retry_after: self.retry_after.or(Some(QUOTA_REST)),
            },
            Verdict::Throttled => BackendError::Capacity {
                message: format!("throttled: {message}"),
                retry_after: self.rest(),
            },
            Verdict::Auth => BackendError::Invalid(format!(
                "the provisioner's credentials are refused: {message}"
            )),
            Verdict::Invalid | Verdict::NotFound | Verdict::NotStarted => {
                BackendError::Invalid(message)
            }
            Verdict::Transient => BackendError::Transient(message),
            Verdict::Duplicate | Verdict::Unknown => BackendError::Unknown(message),
        }
    }

    /// Of a list, which changes nothing.
    pub(crate) fn as_unlisted(&self) -> BackendError {
        BackendError::Transient(match self.verdict {
            Verdict::Throttled => format!("throttled: {}", self.message),
            _ => self.message.clone(),
        })
    }

    /// Of a destruction that is not confirmed.
    pub(crate) fn as_not_ended(&self) -> BackendError {
        let message = self.message.clone();
        match self.rest() {
            Some(retry_after) => BackendError::Throttled {
                message,
                retry_after,
            },
            None => BackendError::Unknown(message),
        }
    }

    /// How long the program is to be left alone, if it was asked too often.
    pub(crate) fn rest(&self) -> Option<Duration> {
        let usual = self.retry_after.unwrap_or(THROTTLED_REST);
        (self.verdict == Verdict::Throttled).then_some(usual)
    }
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        let verdict = match error {
            CallError::NotStarted { .. } => Verdict::NotStarted,
            CallError::Late { .. } | CallError::TooMuch { .. } | CallError::Lost { .. } => {
                Verdict::Unknown
            }
        };
        Self::new(verdict, error.to_string())
    }
}
