//! Commands that ask the daemon once, against a daemon that plays a script.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics has failed, and the place is told"
)]

mod support;

use serde_json::{Value, json};
use support::{Daemon, exited, job, on, program, run};

#[tokio::test]
async fn jobs_are_a_table_or_an_array() {
    let waiting = json!({"id": "job-9", "reasonText": "no pool has the labels the job asks for"});
    let list = json!([job(waiting), exited(7)]);
    let daemon = Daemon::plays([
        on("GET /jobs?limit=50").json(list.clone()),
        on("GET /jobs?limit=2&state=queued%2Cfailed&before=job-12").json(list),
        on("GET /jobs?limit=50").json(json!([])),
    ])
    .await;
    let told = daemon.asked(&["jobs", "--json"]).await;
    let jobs: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(jobs[0]["state"], "queued");
    assert_eq!(jobs[1]["exitCode"], 7);
    let args = [
        "jobs",
        "--limit",
        "2",
        "--state",
        "queued,failed",
        "--before",
        "12",
    ];
    let told = daemon.asked(&args).await;
    let lines: Vec<&str> = told.out.lines().collect();
    assert!(lines[0].starts_with("ID     STATE   AGE"), "{told:?}");
    assert!(lines[1].ends_with("no pool has the labels the job asks for"));
    assert!(lines[2].ends_with("exit code 7"));
    assert_eq!(told.err, "older ones: --before job-1\n");
    assert_eq!(daemon.asked(&["jobs"]).await.out, "no jobs\n");
    daemon.finished();
}

#[tokio::test]
async fn empty_lists_are_said_or_empty_arrays() {
    let daemon = Daemon::plays([
        on("GET /agents").json(json!([])),
        on("GET /agents").json(json!([])),
        on("GET /pools").json(json!([])),
    ])
    .await;
    assert_eq!(daemon.asked(&["agents"]).await.out, "no agents\n");
    assert_eq!(daemon.asked(&["agents", "--json"]).await.out, "[]\n");
    assert_eq!(daemon.asked(&["pools"]).await.out, "no pools\n");
    daemon.finished();
}

#[tokio::test]
async fn a_pool_is_named_whole() {
    let daemon = Daemon::plays([
        on("POST /pools/builders%2Flinux+gpu/drain")
            .with(json!({"undo": true}))
            .json(json!({"changed": ["builders/linux+gpu"], "unchanged": []})),
        on("POST /pools/x/drain")
            .with(json!({"undo": false}))
            .problem(
                404,
                "there is no pool and no scaler \"x\"",
                json!({"hint": "pools are a"}),
            ),
    ])
    .await;
    let told = daemon
        .asked(&["drain", "--undo", "builders/linux+gpu"])
        .await;
    assert_eq!(told.out, "builders/linux+gpu takes jobs again\n");
    let told = daemon.asked(&["drain", "x"]).await;
    daemon.finished();
    assert_eq!(told.code, 3);
    assert_eq!(
        told.err,
        "error: there is no pool and no scaler \"x\"\nhint: pools are a\n"
    );
}

#[tokio::test]
async fn an_agent_is_cordoned_or_cannot_be() {
    let daemon = Daemon::plays([
        on("POST /agents/a-1-1/cordon")
            .with(json!({"undo": false}))
            .json(json!({"agent": "a-1-1", "cordoned": true, "changed": true})),
        on("POST /agents/a-1-2/cordon")
            .with(json!({"undo": true}))
            .problem(409, "agent a-1-2 is leaving", json!({"hint": "it is"})),
    ])
    .await;
    let told = daemon.asked(&["cordon", "a-1-1"]).await;
    assert_eq!(
        told.out,
        "a-1-1 is cordoned: what it runs goes on, and it is given no new jobs\n"
    );
    let told = daemon.asked(&["uncordon", "a-1-2"]).await;
    daemon.finished();
    assert_eq!(told.err, "error: agent a-1-2 is leaving\nhint: it is\n");
}

#[tokio::test]
async fn labels_are_explained_without_a_job() {
    let explanation = json!({
        "at": "2026-03-01T12:00:00Z",
        "class": {
            "source": "queue", "runsOn": ["gpux"], "exclude": [], "priority": 0,
            "waiting": 0, "shares": []
        },
        "reason": "no_matching_pool",
        "reasonText": "no pool has the labels the job asks for",
        "pools": [], "nearest": [{"asked": "gpux", "nearest": "gpu"}]
    });
    let daemon = Daemon::plays([
        on("GET /explain?runsOn=gpux&exclude=a%2Cb&cpus=2&limitMemory=4g").json(explanation),
        on("GET /explain/job-4").problem(404, "job-4 is not known", json!({})),
    ])
    .await;
    let told = daemon
        .asked(&[
            "explain",
            "--runs-on",
            "gpux",
            "--exclude",
            "a,b",
            "--cpus",
            "2",
            "--memory-limit",
            "4g",
        ])
        .await;
    assert_eq!(
        told.out,
        "\
a job like this would wait: no pool has the labels the job asks for
  asks for   gpux
  queue      no job like it waits

No pool is configured.

No pool has `gpux`; the nearest label is `gpu`.
"
    );
    assert_eq!(daemon.asked(&["explain", "job-4"]).await.code, 3);
    daemon.finished();
}

#[tokio::test]
async fn reload_says_what_changed_or_what_is_wrong() {
    let changed = json!({
        "changes": [{"pool": "a/linux", "change": "changed", "details": ["maxAgents: 4 -> 8"]}]
    });
    let wrong = json!({"problems": [
        {"severity": "error", "file": "s.yaml", "position": {"line": 3, "column": 5},
         "message": "unknown key `maxAgent`", "hint": "write `maxAgents`"},
        {"severity": "error", "file": "s.yaml", "message": "too long"}
    ]});
    let daemon = Daemon::plays([
        on("POST /reload").json(changed),
        on("POST /reload").json(json!({"changes": []})),
        on("POST /reload").problem(422, "2 problems; nothing was changed", wrong),
    ])
    .await;
    let told = daemon.asked(&["reload"]).await;
    assert_eq!(told.out, "~ pool a/linux\n    maxAgents: 4 -> 8\n");
    assert_eq!(daemon.asked(&["reload"]).await.out, "nothing changed\n");
    let told = daemon.asked(&["reload"]).await;
    daemon.finished();
    assert_eq!(told.code, 2);
    assert_eq!(
        told.err,
        "error: 2 problems; nothing was changed\n  \
         - s.yaml:3:5: unknown key `maxAgent` (write `maxAgents`)\n  - s.yaml: too long\n"
    );
}

#[tokio::test]
async fn the_token_is_sent_and_a_refusal_told() {
    let daemon = Daemon::plays([
        on("GET /agents").token("secret").json(json!([])),
        on("GET /agents").problem(401, "no token was sent", json!({"hint": "send one"})),
    ])
    .await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "secret\n").unwrap();
    let told = daemon
        .asked(&["--token-file", file.to_str().unwrap(), "agents"])
        .await;
    assert_eq!(told.code, 0, "{told:?}");
    let told = daemon.asked(&["agents"]).await;
    daemon.finished();
    assert_eq!(told.code, 5);
    assert_eq!(told.err, "error: no token was sent\nhint: send one\n");
}

#[tokio::test]
async fn nobody_there_says_what_to_do() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let told = run(&["jobs", "--url", &url]).await;
    assert_eq!(told.code, 4);
    assert_eq!(
        told.err,
        format!(
            "error: cannot reach a daemon at {url}: connection refused\nhint: start one with \
             `headcount up -c scalers.yaml`, or name another with --url or HEADCOUNT_URL\n"
        )
    );
    let told = run(&["jobs", "--json", "--url", &url]).await;
    let error: Value = serde_json::from_str(&told.err).unwrap();
    assert_eq!(error["error"]["exitCode"], 4);
    assert_eq!(told.out, "");
}

#[tokio::test]
async fn a_stranger_is_told_apart() {
    let daemon = Daemon::plays([on("GET /pools").html("<h1>Welcome</h1>")]).await;
    let told = daemon.asked(&["pools"]).await;
    daemon.finished();
    assert_eq!(told.code, 4);
    assert_eq!(
        told.err,
        format!(
            "error: {} answered with status 200 and something that is no answer of a daemon\n\
             hint: another program listens there; check --url or HEADCOUNT_URL\n",
            daemon.url
        )
    );
}

#[tokio::test]
async fn the_environment_names_the_daemon() {
    let daemon = Daemon::plays([on("GET /agents").json(json!([]))]).await;
    let output = program(&["agents"])
        .env("HEADCOUNT_URL", &daemon.url)
        .output()
        .await
        .unwrap();
    daemon.finished();
    assert!(output.status.success());
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_failure() {
    let many: Vec<Value> = (0..1000).map(|_| exited(0)).collect();
    let daemon = Daemon::plays([on("GET /jobs?limit=50").json(json!(many))]).await;
    let mut child = program(&["jobs", "--url", &daemon.url]).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().await.unwrap();
    daemon.finished();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
