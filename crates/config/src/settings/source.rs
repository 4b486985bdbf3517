//! Where jobs come from besides the built-in queue.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use headcount_model::{Command, Layer, LogPressure};

use super::{RedisServer, RedisServers};

/// One entry of `sources`: a stream that is read for agents.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Unique, in either case.
    pub name: String,
    /// Where the stream is.
    pub server: RedisServer,
    /// The key.
    pub stream: String,
    /// The consumer group.
    pub group: String,
    /// The stream of entries that are given up; another one.
    pub dead_letters: String,
    /// Entries of consumers that were silent for so long are taken over.
    pub min_idle: Duration,
    /// How often an entry is tried, at least once.
    pub attempts: u32,
    /// Fields that do not become variables.
    pub left_out: BTreeSet<String>,
    /// The longest time between two looks.
    pub polling: Duration,
    /// What each entry runs.
    pub job: EntryJob,
}

/// What each entry runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryJob {
    /// Labels an agent must have, by name or by pattern, as written.
    pub runs_on: Vec<String>,
    /// Labels an agent must not have, by name or by pattern, as written.
    pub exclude: Vec<String>,
    /// CPUs and memory, as written.
    pub resources: Layer,
    /// Higher goes first.
    pub priority: i32,
    /// What to execute.
    pub command: Command,
    /// Variables of the job.
    pub env: BTreeMap<String, String>,
    /// Where to run; `None` is a fresh directory.
    pub working_dir: Option<String>,
    /// TERM after this long.
    pub timeout: Option<Duration>,
    /// Between TERM and KILL.
    pub grace: Duration,
    /// Stored output stops here, in bytes.
    pub log_limit_bytes: u64,
    /// What to do with output that cannot be sent as fast as it comes; `None` is what the
    /// label set says.
    pub log_pressure: Option<LogPressure>,
}

impl Source {
    /// The word of the file.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match &self.server.servers {
            RedisServers::Standalone(_) => "redis-streams",
            RedisServers::Cluster(_) => "redis-cluster-streams",
            RedisServers::Sentinel { .. } => "redis-sentinel-streams",
        }
    }
}
