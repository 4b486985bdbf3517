//! Screens, as they are read.

use super::*;
use crate::show::ending::tests::job;
use serde_json::{Value, json};

fn show(value: Value) -> String {
    let explanation: Explanation = serde_json::from_value(value).unwrap();
    let (width, color) = (Some(100), false);
    screen(&explanation, Page { width, color })
}

fn class(runs_on: &[&str], waiting: u64) -> Value {
    json!({
        "source": "queue", "runsOn": runs_on, "exclude": [], "priority": 0,
        "waiting": waiting, "oldestAt": "1970-01-01T00:00:10Z", "shares": []
    })
}

#[test]
fn a_job_that_nobody_can_run() {
    let text = show(json!({
        "at": "1970-01-01T00:05:10Z",
        "job": {
            "id": "job-42", "name": "unit tests", "state": "queued",
            "runsOn": ["linux", "gpux"], "exclude": [], "priority": 0,
            "command": ["make", "test"], "graceMs": 10000, "retries": 0,
            "logLimitBytes": 0, "acceptedAt": "1970-01-01T00:00:10Z",
            "expiresAt": "1970-01-02T00:05:10Z", "attempts": 0
        },
        "class": class(&["linux", "gpux", "linx*", "/tpu/"], 1),
        "position": {"ahead": 0},
        "reason": "no_matching_pool",
        "reasonText": "no pool has the labels the job asks for",
        "advice": "Compare `runsOn` and `exclude` with the label sets.",
        "pools": [
            {"pool": "big/gpu+linux", "labels": ["gpu", "linux"], "verdict": "unfit", "missing": ["gpux", "linx*", "/tpu/"]},
            {"pool": "feeders/x", "labels": ["x"], "verdict": "unfit", "missing": ["gpux", "linux"], "worker": true}
        ],
        "unmatched": ["linx*", "/tpu/"],
        "nearest": [{"asked": "gpux", "nearest": "gpu"}, {"asked": "linx*", "nearest": "linux"}]
    }));
    assert_eq!(
        text,
        "\
job-42 (unit tests) waits: no pool has the labels the job asks for
  asks for   linux, gpux, linx*, /tpu/
  runs       make test
  queue      1 job waits like it, the oldest for 5m; it is next
  waits for  5m, gives up in 1d

POOL           FITS  WHAT STANDS IN THE WAY
big/gpu+linux  no    lacks gpux, linx*, /tpu/
feeders/x      no    its agents find their work themselves; lacks gpux, linux

No pool has a label that matches `/tpu/`.

No pool has `gpux`; the nearest label is `gpu`.

No pool has `linx*`; the nearest label is `linux`.

What to do: Compare `runsOn` and `exclude` with the label sets.
"
    );
}

#[test]
fn a_job_that_waits_for_room() {
    let text = show(json!({
        "at": "1970-01-01T00:05:10Z",
        "class": class(&[], 3),
        "reason": "scaler_at_max_agents",
        "reasonText": "the scaler runs as many agents as its maxAgents allows",
        "advice": "Raise `maxAgents` of the scaler, or wait for running jobs to end.",
        "pools": [
            {"pool": "a/linux", "labels": ["linux"], "verdict": "candidate",
             "blockedBy": "scaler_at_max_agents",
             "blockedByText": "the scaler runs as many agents as its maxAgents allows",
             "since": "1970-01-01T00:04:10Z"}
        ]
    }));
    assert_eq!(
        text,
        "\
a job like this would wait: the scaler runs as many agents as its maxAgents allows
  asks for   any labels
  queue      3 jobs wait like it, the oldest for 5m

POOL     FITS  SINCE  WHAT STANDS IN THE WAY
a/linux  yes   1m     the scaler runs as many agents as its maxAgents allows

What to do: Raise `maxAgents` of the scaler, or wait for running jobs to end.
"
    );
}

#[test]
fn a_job_that_has_ended_waits_for_nothing() {
    let mut job = serde_json::to_value(job(json!({
        "state": "failed", "reason": "command_failed", "exitCode": 7,
        "latest": {"attempt": 2, "agent": "a-1-7", "assignedAt": "1970-01-01T00:00:00Z"}
    })))
    .unwrap();
    job["runsOn"] = json!(["linux"]);
    let text = show(json!({
        "at": "1970-01-01T00:05:10Z", "job": job, "class": class(&["linux"], 3),
        "advice": "Read its output with `headcount logs`.",
        "pools": [{"pool": "a/linux", "labels": ["linux"], "verdict": "candidate"}]
    }));
    assert_eq!(
        text,
        "\
job-1 failed: exit code 7
  asks for   linux
  runs       make
  agent      a-1-7 (attempt 2)

What to do: Read its output with `headcount logs`.
"
    );
}

#[test]
fn a_job_that_is_too_large() {
    let text = show(json!({
        "at": "1970-01-01T00:05:10Z",
        "class": {
            "source": "queue", "runsOn": ["linux"], "exclude": ["spot"], "priority": 5,
            "resources": {"requests": {"memoryBytes": 6_442_450_944_u64}},
            "waiting": 0, "shares": []
        },
        "pools": [{"pool": "a/linux", "labels": ["linux"], "verdict": "candidate"}],
        "impossible": {"cap": "scaler_memory_cap", "asked": "6g", "allowed": "4g"}
    }));
    assert_eq!(
        text,
        "\
a job like this could never run
  asks for   linux; but not spot; 6g (no limit); priority 5
  queue      no job like it waits

POOL     FITS  WHAT STANDS IN THE WAY
a/linux  yes   never: it would reserve 6g, scaler_memory_cap allows 4g
"
    );
}

#[test]
fn a_job_whose_agents_fail_to_start() {
    let step = |at: &str, agent: &str, event: &str| json!({"at": at, "event": event, "agent": agent, "pool": "a/linux"});
    let mut failed = step("1970-01-01T00:04:10Z", "a-1-8", "failed");
    failed["message"] = json!("agent a-1-8 ended with code 127 before it was of use");
    failed["output"] = json!(["sh: 1: agent: not found", "second line"]);
    let mut before = step("1970-01-01T00:03:10Z", "a-1-7", "failed");
    before["message"] = json!("no");
    let text = show(json!({
        "at": "1970-01-01T00:05:10Z",
        "class": class(&["linux"], 1),
        "reason": "launch_backoff",
        "reasonText": "launches failed",
        "pools": [{"pool": "a/linux", "labels": ["linux"], "verdict": "candidate"}],
        "provisioning": [
            step("1970-01-01T00:03:00Z", "a-1-7", "provisioning"), before,
            step("1970-01-01T00:04:00Z", "a-1-8", "provisioning"), failed
        ]
    }));
    let (_, launches) = text.split_once("nothing\n").unwrap();
    assert_eq!(
        launches,
        "
2 launches failed for jobs like it; the last 1m ago, in a/linux:
  agent a-1-8 ended with code 127 before it was of use
  | sh: 1: agent: not found
  | second line
"
    );
}

#[test]
fn a_job_whose_agents_fail_is_told_when_the_next_is_tried() {
    let text = show(json!({
        "at": "1970-01-01T00:05:10Z",
        "class": class(&["linux"], 1),
        "reason": "circuit_open",
        "reasonText": "launches in the pool failed many times in a row",
        "pools": [
            {"pool": "a/linux", "labels": ["linux"], "verdict": "candidate",
             "blockedBy": "circuit_open",
             "blockedByText": "launches in the pool failed many times in a row",
             "since": "1970-01-01T00:04:10Z", "nextLaunchAt": "1970-01-01T00:05:14Z"}
        ]
    }));
    assert!(
        text.contains(
            "a/linux  yes   1m     launches in the pool failed many times in a row; next try in 4.0s\n"
        ),
        "{text}"
    );
}

#[test]
fn the_schedule_in_force_stands_below_the_pools_that_fit() {
    let text = show(json!({
        "at": "1970-01-01T08:00:00Z",
        "class": class(&["linux"], 0),
        "pools": [
            {"pool": "m/linux", "labels": ["linux"], "verdict": "candidate",
             "schedule": {"index": 0, "until": "1970-01-01T18:00:00Z"}},
            {"pool": "n/linux", "labels": ["linux"], "verdict": "candidate", "schedule": {}},
            {"pool": "o/x", "labels": ["x"], "verdict": "unfit", "missing": ["linux"],
             "schedule": {"index": 1}}
        ]
    }));
    let below = text.split("m/linux:").nth(1);
    assert_eq!(
        below,
        Some(" schedules[0] is in force, for 10h more\nn/linux: no schedule is in force\n"),
        "{text}"
    );
}
