//! Demand that is bound to one scaler: triggers, and the policy that counts with them.

use std::time::Duration;

pub use headcount_model::{Combine, Compat, CronWindow, Level, Strategy, StreamMeasure};

use super::SecretRef;

/// `policy` of kind `queue` with the scaler's triggers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Queue {
    /// In file order, at least one; names are unique.
    pub triggers: Vec<Trigger>,
    /// How living agents are taken off demand.
    pub strategy: Strategy,
    /// Conditions that one pod must have for its agent not to be pending; empty is a pod
    /// that runs.
    pub pending_pod_conditions: Vec<String>,
    /// How several triggers become one number.
    pub combine: Combine,
    /// Agents that exist whatever the triggers say.
    pub min: u32,
    /// Agents that exist at most; `None` is the documented default of the dialect.
    pub max: Option<u32>,
    /// The longest time between two looks.
    pub polling: Duration,
    /// Whose arithmetic holds.
    pub compat: Compat,
    /// Whether no more agents are made.
    pub paused: bool,
}

/// One entry of `triggers`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trigger {
    /// Unique in its scaler; `None` where the file has none.
    pub name: Option<String>,
    /// How much of the value one agent is for; not negative.
    pub target: Level,
    /// The value must be above this to ask for anything.
    pub activation: Level,
    /// What is read.
    pub kind: TriggerKind,
}

impl Trigger {
    /// Its name, or else one made from its type and its place among the triggers.
    #[must_use]
    pub fn name_at(&self, index: usize) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => format!("{}-{index}", self.kind.word()),
        }
    }
}

/// What a trigger reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TriggerKind {
    /// A stream.
    RedisStream {
        /// Where.
        server: RedisServer,
        /// The key.
        stream: String,
        /// What of it.
        measure: StreamMeasure,
    },
    /// A list, set, sorted set or hash.
    RedisKey {
        /// Where.
        server: RedisServer,
        /// The key.
        key: String,
    },
    /// A window of time; its rule is that of the policy.
    Cron(CronWindow),
}

impl TriggerKind {
    /// The word of the file.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::RedisStream { server, .. } => match &server.servers {
                RedisServers::Standalone(_) => "redis-streams",
                RedisServers::Cluster(_) => "redis-cluster-streams",
                RedisServers::Sentinel { .. } => "redis-sentinel-streams",
            },
            Self::RedisKey { server, .. } => match &server.servers {
                RedisServers::Standalone(_) => "redis",
                RedisServers::Cluster(_) => "redis-cluster",
                RedisServers::Sentinel { .. } => "redis-sentinel",
            },
            Self::Cron(_) => "cron",
        }
    }
}

/// How to reach Redis.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RedisServer {
    /// Which servers.
    pub servers: RedisServers,
    /// ACL user; `None` is the default user.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<SecretRef>,
    /// Which database; 0 with a cluster.
    pub database: u32,
    /// Set for TLS.
    pub tls: Option<RedisTls>,
}

/// Which servers; a password is read when the configuration is.
pub type RedisServers = headcount_model::RedisServers<SecretRef>;

/// TLS towards Redis; what is referred to is PEM.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RedisTls {
    /// Certificates to trust instead of the system's.
    pub ca: Option<SecretRef>,
    /// Our certificate and its key.
    pub client: Option<(SecretRef, SecretRef)>,
    /// Whether any certificate is taken for good.
    pub insecure: bool,
}
