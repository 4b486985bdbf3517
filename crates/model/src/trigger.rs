//! Triggers as configured: what is read, and how its number becomes agents.
//!
//! Source of the kinds, modes and strategies: the KEDA `ScaledJob` reference, sections 1 to 3.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::{Level, Secret};

/// The policy `queue` of one pool: what it reads and how many agents that asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueRule {
    /// At least one, in file order.
    pub triggers: Vec<Trigger>,
    /// How the number of living agents is taken off.
    pub strategy: Strategy,
    /// How several triggers become one number.
    pub combine: Combine,
    /// Agents that exist whatever the triggers say.
    pub min: u32,
    /// Agents that exist at most; `None` is the documented default of the format.
    pub max: Option<u32>,
    /// Whose arithmetic holds where the original's has quirks.
    pub compat: Compat,
    /// The longest time between two samples, even if no change is announced.
    pub polling: Duration,
}

/// How the number of living agents is taken off demand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Strategy {
    /// The triggers count what is in progress too: every living agent is taken off.
    #[default]
    Default,
    /// As `Default`, with a fixed deduction and a part of the running agents taken off.
    Custom {
        /// Taken off the number of new agents; may be negative.
        deduction: i32,
        /// The part of the living agents that is taken off, usually 0 to 1.
        running: Level,
    },
    /// The triggers count only what nobody works on: only agents on their way are taken off.
    Accurate,
    /// As many as there is room for, soon.
    Eager,
}

/// How several triggers become one number; those that cannot be read are left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Combine {
    /// The largest.
    #[default]
    Max,
    /// The smallest.
    Min,
    /// The mean of the active ones.
    Avg,
    /// All together.
    Sum,
}

/// Whose arithmetic holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Compat {
    /// Ours: the strategy's intent, without counting anything twice and never above `max`.
    #[default]
    Headcount,
    /// KEDA's, bit for bit. The guards still apply to what is done.
    Keda,
}

/// One entry of `triggers:`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trigger {
    /// Unique in its pool; as written, or made from its kind and place.
    pub name: String,
    /// How much of the value one agent is for; not negative.
    pub target: Level,
    /// The value must be above this to ask for anything.
    pub activation: Level,
    /// What is read.
    pub kind: TriggerKind,
}

/// What a trigger reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TriggerKind {
    /// A stream of a Redis server.
    RedisStream {
        /// Where.
        connection: Arc<RedisConnection>,
        /// The key.
        stream: String,
        /// What of it.
        measure: StreamMeasure,
    },
    /// A list, set, sorted set or hash of a Redis server: how many members it has.
    RedisKey {
        /// Where.
        connection: Arc<RedisConnection>,
        /// The key.
        key: String,
    },
    /// A window of time.
    Cron(CronWindow),
}

impl TriggerKind {
    /// Whether its number holds what agents already work on: what is taken from a list, or
    /// read from a stream, leaves the number of what waits alone.
    #[must_use]
    pub const fn counts_work(&self) -> bool {
        match self {
            Self::RedisStream { measure, .. } => !matches!(measure, StreamMeasure::Lag { .. }),
            Self::RedisKey { .. } => false,
            Self::Cron(_) => true,
        }
    }
}

impl TriggerKind {
    /// Whether its number may stay as it is although agents came and found nothing: windows
    /// stay open, and nobody may delete what is done from a stream.
    #[must_use]
    pub const fn may_stand_still(&self) -> bool {
        match self {
            Self::RedisStream { measure, .. } => matches!(measure, StreamMeasure::Length),
            Self::RedisKey { .. } => false,
            Self::Cron(_) => true,
        }
    }

    /// Whether the end of an agent is a reason to look at its number at once. The entries of
    /// a stream stay where nobody deletes them, and what a dead consumer was given stays
    /// given: looking at once would make one agent after the other for them.
    #[must_use]
    pub const fn follows_ends(&self) -> bool {
        match self {
            Self::RedisStream { measure, .. } => matches!(
                measure,
                StreamMeasure::Backlog { .. } | StreamMeasure::Lag { .. }
            ),
            Self::RedisKey { .. } | Self::Cron(_) => true,
        }
    }
}

/// What of a stream is counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StreamMeasure {
    /// Everything a group has not acknowledged: waiting, in flight and claimable.
    Backlog {
        /// The consumer group.
        group: String,
        /// An entry whose consumer is silent for this long may be claimed by another;
        /// `None` is never.
        claim_after: Option<Duration>,
    },
    /// `XLEN`: all entries, acknowledged ones included.
    Length,
    /// `XPENDING`: delivered and not acknowledged.
    Pending {
        /// The consumer group.
        group: String,
    },
    /// What nobody works on: not delivered yet, and claimable. As KEDA has it the group's
    /// own `lag`, which servers know from Redis 7 on.
    Lag {
        /// The consumer group.
        group: String,
        /// As of [`Self::Backlog`].
        claim_after: Option<Duration>,
    },
}

/// A window of time that opens and closes by two five-field patterns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CronWindow {
    /// IANA name.
    pub timezone: String,
    /// When it opens.
    pub start: String,
    /// When it closes.
    pub end: String,
    /// The value while it is open; above zero.
    pub desired: u32,
    /// Whose rule says whether it is open.
    pub compat: Compat,
}

/// How to reach a Redis server, a cluster of them, or one that sentinels name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RedisConnection {
    /// Where.
    pub servers: RedisServers,
    /// ACL user; `None` is the default user.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// Which database; a cluster has only 0.
    pub database: u32,
    /// Set for TLS.
    pub tls: Option<RedisTls>,
}

/// Which servers, and how they stand to each other. Addresses are `host:port`, IPv6 hosts
/// in brackets. A password is itself, or says where it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RedisServers<Password = Secret> {
    /// One server.
    Standalone(String),
    /// Seeds of a cluster, at least one.
    Cluster(Vec<String>),
    /// Sentinels that say who is the master.
    Sentinel {
        /// At least one.
        addresses: Vec<String>,
        /// The master's name.
        master: String,
        /// ACL user at the sentinels.
        username: Option<String>,
        /// Its password.
        password: Option<Password>,
    },
}

/// TLS towards Redis. Texts are PEM.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RedisTls {
    /// Certificates to trust instead of the system's.
    pub ca: Option<String>,
    /// Our certificate and its key.
    pub client: Option<(String, Secret)>,
    /// Whether any certificate is taken for good.
    pub insecure: bool,
}
