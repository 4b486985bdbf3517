//! A stream that is read for agents: each of its entries becomes a job.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

use crate::{Command, Layer, LogPressure, RedisConnection, Selectors, SourceId};

/// One source of kind `redis-streams`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamSource {
    /// Its name; unique, and not that of the built-in queue.
    pub id: SourceId,
    /// Where the stream is.
    pub connection: Arc<RedisConnection>,
    /// The key.
    pub stream: String,
    /// The consumer group; made where it does not exist.
    pub group: String,
    /// The stream of entries that were given up.
    pub dead_letters: String,
    /// Entries of consumers that were silent for so long are taken over; ours are said to
    /// be worked on three times in this span.
    pub min_idle: Duration,
    /// How often an entry is tried, deliveries to others included; at least 1.
    pub attempts: u32,
    /// Fields that do not become variables.
    pub left_out: BTreeSet<String>,
    /// The longest time between two looks at the stream.
    pub polling: Duration,
    /// What each entry runs.
    pub job: JobTemplate,
}

/// What jobs that are made of messages have in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobTemplate {
    /// Labels an agent must have, by name or by pattern.
    pub runs_on: Selectors,
    /// Labels an agent must not have, by name or by pattern.
    pub exclude: Selectors,
    /// As written.
    pub resources: Layer,
    /// Higher goes first.
    pub priority: i32,
    /// What to execute.
    pub command: Command,
    /// Set for the job; variables of the message come over it.
    pub env: BTreeMap<String, String>,
    /// Where to run; unset is a fresh directory.
    pub working_dir: Option<String>,
    /// TERM after this long.
    pub timeout: Option<Duration>,
    /// Between TERM and KILL.
    pub grace: Duration,
    /// Stored output stops here, in bytes.
    pub log_limit_bytes: u64,
    /// What the agent does with output it cannot send; unset takes the pool's.
    pub log_pressure: Option<LogPressure>,
}
