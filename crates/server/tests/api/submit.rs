//! What is accepted, and what is refused with which words.

use headcount_server::SubmitRefused;
use serde_json::{Value, json};

use crate::house::House;

const JOBS: &str = "/api/v1/jobs";

async fn refused(body: &str) -> String {
    House::new()
        .await
        .post(JOBS, body.to_owned())
        .await
        .problem()
}

/// What a problem says, without the fields that follow from its kind.
fn words(problem: &str) -> (u64, String, String, Option<String>) {
    let (status, json) = problem.split_once(' ').unwrap();
    let json: Value = serde_json::from_str(json).unwrap();
    let text = |key: &str| json[key].as_str().map(str::to_owned);
    (
        status.parse().unwrap(),
        text("code").unwrap(),
        text("detail").unwrap(),
        text("hint"),
    )
}

#[tokio::test]
async fn one_job_is_answered_with_one_object_and_a_list_with_a_list() {
    let house = House::new().await;
    let one = house
        .post(JOBS, r#"{"command":["print","hi"],"runsOn":"nowhere"}"#)
        .await;
    assert_eq!(
        (one.status, one.text().as_str()),
        (201, r#"{"id":"job-1","state":"queued","existed":false}"#)
    );
    let two = r#" [{"command":["exit","1"],"runsOn":["nowhere"]},{"script":"true","runsOn":["nowhere"]}]"#;
    let two = house.post(JOBS, two).await;
    assert_eq!(two.status, 201);
    assert_eq!(
        two.text(),
        r#"[{"id":"job-2","state":"queued","existed":false},{"id":"job-3","state":"queued","existed":false}]"#
    );
}

#[tokio::test]
async fn everything_that_can_be_said_of_a_job_is_kept() {
    let house = House::new().await;
    let job = json!({
        "command": ["make", "test"], "runsOn": ["Linux", "nowhere"], "exclude": "gpu",
        "resources": {"requests": {"cpus": 0.5, "memory": "512m"}, "limits": {"cpus": "2"}},
        "name": "tests", "key": "k1", "env": {"TOKEN": "hunter2"}, "workingDir": "/srv",
        "timeout": "10m", "grace": 5, "expiresAfter": "1h", "priority": -3, "retries": 2,
        "logLimit": "2m", "logPressure": "drop"
    });
    assert_eq!(house.post(JOBS, job.to_string()).await.status, 201);
    let shown = house.get("/api/v1/jobs/job-1").await;
    assert!(!shown.text().contains("hunter2"), "{}", shown.text());
    let mut shown = shown.json();
    let accepted = shown["acceptedAt"].take();
    let expires = shown["expiresAt"].take();
    assert!(accepted.as_str() < expires.as_str());
    for (key, value) in [
        ("name", json!("tests")),
        ("key", json!("k1")),
        ("state", json!("queued")),
        ("runsOn", json!(["linux", "nowhere"])),
        ("exclude", json!(["gpu"])),
        (
            "resources",
            json!({"requests": {"cpus": 0.5, "memoryBytes": 536_870_912}, "limits": {"cpus": 2.0}}),
        ),
        ("command", json!(["make", "test"])),
        ("envNames", json!(["TOKEN"])),
        ("workingDir", json!("/srv")),
        ("timeoutMs", json!(600_000)),
        ("graceMs", json!(5000)),
        ("priority", json!(-3)),
        ("retries", json!(2)),
        ("logLimitBytes", json!(2_097_152)),
        ("logPressure", json!("drop")),
        ("attempts", json!(0)),
    ] {
        assert_eq!(shown[key], value, "{key}");
    }
}

#[tokio::test]
async fn a_known_key_is_the_same_job() {
    let house = House::new().await;
    let job = r#"{"command":["exit","3"],"runsOn":["linux"],"key":"k"}"#;
    assert_eq!(house.post(JOBS, job).await.status, 201);
    house.ended("job-1").await;
    let again = house.post(JOBS, job).await;
    assert_eq!(
        (again.status, again.text().as_str()),
        (200, r#"{"id":"job-1","state":"failed","existed":true}"#)
    );
    let other = house
        .post(JOBS, r#"{"command":["exit","4"],"key":"k"}"#)
        .await;
    let (status, code, detail, _) = words(&other.problem());
    assert_eq!((status, code.as_str()), (409, "key_conflict"));
    assert_eq!(
        detail,
        "key \"k\" already names job-1, whose runsOn differs; use another key for another job"
    );
}

#[tokio::test]
async fn malformed_json_is_pointed_at() {
    let problem = refused("{\n  \"command\": [\"true\"\n}").await;
    assert_eq!(
        problem,
        r#"400 {"code":"malformed_json","detail":"line 3, column 1: expected `,` or `]`","problems":[{"message":"expected `,` or `]`","position":{"column":1,"line":3},"severity":"error"}],"status":400,"title":"the body cannot be read","type":"urn:headcount:problem:malformed_json"}"#
    );
}

#[tokio::test]
async fn unknown_fields_are_told_with_the_nearest() {
    let problem = refused(r#"{"command":["true"],"runOn":["linux"]}"#).await;
    let (status, code, detail, hint) = words(&problem);
    assert_eq!((status, code.as_str()), (400, "malformed_json"));
    assert!(
        detail.starts_with("line 1, column 27: unknown field `runOn`, expected one of `command`,"),
        "{detail}"
    );
    assert_eq!(hint.as_deref(), Some("write `runsOn`"));
}

#[tokio::test]
async fn bodies_of_other_shapes_are_refused() {
    for (body, starts) in [
        ("", "line 1, column 0: EOF while parsing a value"),
        (
            "7",
            "line 1, column 1: invalid type: integer `7`, expected struct SubmitJob",
        ),
        ("\u{fffd}", "line 1, column 1: expected value"),
        (
            "[1]",
            "line 1, column 2: invalid type: integer `1`, expected struct SubmitJob",
        ),
    ] {
        let (status, code, detail, _) = words(&refused(body).await);
        assert_eq!((status, code.as_str()), (400, "malformed_json"), "{body}");
        assert!(detail.starts_with(starts), "{detail}");
    }
    let (status, code, detail, _) = words(&refused("[]").await);
    assert_eq!((status, code.as_str()), (400, "invalid_request"));
    assert_eq!(detail, "the list holds no job");
}

#[tokio::test]
async fn wrong_values_are_told_with_what_to_write() {
    for (job, detail, hint) in [
        (
            json!({}),
            "command: the job says nothing to run",
            "give `command`, a list of program and arguments, or `script`, a text for the shell",
        ),
        (
            json!({"command": ["a"], "script": "b"}),
            "command: the job has both `command` and `script`",
            "leave one of them out",
        ),
        (
            json!({"command": ["a"], "timeout": "soon"}),
            "timeout: `soon` is not a span of time",
            "write `30s`",
        ),
        (
            json!({"command": ["a"], "runsOn": ["linux", ""]}),
            "runsOn: a label must not be empty",
            "remove it",
        ),
        (
            json!({"command": ["a"], "resources": {"memory": "4gb"}}),
            "resources.memory: `4gb` is not an amount of memory",
            "write `512m`",
        ),
        (
            json!({"command": ["a"], "resources": {"cpus": 1, "limits": {"cpus": 2}}}),
            "resources: `cpus` and `memory` stand beside `requests` or `limits`",
            "write either the former, which are request and limit at once, or the latter",
        ),
        (
            json!({"command": ["a"], "resources": {"requests": {"cpus": 3}, "limits": {"cpus": 2}}}),
            "resources.requests.cpus: the request of CPUs is above its limit",
            "raise the limit or lower the request",
        ),
    ] {
        let (status, code, said, hinted) = words(&refused(&job.to_string()).await);
        assert_eq!((status, code.as_str()), (400, "invalid_job"), "{job}");
        assert_eq!(said, detail);
        assert_eq!(hinted.as_deref(), Some(hint), "{job}");
    }
}

#[tokio::test]
async fn all_problems_of_a_batch_are_told_and_nothing_of_it_is_accepted() {
    let house = House::new().await;
    let batch = json!([
        {"command": ["a"]},
        {"command": ["a"], "timeout": "x", "grace": "y"},
        {"script": "a", "logLimit": "z"},
    ]);
    let problem = house.post(JOBS, batch.to_string()).await;
    let json = problem.json();
    assert_eq!(json["detail"], "3 things are wrong; see `problems`");
    let places: Vec<_> = json["problems"].as_array().unwrap().iter().collect();
    let places: Vec<_> = places
        .iter()
        .map(|p| (p["index"].as_u64(), p["field"].as_str()))
        .collect();
    assert_eq!(
        places,
        [
            (Some(1), Some("timeout")),
            (Some(1), Some("grace")),
            (Some(2), Some("logLimit"))
        ]
    );
    assert_eq!(house.get(JOBS).await.text(), "[]");
}

#[tokio::test]
async fn a_job_larger_than_a_cap_is_refused_with_the_caps_name() {
    let job = r#"{"command":["a"],"runsOn":["linux"],"resources":{"memory":"6g"}}"#;
    assert_eq!(
        refused(job).await,
        r#"422 {"code":"never_fits","detail":"the job would reserve 6144m, but the scaler's `resourceCap.maxMemory` allows 4096m; builders/linux is the best pool for it","hint":"lower what the job requests, or raise the scaler's `resourceCap.maxMemory`","impossible":{"allowed":"4096m","asked":"6144m","cap":"scaler_memory_cap","pool":"builders/linux"},"status":422,"title":"the job is larger than a cap allows","type":"urn:headcount:problem:never_fits"}"#
    );
    let batch = r#"[{"command":["a"],"runsOn":["linux"]},{"command":["a"],"runsOn":["linux"],"resources":{"cpus":9}}]"#;
    let (_, _, detail, _) = words(&refused(batch).await);
    assert_eq!(
        detail,
        "job 1 of the batch would reserve 9 CPUs, but the scaler's `resourceCap.maxCpu` allows 8 CPUs; builders/linux is the best pool for it"
    );
}

#[tokio::test]
async fn patterns_are_taken_as_a_list_or_as_one_text_and_shown_as_written() {
    let house = House::new().await;
    for asked in [
        json!(["Linux", "GPU-*", "/g[a-z]{1,2}/"]),
        json!("Linux, GPU-*,/g[a-z]{1,2}/"),
    ] {
        let job = json!({"command": ["a"], "runsOn": asked, "exclude": ["spot?"]});
        let accepted = house.post(JOBS, job.to_string()).await;
        assert_eq!(accepted.status, 201, "{asked}");
        let id = accepted.json()["id"].as_str().unwrap().to_owned();
        let shown = house.get(&format!("{JOBS}/{id}")).await.json();
        assert_eq!(shown["runsOn"], json!(["linux", "gpu-*", "/g[a-z]{1,2}/"]));
        assert_eq!(shown["exclude"], json!(["spot?"]));
    }
}

#[tokio::test]
async fn bad_patterns_are_refused_with_their_place_and_all_at_once() {
    let many: Vec<String> = (0..9).map(|n| format!("l{n}*")).collect();
    for (job, detail, hint) in [
        (
            json!({"command": ["a"], "runsOn": ["/gpu-[0-9/"]}),
            "runsOn: `/gpu-[0-9/` is not a regular expression: unclosed character class, at \
             character 6, `[0-9/`",
            "write one such as `/gpu-[0-9]+/`, or a simpler pattern such as `gpu-*`",
        ),
        (
            json!({"command": ["a"], "exclude": ["//"]}),
            "exclude: the regular expression `//` is empty",
            "write one that matches a whole label, such as `/gpu-[0-9]+/`",
        ),
        (
            json!({"command": ["a"], "exclude": many}),
            "exclude: at most 8 patterns are taken, these are 9",
            "join some in one regular expression, such as `/gpu-.*|tpu-.*/`",
        ),
    ] {
        let (status, code, said, hinted) = words(&refused(&job.to_string()).await);
        assert_eq!((status, code.as_str()), (400, "invalid_job"), "{job}");
        assert_eq!(said, detail);
        assert_eq!(hinted.as_deref(), Some(hint), "{job}");
    }
    let job = json!({"command": ["a"], "runsOn": ["//", "/(/", ""], "exclude": ["/*/"]});
    let problem = refused(&job.to_string()).await;
    assert_eq!(words(&problem).2, "4 things are wrong; see `problems`");
}

#[tokio::test]
async fn a_job_for_labels_that_nobody_has_is_accepted() {
    let house = House::new().await;
    let job = r#"{"command":["a"],"runsOn":["windows"]}"#;
    assert_eq!(house.post(JOBS, job).await.status, 201);
}

#[tokio::test]
async fn what_the_queue_refuses_is_told_by_what_to_do() {
    let house = House::new().await;
    let job = r#"{"command":["a"],"retries":101}"#;
    let (status, code, detail, _) = words(&house.post(JOBS, job).await.problem());
    assert_eq!(
        (status, code.as_str(), detail.as_str()),
        (400, "invalid_job", "retries: at most 100, not 101")
    );
    let full = "queue is full: it holds at most 5 waiting jobs; submit again later";
    let disk = "state disk is full: 0 bytes left";
    for (refusal, status, code, detail, after) in [
        (
            SubmitRefused::QueueFull(full.to_owned()),
            429,
            "queue_full",
            full,
            "5",
        ),
        (
            SubmitRefused::Unavailable(disk.to_owned()),
            503,
            "disk_full",
            disk,
            "30",
        ),
    ] {
        *house.queue.refuse.lock().unwrap() = Some(refusal);
        let got = house.post(JOBS, r#"{"command":["a"]}"#).await;
        assert_eq!(got.header("retry-after"), after);
        let words = words(&got.problem());
        assert_eq!(
            (words.0, words.1.as_str(), words.2.as_str()),
            (status, code, detail)
        );
    }
}

#[tokio::test]
async fn a_stopping_daemon_takes_no_jobs_but_still_shows_them() {
    let house = House::new().await;
    house.server.stop_taking();
    let got = house.post(JOBS, r#"{"command":["a"]}"#).await;
    assert_eq!(got.header("retry-after"), "30");
    let (status, code, detail, _) = words(&got.problem());
    assert_eq!((status, code.as_str()), (503, "stopping"));
    assert_eq!(detail, "the daemon is stopping and takes no new work");
    assert_eq!(house.get(JOBS).await.status, 200);
}

#[tokio::test]
async fn a_batch_has_a_bound() {
    let job = r#"{"command":["a"],"runsOn":["nowhere"]}"#;
    let batch = |n: usize| format!("[{}]", vec![job; n].join(","));
    let (status, _, detail, _) = words(&refused(&batch(10_001)).await);
    assert_eq!(
        (status, detail.as_str()),
        (
            400,
            "the list holds 10001 jobs; at most 10000 are taken at once"
        )
    );
    let house = House::new().await;
    let got = house.post(JOBS, batch(10_000)).await;
    assert_eq!(
        (got.status, got.json().as_array().unwrap().len()),
        (201, 10_000)
    );
}
