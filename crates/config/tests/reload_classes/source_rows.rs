//! Rows of sources. What they say is read when the daemon starts: a reload that differs is
//! refused by the daemon with the words "restart required".

use super::queue_rows::QUEUE_ROWS;
use super::rows::Class;

/// Key of an entry of `sources`, and two spellings of its line.
pub const SOURCE_ROWS: &[(&str, &str, &str)] = &[
    ("name", "name: a", "name: b"),
    ("type", "type: redis-streams", "type: redis-cluster-streams"),
    ("minIdle", "minIdle: 1m", "minIdle: 2m"),
    ("attempts", "attempts: 1", "attempts: 2"),
    (
        "deadLetterStream",
        "deadLetterStream: a",
        "deadLetterStream: b",
    ),
    ("leaveOut", "leaveOut: [a]", "leaveOut: [b]"),
    (
        "pollingInterval",
        "pollingInterval: 1s",
        "pollingInterval: 2",
    ),
    (
        "job.runsOn",
        "job: {command: [x], runsOn: [a]}",
        "job: {command: [x], runsOn: [\"gpu-*\"]}",
    ),
    (
        "job.exclude",
        "job: {command: [x], exclude: [a]}",
        "job: {command: [x], exclude: [b]}",
    ),
    (
        "job.resources.cpus",
        "job: {command: [x], resources: {cpus: 1}}",
        "job: {command: [x], resources: {cpus: 2}}",
    ),
    (
        "job.resources.memory",
        "job: {command: [x], resources: {memory: 1g}}",
        "job: {command: [x], resources: {memory: 2g}}",
    ),
    (
        "job.resources.requests.cpus",
        "job: {command: [x], resources: {requests: {cpus: 1}}}",
        "job: {command: [x], resources: {requests: {cpus: 2}}}",
    ),
    (
        "job.resources.requests.memory",
        "job: {command: [x], resources: {requests: {memory: 1g}}}",
        "job: {command: [x], resources: {requests: {memory: 2g}}}",
    ),
    (
        "job.resources.limits.cpus",
        "job: {command: [x], resources: {limits: {cpus: 1}}}",
        "job: {command: [x], resources: {limits: {cpus: 2}}}",
    ),
    (
        "job.resources.limits.memory",
        "job: {command: [x], resources: {limits: {memory: 1g}}}",
        "job: {command: [x], resources: {limits: {memory: 2g}}}",
    ),
    (
        "job.priority",
        "job: {command: [x], priority: 1}",
        "job: {command: [x], priority: 2}",
    ),
    ("job.command", "job: {command: [x]}", "job: {command: [y]}"),
    ("job.script", "job: {script: x}", "job: {script: y}"),
    (
        "job.env",
        "job: {command: [x], env: {A: a}}",
        "job: {command: [x], env: {A: b}}",
    ),
    (
        "job.workingDir",
        "job: {command: [x], workingDir: /a}",
        "job: {command: [x], workingDir: /b}",
    ),
    (
        "job.timeout",
        "job: {command: [x], timeout: 1m}",
        "job: {command: [x], timeout: 2m}",
    ),
    (
        "job.grace",
        "job: {command: [x], grace: 1s}",
        "job: {command: [x], grace: 2s}",
    ),
    (
        "job.logLimit",
        "job: {command: [x], logLimit: 1m}",
        "job: {command: [x], logLimit: 2m}",
    ),
    (
        "job.logPressure",
        "job: {command: [x], logPressure: pause}",
        "job: {command: [x], logPressure: drop}",
    ),
];

/// Parameters of triggers that say how to count.
const COUNTING: &[&str] = &[
    "entriesPerAgent",
    "claimAfter",
    "pendingEntriesCount",
    "streamLength",
    "lagCount",
    "activationLagCount",
    "listName",
    "listLength",
    "activationListLength",
    "timezone",
    "start",
    "end",
    "desiredReplicas",
];

/// What a source is made of, beside the one line.
const REST: &[&str] = &[
    "name: q",
    "type: redis-streams",
    "metadata: {address: \"a:1\", stream: s, consumerGroup: g}",
    "job: {command: [x]}",
];

/// The entry with this line.
pub fn source(line: &str) -> String {
    let name = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    let rest = REST.iter().filter(|other| name(other) != name(line));
    let lines: Vec<&str> = std::iter::once(line).chain(rest.copied()).collect();
    format!("sources: [{{{}}}]", lines.join(", "))
}

/// The parameters of a trigger as those of a source: key, class, two files' lines.
pub fn metadata() -> impl Iterator<Item = (String, Class, String, String)> {
    let rows = QUEUE_ROWS.iter();
    rows.filter_map(|(key, class, old, new)| {
        let parameter = key.strip_prefix("scalers[].triggers[].metadata.")?;
        let class = match class {
            Class::Refused => Class::Refused,
            _ if COUNTING.contains(&parameter) => Class::NoEffect,
            _ => Class::Restart,
        };
        let key = format!("sources[].metadata.{parameter}");
        Some((key, class, of_trigger(old), of_trigger(new)))
    })
}

fn of_trigger(line: &str) -> String {
    let (_, rest) = line.split_once("type: ").unwrap();
    let (kind, rest) = rest.split_once(", metadata: {").unwrap();
    let mut inner = rest.trim_end_matches("}}]").to_owned();
    for (key, pair) in [
        ("stream:", "stream: s"),
        ("consumerGroup:", "consumerGroup: g"),
    ] {
        let has = inner.split(", ").any(|part| part.starts_with(key));
        if !has {
            inner = format!("{inner}, {pair}");
        }
    }
    if !inner.contains("address") && !inner.contains("host") {
        inner = format!("{inner}, address: \"a:1\"");
    }
    let kind = match kind.contains("sentinel") {
        true => "redis-sentinel-streams",
        false => "redis-streams",
    };
    format!("sources: [{{name: q, type: {kind}, metadata: {{{inner}}}, job: {{command: [x]}}}}]")
}
