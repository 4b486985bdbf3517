//! Twins of how attempts and jobs end.

use std::fmt::Display;

use headcount_model::{Exit, JobEnd, Outcome, Reason};
use serde::{Deserialize, Serialize};

use super::{from_json, to_json, unreadable};
use crate::fault::Fault;

pub(crate) fn end_to_json(end: &JobEnd) -> Result<String, Fault> {
    to_json(&EndRow::from(end.clone()))
}

pub(crate) fn end_from_json(what: impl Display + Copy, text: &str) -> Result<JobEnd, Fault> {
    from_json::<EndRow>(what, text)?.into_end(what)
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EndRow {
    Succeeded,
    Failed {
        reason: String,
        outcome: Option<OutcomeRow>,
    },
    Cancelled {
        outcome: Option<OutcomeRow>,
    },
    Expired,
}

impl From<JobEnd> for EndRow {
    fn from(end: JobEnd) -> Self {
        match end {
            JobEnd::Succeeded => Self::Succeeded,
            JobEnd::Failed { reason, outcome } => Self::Failed {
                reason: reason.code().to_string(),
                outcome: outcome.map(Into::into),
            },
            JobEnd::Cancelled { outcome } => Self::Cancelled {
                outcome: outcome.map(Into::into),
            },
            JobEnd::Expired => Self::Expired,
        }
    }
}

impl EndRow {
    pub(super) fn into_end(self, what: impl Display) -> Result<JobEnd, Fault> {
        Ok(match self {
            Self::Succeeded => JobEnd::Succeeded,
            Self::Failed { reason, outcome } => JobEnd::Failed {
                reason: read_reason(what, &reason)?,
                outcome: outcome.map(Into::into),
            },
            Self::Cancelled { outcome } => JobEnd::Cancelled {
                outcome: outcome.map(Into::into),
            },
            Self::Expired => JobEnd::Expired,
        })
    }
}

pub(super) fn read_reason(what: impl Display, code: &str) -> Result<Reason, Fault> {
    Reason::from_code(code).ok_or_else(|| unreadable(what, format!("no reason is called {code:?}")))
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OutcomeRow {
    Exited(ExitRow),
    TimedOut,
    Cancelled,
    NotStarted(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ExitRow {
    Code(i32),
    Signal(i32),
    Unknown,
}

impl From<Outcome> for OutcomeRow {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Exited(Exit::Code(code)) => Self::Exited(ExitRow::Code(code)),
            Outcome::Exited(Exit::Signal(signal)) => Self::Exited(ExitRow::Signal(signal)),
            Outcome::Exited(Exit::Unknown) => Self::Exited(ExitRow::Unknown),
            Outcome::TimedOut => Self::TimedOut,
            Outcome::Cancelled => Self::Cancelled,
            Outcome::NotStarted(why) => Self::NotStarted(why),
        }
    }
}

impl From<OutcomeRow> for Outcome {
    fn from(row: OutcomeRow) -> Self {
        match row {
            OutcomeRow::Exited(ExitRow::Code(code)) => Self::Exited(Exit::Code(code)),
            OutcomeRow::Exited(ExitRow::Signal(signal)) => Self::Exited(Exit::Signal(signal)),
            OutcomeRow::Exited(ExitRow::Unknown) => Self::Exited(Exit::Unknown),
            OutcomeRow::TimedOut => Self::TimedOut,
            OutcomeRow::Cancelled => Self::Cancelled,
            OutcomeRow::NotStarted(why) => Self::NotStarted(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_written_like_this() {
        let cases = [
            (JobEnd::Succeeded, r#""succeeded""#),
            (JobEnd::Expired, r#""expired""#),
            (
                JobEnd::Cancelled { outcome: None },
                r#"{"cancelled":{"outcome":null}}"#,
            ),
            (
                JobEnd::Failed {
                    reason: Reason::CommandFailed,
                    outcome: Some(Outcome::Exited(Exit::Code(7))),
                },
                r#"{"failed":{"reason":"command_failed","outcome":{"exited":{"code":7}}}}"#,
            ),
        ];
        for (end, text) in cases {
            assert_eq!(end_to_json(&end).ok().as_deref(), Some(text));
            assert_eq!(end_from_json("job-1", text).ok(), Some(end));
        }
    }

    #[test]
    fn an_unknown_reason_names_the_row() {
        let text = r#"{"failed":{"reason":"because","outcome":null}}"#;
        assert_eq!(
            end_from_json("job-1", text).map_err(|it| it.to_string()),
            Err("the row of job-1 cannot be read: no reason is called \"because\"".to_string())
        );
    }
}
