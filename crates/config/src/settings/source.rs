//! Where jobs come from besides the built-in queue.

use std::collections::BTreeSet;
use std::time::Duration;

use headcount_model::JobTemplate;

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
    pub job: JobTemplate,
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
