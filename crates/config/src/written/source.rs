//! Where jobs come from besides the built-in queue: one entry of `sources`.

use std::collections::BTreeMap;
use std::time::Duration;

use headcount_model::LogPressure;

use super::label_set::PRESSURE;
use super::shapes::{ARGUMENT, LONGEST, NAME, SPAN, TEXT, WAIT};
use super::{POLLING, RedisForm, Resources, TriggerMetadata};
use crate::read::{
    Choice, Environment, List, Memory, Nested, SpanText, Text, default, integer, object, optional,
    required,
};
use crate::source::Spanned;
use crate::value::check_label;

object! {
    /// A stream that is read for agents: each of its entries becomes a job.
    Source, "a source" {
        /// Its name. Unique; part of what its entries are called, so it stays with the
        /// stream.
        name: String = "name", NAME, required();
        /// What is read.
        kind: RedisForm = "type", SOURCE_TYPE, required();
        /// Where: servers, credentials, TLS, `stream` and `consumerGroup`, written as for a
        /// trigger of this type.
        metadata: TriggerMetadata = "metadata", Nested::<TriggerMetadata>::NEW, required();
        /// How long the consumer of an entry must be silent for it to be taken over.
        min_idle: Duration = "minIdle", MIN_IDLE, default("1m");
        /// How often an entry is tried, deliveries to other consumers included.
        attempts: u32 = "attempts", integer(1..=100), default("3");
        /// The stream of entries that are given up.
        dead_letter_stream: String = "deadLetterStream", TEXT,
            default("the stream's name with `:dead`");
        /// Fields that do not become variables.
        leave_out: Vec<Spanned<String>> = "leaveOut", List { of: TEXT, filled: false },
            default("none");
        /// The longest time between two looks at the stream; what changes is noticed at
        /// once where the server tells of it.
        polling_interval: Duration = "pollingInterval", POLLING, default("30s");
        /// What each entry runs.
        job: EntryJob = "job", Nested::<EntryJob>::NEW, required();
    }
}

object! {
    /// What each entry runs: a job as it is submitted. Its fields become the variables
    /// `HEADCOUNT_FIELD_<NAME>`.
    EntryJob, "`job`" {
        /// Labels an agent must have, by name or by pattern.
        runs_on: Vec<Spanned<String>> = "runsOn", List { of: JOB_LABEL, filled: false },
            default("any agent");
        /// Labels an agent must not have, by name or by pattern.
        exclude: Vec<Spanned<String>> = "exclude", List { of: JOB_LABEL, filled: false },
            default("none");
        /// CPUs and memory it asks for.
        resources: Resources = "resources", Nested::<Resources>::NEW,
            default("the label set's");
        /// Higher goes first.
        priority: i32 = "priority", integer(-1_000_000..=1_000_000), default("0");
        /// Program and arguments. Either this or `script`.
        command: Vec<Spanned<String>> = "command", List { of: ARGUMENT, filled: true },
            optional();
        /// Text given to `/bin/sh -e -c`.
        script: String = "script", ARGUMENT, optional();
        /// Variables of the job; those of the entry come over them.
        env: BTreeMap<String, String> = "env", Environment, default("none");
        /// Where to run.
        working_dir: String = "workingDir", TEXT, default("a fresh directory");
        /// TERM is sent after this long.
        timeout: Duration = "timeout", WAIT, default("never");
        /// Between TERM and KILL.
        grace: Duration = "grace", GRACE, default("10s");
        /// Stored output stops here.
        log_limit: u64 = "logLimit", Memory, default("64m");
        /// What to do with output that cannot be sent as fast as it comes.
        log_pressure: LogPressure = "logPressure", PRESSURE, default("the label set's");
    }
}

/// Ours are said to be worked on three times in it.
const MIN_IDLE: SpanText = SpanText {
    min: Duration::from_secs(1),
    max: LONGEST,
};
const GRACE: SpanText = SpanText {
    min: SPAN.min,
    max: Duration::from_secs(60 * 60),
};
/// Patterns are checked as patterns.
const JOB_LABEL: Text = Text {
    words: "label or pattern",
    check: |text| match headcount_model::Pattern::read(text) {
        Some(_) => Ok(()),
        None => check_label(text),
    },
    pattern: None,
};

const SOURCE_TYPE: Choice<RedisForm> = Choice {
    words: &[
        ("redis-streams", RedisForm::Standalone),
        ("redis-cluster-streams", RedisForm::Cluster),
        ("redis-sentinel-streams", RedisForm::Sentinel),
    ],
    others: &[
        ("gitlab", "that source is not built yet in this version"),
        ("queue", "remove it: the built-in queue needs no entry"),
    ],
};
