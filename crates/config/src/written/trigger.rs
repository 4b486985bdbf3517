//! Numbers that stand for demand: one entry of `triggers`.
//!
//! The names of parameters are those that KEDA documents, so that a trigger can be carried
//! over as it is; those that KEDA has not are the house's own.

use std::time::Duration;

use super::shapes::{NAME, SPAN, TEXT};
use crate::read::{
    Choice, CommaList, Interval, Loose, LooseFlag, Nested, default, loose_integer, object,
    optional, required,
};

object! {
    /// A number that stands for demand, read from somewhere.
    Trigger, "a trigger" {
        /// What is read.
        kind: TriggerWord = "type", TRIGGER_TYPE, required();
        /// Unique in its scaler.
        name: String = "name", NAME, default("its type and its place");
        /// Where, and how its number becomes agents.
        metadata: TriggerMetadata = "metadata", Nested::<TriggerMetadata>::NEW, required();
    }
}

object! {
    /// The parameters of a trigger. Numbers and truth values may stand in quotes.
    TriggerMetadata, "`metadata`" {
        /// Redis servers, `host:port`; a standalone server is one, a cluster or sentinels
        /// may be several.
        address: Vec<String> = "address", CommaList, optional().only(REDIS);
        /// The same.
        addresses: Vec<String> = "addresses", CommaList, optional().only(REDIS);
        /// Redis servers whose ports stand in `port`.
        host: Vec<String> = "host", CommaList, optional().only(REDIS);
        /// The same.
        hosts: Vec<String> = "hosts", CommaList, optional().only(REDIS);
        /// As many as hosts.
        port: Vec<String> = "port", CommaList, optional().only(REDIS);
        /// The same.
        ports: Vec<String> = "ports", CommaList, optional().only(REDIS);
        /// ACL user.
        username: String = "username", WORD, default("the default user").only(REDIS);
        /// Not taken here: the files of a configuration are read by many.
        password: String = "password", WORD, optional().only(REDIS);
        /// A file with the password, read when the configuration is; an end of line at its
        /// end does not count.
        password_file: String = "passwordFile", TEXT, optional().only(REDIS);
        /// A variable of the daemon's environment with the password.
        password_from_env: String = "passwordFromEnv", TEXT, optional().only(REDIS);
        /// A place in a file of Kubernetes objects with the password,
        /// `file#Kind/name#/pointer`.
        password_from_manifest: String = "passwordFromManifest", TEXT, optional().only(REDIS);
        /// What sentinels call the master.
        sentinel_master: String = "sentinelMaster", WORD, optional().only(SENTINEL);
        /// ACL user at the sentinels.
        sentinel_username: String = "sentinelUsername", WORD,
            default("the default user").only(SENTINEL);
        /// Not taken here, as `password`.
        sentinel_password: String = "sentinelPassword", WORD, optional().only(SENTINEL);
        /// As `passwordFile`, at the sentinels.
        sentinel_password_file: String = "sentinelPasswordFile", TEXT,
            optional().only(SENTINEL);
        /// As `passwordFromEnv`, at the sentinels.
        sentinel_password_from_env: String = "sentinelPasswordFromEnv", TEXT,
            optional().only(SENTINEL);
        /// As `passwordFromManifest`, at the sentinels.
        sentinel_password_from_manifest: String = "sentinelPasswordFromManifest", TEXT,
            optional().only(SENTINEL);
        /// Which database; a cluster has only 0.
        database_index: i64 = "databaseIndex", loose_integer(0), default("0").only(REDIS);
        /// Whether the server is spoken to with TLS.
        enable_tls: bool = "enableTLS", LooseFlag, default("false").only(REDIS);
        /// Whether any certificate is taken for good.
        unsafe_ssl: bool = "unsafeSsl", LooseFlag, default("false").only(REDIS);
        /// A file with certificates to trust instead of the system's, PEM.
        ca_file: String = "caFile", TEXT, optional().only(REDIS);
        /// The same in a file of Kubernetes objects.
        ca_from_manifest: String = "caFromManifest", TEXT, optional().only(REDIS);
        /// A file with the certificate of this client, PEM.
        cert_file: String = "certFile", TEXT, optional().only(REDIS);
        /// The same in a file of Kubernetes objects.
        cert_from_manifest: String = "certFromManifest", TEXT, optional().only(REDIS);
        /// A file with its key, PEM, not encrypted.
        key_file: String = "keyFile", TEXT, optional().only(REDIS);
        /// The same in a file of Kubernetes objects.
        key_from_manifest: String = "keyFromManifest", TEXT, optional().only(REDIS);
        /// The stream. Needed for this type.
        stream: String = "stream", WORD, optional().only(STREAMS);
        /// The consumer group whose entries are counted.
        consumer_group: String = "consumerGroup", WORD, optional().only(STREAMS);
        /// Entries for each agent: what the group has not acknowledged, waiting and in
        /// progress. The mode of a group where no other number is written.
        entries_per_agent: i64 = "entriesPerAgent", loose_integer(1), default("1").only(STREAMS);
        /// How long an entry's consumer must be silent for another to claim it. With
        /// `entriesPerAgent` or `lagCount`.
        claim_after: Duration = "claimAfter", CLAIM_AFTER, default("never").only(STREAMS);
        /// Entries for each agent: only those that are delivered and not acknowledged.
        pending_entries_count: i64 = "pendingEntriesCount", loose_integer(0),
            optional().only(STREAMS);
        /// Entries for each agent: all that the stream holds. Without `consumerGroup`.
        stream_length: i64 = "streamLength", loose_integer(0), optional().only(STREAMS);
        /// Entries for each further agent: only those that nobody works on. With
        /// `compat: keda` the server's own number, of Redis 7 or later.
        lag_count: i64 = "lagCount", loose_integer(0), optional().only(STREAMS);
        /// The number must be above this to ask for any agent, whatever is counted.
        activation_lag_count: i64 = "activationLagCount", ANY_NUMBER, default("0").only(STREAMS);
        /// The list, set, sorted set or hash. Needed for this type.
        list_name: String = "listName", WORD, optional().only(LISTS);
        /// Members for each agent.
        list_length: i64 = "listLength", loose_integer(0), default("5").only(LISTS);
        /// The number must be above this to ask for any agent.
        activation_list_length: i64 = "activationListLength", ANY_NUMBER,
            default("0").only(LISTS);
        /// Time zone of the window, such as `Europe/Berlin`. Needed for this type.
        timezone: String = "timezone", WORD, optional().only(CRON);
        /// When the window opens: minute, hour, day of month, month, day of week.
        /// Needed for this type.
        start: String = "start", WORD, optional().only(CRON);
        /// When it closes. Needed for this type.
        end: String = "end", WORD, optional().only(CRON);
        /// Agents while it is open. Needed for this type.
        desired_replicas: i64 = "desiredReplicas", REPLICAS, optional().only(CRON);
    }
}

const WORD: Loose = Loose(TEXT);
const CLAIM_AFTER: Interval = Interval {
    min: SPAN.min,
    max: SPAN.max,
};
const ANY_NUMBER: crate::read::LooseInteger = loose_integer(-1_000_000_000);
const REPLICAS: crate::read::LooseInteger = crate::read::LooseInteger {
    range: 1..=u32::MAX as i64,
};

const STREAMS: &[&str] = &[
    "redis-streams",
    "redis-cluster-streams",
    "redis-sentinel-streams",
];
const LISTS: &[&str] = &["redis", "redis-cluster", "redis-sentinel"];
const SENTINEL: &[&str] = &["redis-sentinel-streams", "redis-sentinel"];
const CRON: &[&str] = &["cron"];
const REDIS: &[&str] = &[
    "redis-streams",
    "redis-cluster-streams",
    "redis-sentinel-streams",
    "redis",
    "redis-cluster",
    "redis-sentinel",
];

/// The type of a trigger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TriggerWord {
    Stream(RedisForm),
    List(RedisForm),
    Cron,
}

/// How the servers stand to each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RedisForm {
    Standalone,
    Cluster,
    Sentinel,
}

impl TriggerWord {
    pub fn word(self) -> &'static str {
        let words = TRIGGER_TYPE.words.iter();
        let mut found = words.filter(|(_, kind)| *kind == self);
        found.next().map_or("", |(word, _)| word)
    }
}

pub(crate) const TRIGGER_TYPE: Choice<TriggerWord> = Choice {
    words: &[
        ("redis-streams", TriggerWord::Stream(RedisForm::Standalone)),
        (
            "redis-cluster-streams",
            TriggerWord::Stream(RedisForm::Cluster),
        ),
        (
            "redis-sentinel-streams",
            TriggerWord::Stream(RedisForm::Sentinel),
        ),
        ("redis", TriggerWord::List(RedisForm::Standalone)),
        ("redis-cluster", TriggerWord::List(RedisForm::Cluster)),
        ("redis-sentinel", TriggerWord::List(RedisForm::Sentinel)),
        ("cron", TriggerWord::Cron),
    ],
    others: &[],
};
