//! What changed, for those who watch live: the `data` of server-sent events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AgentState, JobState};

/// One change. The event's name is the value of `type`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Event {
    /// Sent first on every stream: everything before it is to be fetched.
    Hello {
        /// Version of the daemon.
        version: String,
    },
    /// An agent moved on.
    Agent {
        /// Which.
        agent: String,
        /// Its pool.
        pool: String,
        /// How it stands. One that is ready is shown as idle; a job that it is given is
        /// an event of its own.
        state: AgentState,
        /// Why it was made, or why it leaves, as a code.
        reason: String,
    },
    /// An agent is gone.
    AgentGone {
        /// Which.
        agent: String,
    },
    /// A job moved on.
    Job {
        /// Which.
        job: String,
        /// How it stands.
        state: JobState,
        /// Which attempt, while it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
        /// Who has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
    },
    /// Jobs were accepted.
    Jobs {
        /// How many.
        accepted: u64,
        /// The first of them.
        first: String,
        /// The last of them.
        last: String,
    },
    /// Jobs pile up, or no longer do: so many wait as the queue's warning depth says, and
    /// have for some seconds.
    Backlog {
        /// Whether they do.
        sustained: bool,
        /// How many wait.
        queued: u64,
        /// The warning depth.
        threshold: u64,
        /// How many of them run on what, labels joined by commas; the ten largest numbers.
        by_labels: BTreeMap<String, u64>,
    },
    /// A pool is drained, or no longer.
    Pool {
        /// Which.
        pool: String,
        /// Whether an operator drains it.
        draining: bool,
    },
    /// A configuration took effect.
    Config {
        /// Pools that changed.
        changes: u64,
    },
    /// The reader was too slow, or came back too late: fetch everything again.
    Missed {
        /// How many events, if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<u64>,
    },
}

impl Event {
    /// The name of the event, which is also its `type`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Agent { .. } => "agent",
            Self::AgentGone { .. } => "agentGone",
            Self::Job { .. } => "job",
            Self::Jobs { .. } => "jobs",
            Self::Backlog { .. } => "backlog",
            Self::Pool { .. } => "pool",
            Self::Config { .. } => "config",
            Self::Missed { .. } => "missed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_types() {
        let gone = Event::AgentGone {
            agent: "a-1-1".to_owned(),
        };
        let text = serde_json::to_string(&gone).unwrap();
        assert_eq!(text, r#"{"type":"agentGone","agent":"a-1-1"}"#);
        for event in [gone, Event::Missed { count: None }] {
            let value = serde_json::to_value(&event).unwrap();
            assert_eq!(value["type"], event.name());
        }
    }
}
