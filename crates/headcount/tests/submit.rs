//! `submit`, `logs` and `cancel` as somebody uses them, against a daemon that plays a script.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics has failed, and the place is told"
)]

mod support;

use serde_json::json;
use support::{Daemon, Told, end, exited, job, on, output};
use tokio::io::{AsyncBufReadExt, BufReader};

const ACCEPTED: fn() -> serde_json::Value =
    || json!({"id": "job-1", "state": "queued", "existed": false});

#[tokio::test]
async fn a_job_prints_hi_and_exits_7() {
    let command = json!({"command": ["sh", "-c", "echo hi; exit 7"]});
    let daemon = Daemon::plays([
        on("POST /jobs").with(command).json(ACCEPTED()),
        on("GET /jobs/job-1/logs?format=ndjson&follow=true").lines([
            output(1, 1, "out", "hi\n"),
            output(1, 2, "err", "oh\n"),
            end("failed"),
        ]),
        on("GET /jobs/job-1/wait?timeout=2s").json(exited(7)),
    ])
    .await;
    let args = [
        "submit",
        "--wait",
        "--follow",
        "--",
        "sh",
        "-c",
        "echo hi; exit 7",
    ];
    let told = daemon.asked(&args).await;
    daemon.finished();
    assert_eq!((told.out.as_str(), told.code), ("hi\n", 7), "{told:?}");
    assert_eq!(
        told.err,
        "headcount: job-1 accepted\noh\nheadcount: job-1 failed: exit code 7 (ran 2.5s)\n"
    );
}

#[tokio::test]
async fn waiting_tells_why_and_outlives_a_restart() {
    let waiting = json!({
        "reason": "fleet_at_max_agents",
        "reasonText": "the fleet runs as many agents as globalMaxAgents allows"
    });
    let daemon = Daemon::plays([
        on("POST /jobs").json(ACCEPTED()),
        on("GET /jobs/job-1/wait?timeout=2s").json(job(waiting)),
        on("GET /jobs/job-1/wait?timeout=30s").problem(503, "it is stopping", json!({})),
        on("GET /jobs/job-1/wait?timeout=30s").json(exited(0)),
    ])
    .await;
    let told = daemon.asked(&["submit", "--wait", "--", "make"]).await;
    daemon.finished();
    assert_eq!((told.out.as_str(), told.code), ("job-1\n", 0), "{told:?}");
    assert_eq!(
        told.err,
        "headcount: job-1 queued: the fleet runs as many agents as globalMaxAgents allows\n\
         headcount: job-1 succeeded (ran 2.5s)\n"
    );
}

#[tokio::test]
async fn without_wait_the_id_is_all() {
    let known = json!({"id": "job-1", "state": "running", "existed": true});
    let sent = json!({"script": "make\n", "key": "k", "env": {"A": "1"}});
    let daemon = Daemon::plays([on("POST /jobs").with(sent).json(known)]).await;
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("build.sh");
    std::fs::write(&script, "make\n").unwrap();
    let script = script.to_str().unwrap();
    let args = ["submit", "--script", script, "--key", "k", "-e", "A=1"];
    let told = daemon.asked(&args).await;
    daemon.finished();
    assert_eq!((told.out.as_str(), told.code), ("job-1\n", 0));
    assert_eq!(
        told.err,
        "headcount: job-1 was there before under this key, running\n"
    );
}

#[tokio::test]
async fn a_batch_waits_for_all_of_its_jobs() {
    let accepted = json!([
        {"id": "job-1", "state": "queued", "existed": false},
        {"id": "job-2", "state": "queued", "existed": false}
    ]);
    let mut second = exited(3);
    second["id"] = json!("job-2");
    let daemon = Daemon::plays([
        on("POST /jobs")
            .with(json!([{"command": ["a"]}, {"command": ["b"]}]))
            .json(accepted),
        on("GET /jobs/job-1/wait?timeout=2s").json(exited(0)),
        on("GET /jobs/job-2/wait?timeout=2s").json(second),
    ])
    .await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("jobs.jsonl");
    std::fs::write(&file, "{\"command\":[\"a\"]}\n{\"command\":[\"b\"]}\n").unwrap();
    let told = daemon
        .asked(&["submit", "--batch", file.to_str().unwrap(), "--wait"])
        .await;
    daemon.finished();
    assert_eq!((told.out.as_str(), told.code), ("job-1\njob-2\n", 1));
    assert_eq!(
        told.err,
        "headcount: job-2 failed: exit code 3 (ran 2.5s)\n\
         headcount: 2 jobs, 1 did not succeed\n"
    );
}

#[tokio::test]
async fn json_holds_how_the_job_ended() {
    let daemon = Daemon::plays([
        on("POST /jobs").json(ACCEPTED()),
        on("GET /jobs/job-1/wait?timeout=2s").json(exited(7)),
    ])
    .await;
    let told = daemon
        .asked(&["submit", "--wait", "--json", "--", "make"])
        .await;
    daemon.finished();
    let ended: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(
        (&ended["state"], &ended["exitCode"]),
        (&json!("failed"), &json!(7))
    );
    assert_eq!((told.err.as_str(), told.code), ("", 7));
}

#[tokio::test]
async fn what_can_never_run_is_refused_with_its_cap() {
    let impossible = json!({
        "impossible": {"cap": "scaler_memory_cap", "asked": "6g", "allowed": "4g"},
        "hint": "ask for less, or raise the cap"
    });
    let daemon = Daemon::plays([on("POST /jobs").problem(
        422,
        "6g of memory do not fit, the cap is 4g",
        impossible,
    )])
    .await;
    let told = daemon
        .asked(&["submit", "--memory", "6g", "--", "make"])
        .await;
    daemon.finished();
    assert_eq!(told.code, 5);
    assert_eq!(
        told.err,
        "error: 6g of memory do not fit, the cap is 4g\nhint: ask for less, or raise the cap\n"
    );
}

#[tokio::test]
async fn a_broken_log_goes_on_where_it_was() {
    let daemon = Daemon::plays([
        on("GET /jobs/job-1/logs?format=ndjson&follow=true")
            .lines_and_break([output(1, 1, "out", "one\n"), output(1, 2, "out", "two\n")]),
        on("GET /jobs/job-1/logs?format=ndjson&follow=true&attempt=1&after=2").lines([
            // A daemon may say something twice.
            output(1, 2, "out", "two\n"),
            output(1, 3, "out", "three\n"),
            end("succeeded"),
        ]),
        on("GET /jobs/job-1").json(job(json!({
            "state": "succeeded",
            "latest": {"attempt": 1, "agent": "a-1-1", "assignedAt": "2026-03-01T12:00:00Z"}
        }))),
    ])
    .await;
    let told = daemon
        .asked_and_left("one\ntwo\n", &["logs", "--follow", "job-1"])
        .await;
    daemon.finished();
    assert_eq!(
        (told.out.as_str(), told.code),
        ("one\ntwo\nthree\n", 0),
        "{told:?}"
    );
    let remarks: Vec<&str> = told.err.lines().collect();
    assert!(
        remarks[0].starts_with("headcount: the daemon at "),
        "{remarks:?}"
    );
    assert!(remarks[0].ends_with("; trying again"), "{remarks:?}");
    assert_eq!(remarks[1..], ["headcount: connected again"]);
}

#[tokio::test]
async fn a_resumed_log_turns_to_later_attempts() {
    let second = || {
        job(json!({
            "state": "failed",
            "latest": {"attempt": 2, "agent": "a-1-2", "assignedAt": "2026-03-01T12:00:00Z"}
        }))
    };
    let daemon = Daemon::plays([
        on("GET /jobs/job-1/logs?format=ndjson&follow=true")
            .lines_and_break([output(1, 7, "out", "first\n")]),
        on("GET /jobs/job-1/logs?format=ndjson&follow=true&attempt=1&after=7")
            .lines([end("failed")]),
        on("GET /jobs/job-1").json(second()),
        on("GET /jobs/job-1/logs?format=ndjson&follow=true&attempt=2&after=0")
            .lines([output(2, 1, "out", "second\n"), end("failed")]),
        on("GET /jobs/job-1").json(second()),
    ])
    .await;
    let told = daemon
        .asked_and_left("first\n", &["logs", "-f", "job-1"])
        .await;
    daemon.finished();
    assert_eq!(
        (told.out.as_str(), told.code),
        ("first\nsecond\n", 0),
        "{told:?}"
    );
    assert!(
        told.err.contains("headcount: attempt 2 begins\n"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_log_without_follow_ends_where_it_is() {
    let daemon = Daemon::plays([on("GET /jobs/job-1/logs?format=ndjson&attempt=2").lines([
        json!({
            "type": "output", "attempt": 2, "number": 1, "at": "2026-03-01T12:00:00Z",
            "stream": "out", "base64": "aGkK"
        }),
        output(2, 2, "note", "3 lines dropped"),
        json!({"type": "truncated", "attempt": 2}),
    ])])
    .await;
    let told = daemon.asked(&["logs", "job-1", "--attempt", "2"]).await;
    daemon.finished();
    assert_eq!((told.out.as_str(), told.code), ("hi\n", 0));
    assert_eq!(
        told.err,
        "headcount: 3 lines dropped\n\
         headcount: attempt 2 wrote more than the job's limit; the rest was not kept\n"
    );
}

#[tokio::test]
async fn a_log_that_breaks_without_follow_is_a_failure() {
    let daemon =
        Daemon::plays([on("GET /jobs/job-1/logs?format=ndjson")
            .lines_and_break([output(1, 1, "out", "one\n")])])
        .await;
    let told = daemon.asked_and_left("one\n", &["logs", "job-1"]).await;
    daemon.finished();
    assert_eq!((told.out.as_str(), told.code), ("one\n", 4), "{told:?}");
}

#[tokio::test]
async fn cancel_goes_on_after_a_failure() {
    let daemon = Daemon::plays([
        on("POST /jobs/job-1/cancel").problem(404, "job-1 is not known", json!({})),
        on("POST /jobs/job-2/cancel").json(json!({"id": "job-2", "state": "running"})),
    ])
    .await;
    let told = daemon.asked(&["cancel", "job-1", "2"]).await;
    daemon.finished();
    assert_eq!(
        (told.out.as_str(), told.code),
        ("job-2 is being ended\n", 3)
    );
    assert_eq!(told.err, "error: job-1 is not known\n");
}

/// Starts a `submit --wait`, presses Ctrl-C once it waits, and again if so.
async fn interrupted(daemon: &mut Daemon, again: bool) -> Told {
    let args = ["--url", &daemon.url, "submit", "--wait", "--", "make"];
    let mut child = support::program(&args).spawn().unwrap();
    daemon.sees("GET /jobs/job-1/wait?timeout=2s").await;
    let id = rustix::process::Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    let press = || rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    press();
    let mut err = String::new();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    while !err.contains("Ctrl-C again") {
        let read = tokio::time::timeout(support::PATIENCE, lines.read_line(&mut err)).await;
        assert_ne!(read.unwrap().unwrap(), 0, "it ended: {err}");
    }
    if again {
        press();
    }
    tokio::io::AsyncReadExt::read_to_string(&mut lines, &mut err)
        .await
        .unwrap();
    let mut told = Told::from(child.wait_with_output().await.unwrap());
    told.err = err;
    told
}

#[tokio::test]
async fn ctrl_c_leaves_the_job_alone() {
    let steps = [
        on("POST /jobs").json(ACCEPTED()),
        on("GET /jobs/job-1/wait?timeout=2s"),
    ];
    let mut daemon = Daemon::plays(steps).await;
    let told = interrupted(&mut daemon, false).await;
    daemon.finished();
    assert_eq!(told.code, 130);
    assert_eq!(
        told.err,
        "\nheadcount: job-1 goes on; cancel it with `headcount cancel job-1`\n\
         headcount: Ctrl-C again within 3 seconds cancels now\n"
    );
}

#[tokio::test]
async fn ctrl_c_twice_cancels_it() {
    let steps = [
        on("POST /jobs").json(ACCEPTED()),
        on("GET /jobs/job-1/wait?timeout=2s"),
        on("POST /jobs/job-1/cancel").problem(404, "job-1 is not known", json!({})),
    ];
    let mut daemon = Daemon::plays(steps).await;
    let told = interrupted(&mut daemon, true).await;
    daemon.finished();
    assert_eq!(told.code, 3, "{told:?}");
    assert!(
        told.err.ends_with("error: job-1 is not known\n"),
        "{told:?}"
    );
}
