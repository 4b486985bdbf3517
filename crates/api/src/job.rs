//! A job, as the API shows it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{LogPressure, Moment, Resources};

/// Everything shown of one job. Values of its environment are never shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its id.
    #[schema(example = "job-42")]
    pub id: String,
    /// Where it comes from: `queue` is the built-in queue, which is all that older daemons
    /// have.
    #[serde(default = "built_in_queue")]
    #[schema(example = "queue", required = true)]
    pub source: String,
    /// The name its owner gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The key its owner chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// How it stands.
    pub state: JobState,
    /// Why it stands so, as a code. In lists it is left out for a waiting job whose place
    /// would have to be looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "scaler_at_max_agents")]
    pub reason: Option<String>,
    /// The same as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_text: Option<String>,
    /// Labels an agent must have, by name or by pattern.
    pub runs_on: Vec<String>,
    /// Labels an agent must not have, by name or by pattern.
    pub exclude: Vec<String>,
    /// As written.
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    pub resources: Resources,
    /// Higher goes first.
    pub priority: i32,
    /// Program and arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Text given to `/bin/sh -e -c`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// Names of the variables set for the job; empty once it has ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env_names: Vec<String>,
    /// Where it runs; a fresh directory when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Ended after this long, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Between TERM and KILL, in milliseconds.
    pub grace_ms: u64,
    /// Further attempts after a failed one.
    pub retries: u32,
    /// Stored output stops here, in bytes.
    pub log_limit_bytes: u64,
    /// What the agent does with output it cannot send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_pressure: Option<LogPressure>,
    /// When it was accepted.
    pub accepted_at: Moment,
    /// When it expires if it still waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Moment>,
    /// When its latest attempt began to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Moment>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Moment>,
    /// Attempts that began to run, the running one included.
    pub attempts: u32,
    /// Its latest attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<Attempt>,
    /// What its command returned, once it has ended and if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended its command, once it has ended and if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Why its command could not be started, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

fn built_in_queue() -> String {
    "queue".to_owned()
}

/// One attempt to run a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// From 1.
    pub attempt: u32,
    /// Who was given it.
    #[schema(example = "a-65f1c2a0-7")]
    pub agent: String,
    /// When it was offered.
    pub assigned_at: Moment,
    /// When it was claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<Moment>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Moment>,
    /// How it ended, when an agent told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// How an attempt ended, as its agent reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Outcome {
    /// It returned.
    Exited {
        /// Its exit code.
        code: i32,
    },
    /// A signal ended it.
    Signalled {
        /// Which.
        signal: i32,
    },
    /// Nobody saw how.
    Unseen,
    /// Its time was up.
    TimedOut,
    /// It was cancelled.
    Cancelled,
    /// It could not be started.
    NotStarted {
        /// Why.
        message: String,
    },
}

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It waits.
    Queued,
    /// It was offered to an agent.
    Assigned,
    /// It runs.
    Running,
    /// It ended: returned 0.
    Succeeded,
    /// It ended: anything else.
    Failed,
    /// It ended: somebody cancelled it.
    Cancelled,
    /// It ended: it waited too long.
    Expired,
}

impl JobState {
    /// All, in order of life.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Assigned,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Assigned => "assigned",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// The state with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether nothing more will happen to the job.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::Cancelled | Self::Expired
        )
    }
}

/// What became of a wish to cancel a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CancelledJob {
    /// Its id.
    pub id: String,
    /// How it stands: `cancelled` if it waited; `assigned` or `running` while its agent
    /// is being told; its end if it had ended before.
    pub state: JobState,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_json() {
        for state in JobState::ALL {
            let text = serde_json::to_string(&state).unwrap();
            assert_eq!(text, format!("\"{}\"", state.word()));
            assert_eq!(JobState::from_word(state.word()), Some(state));
        }
        assert_eq!(JobState::from_word("done"), None);
    }
}
