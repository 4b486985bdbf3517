//! An agent, as the API shows it. (How agents speak is [`crate::agent`].)

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Moment, Resources};

/// Everything shown of one agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// Its id.
    #[schema(example = "a-65f1c2a0-7")]
    pub id: String,
    /// Its pool.
    #[schema(example = "builders/linux")]
    pub pool: String,
    /// The scaler of that pool.
    pub scaler: String,
    /// Where its instance lives.
    #[schema(example = "bare-metal")]
    pub backend: String,
    /// Who speaks for it: `managed`, `sidecar` or `worker`.
    #[schema(example = "managed")]
    pub kind: String,
    /// How it stands.
    pub state: AgentState,
    /// Since when its lifecycle stands so; a change between idle and busy does not count.
    pub since: Moment,
    /// When it was first intended.
    pub created_at: Moment,
    /// Why it is there, or why it leaves, as a code.
    pub reason: String,
    /// The same as a sentence.
    pub reason_text: String,
    /// Whether it can be spoken to; `null` for one that has not connected, or never does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<bool>,
    /// Since when it cannot be spoken to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disconnected_since: Option<Moment>,
    /// Since when it has had nothing to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_since: Option<Moment>,
    /// Whether a person wants it to be given no new jobs.
    #[serde(default)]
    pub cordoned: bool,
    /// Why its backend did not remove it when that was tried last, while it is to go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Jobs given to it.
    pub jobs: Vec<String>,
    /// Jobs it runs at once.
    pub slots: u32,
    /// Jobs it was given and that are over.
    pub jobs_done: u32,
    /// What it was granted; what is left out is unlimited.
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    pub resources: Resources,
}

/// How an agent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AgentState {
    /// A shared ledger is asked for room.
    Reserving,
    /// Its creation is intended or under way.
    Creating,
    /// Its instance exists; it is not ready yet.
    Starting,
    /// Ready, without a job. A worker is always shown so while it runs.
    Idle,
    /// Ready, with a job.
    Busy,
    /// It takes nothing new and is to leave by itself.
    Draining,
    /// It is being destroyed.
    Destroying,
    /// Its backend did not remove it, again and again: it counts as there until its absence
    /// is confirmed twice.
    Quarantined,
    /// It is absent; its room in a shared ledger is being released.
    Releasing,
}

impl AgentState {
    /// All, in order of life.
    pub const ALL: [Self; 9] = [
        Self::Reserving,
        Self::Creating,
        Self::Starting,
        Self::Idle,
        Self::Busy,
        Self::Draining,
        Self::Destroying,
        Self::Quarantined,
        Self::Releasing,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reserving => "reserving",
            Self::Creating => "creating",
            Self::Starting => "starting",
            Self::Idle => "idle",
            Self::Busy => "busy",
            Self::Draining => "draining",
            Self::Destroying => "destroying",
            Self::Quarantined => "quarantined",
            Self::Releasing => "releasing",
        }
    }
}

/// A wish that an agent is given no new jobs, or jobs again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CordonRequest {
    /// Gives it jobs again instead.
    #[serde(default)]
    pub undo: bool,
}

/// What a cordon, or its end, did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cordoned {
    /// Which agent.
    pub agent: String,
    /// Whether it is given no new jobs now.
    pub cordoned: bool,
    /// Whether that was otherwise before.
    pub changed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_json() {
        for state in AgentState::ALL {
            let text = serde_json::to_string(&state).unwrap();
            assert_eq!(text, format!("\"{}\"", state.word()));
        }
    }
}
