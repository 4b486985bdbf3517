//! Jobs from the queue to their end, and lists of them.

use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn a_job_runs_and_ends() {
    let house = House::new().await;
    let good = house.submit(&["print", "hi\n"]).await;
    let bad = house.submit(&["exit", "7"]).await;
    let good = house.ended(&good).await;
    assert_eq!(good["state"], "succeeded");
    assert_eq!(good["exitCode"], 0);
    assert_eq!(good["reason"], "done");
    assert_eq!(good["attempts"], 1);
    assert_eq!(good["latest"]["attempt"], 1);
    assert!(good["startedAt"].as_str() >= good["acceptedAt"].as_str());
    assert!(good["endedAt"].as_str() >= good["startedAt"].as_str());
    let bad = house.ended(&bad).await;
    assert_eq!(
        (&bad["state"], &bad["exitCode"], &bad["reason"]),
        (&json!("failed"), &json!(7), &json!("command_failed"))
    );
    assert_eq!(bad["reasonText"], "its command did not return 0");
    assert_eq!(
        bad["latest"]["outcome"],
        json!({"kind": "exited", "code": 7})
    );
}

#[tokio::test]
async fn a_job_that_cannot_be_started_says_why() {
    let house = House::new().await;
    let job = house.submit(&["nonesuch"]).await;
    let job = house.ended(&job).await;
    assert_eq!(
        (&job["state"], &job["reason"]),
        (&json!("failed"), &json!("not_started"))
    );
    assert_eq!(job["message"], "[\"nonesuch\"]: not found");
    assert_eq!(job["exitCode"], json!(null));
}

#[tokio::test]
async fn lists_go_newest_first_by_state_and_by_page() {
    let house = House::new().await;
    for label in ["a", "b", "c"] {
        let job = json!({"command": ["x"], "runsOn": [label], "name": label});
        house.post("/api/v1/jobs", job.to_string()).await;
    }
    let names = |value: serde_json::Value| -> Vec<String> {
        let jobs = value.as_array().unwrap().iter();
        jobs.map(|job| job["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(house.get("/api/v1/jobs").await.json()),
        ["c", "b", "a"]
    );
    assert_eq!(
        names(house.get("/api/v1/jobs?limit=2").await.json()),
        ["c", "b"]
    );
    assert_eq!(
        names(house.get("/api/v1/jobs?before=job-2").await.json()),
        ["a"]
    );
    house.post("/api/v1/jobs/job-2/cancel", "").await;
    assert_eq!(
        names(
            house
                .get("/api/v1/jobs?state=cancelled,failed")
                .await
                .json()
        ),
        ["b"]
    );
    let queued = house.until("/api/v1/jobs?state=queued", |jobs| {
        jobs[0]["reason"] == "no_matching_pool"
    });
    assert_eq!(names(queued.await), ["c", "a"]);
}

#[tokio::test]
async fn wrong_parameters_are_told() {
    let house = House::new().await;
    for (path, detail, hint) in [
        (
            "/api/v1/jobs?state=done",
            "state: \"done\" is not a state of jobs",
            "states are queued, assigned, running, succeeded, failed, cancelled, expired",
        ),
        (
            "/api/v1/jobs?limit=0",
            "limit: 0 is not between 1 and 1000",
            "ask for a page, and for the next one with `before`",
        ),
        (
            "/api/v1/jobs?states=queued",
            "the query: states: unknown field `states`, expected one of `state`, `limit`, `before`",
            "write `state`",
        ),
    ] {
        let got = house.get(path).await;
        let json = got.json();
        assert_eq!(
            (got.status, &json["code"]),
            (400, &json!("invalid_request")),
            "{path}"
        );
        assert_eq!(
            (&json["detail"], &json["hint"]),
            (&json!(detail), &json!(hint))
        );
    }
    for path in [
        "/api/v1/jobs?before=x",
        "/api/v1/jobs/x",
        "/api/v1/jobs/x/logs",
    ] {
        let got = house.get(path).await;
        assert_eq!(got.status, 400, "{path}");
        assert_eq!(
            got.json()["detail"],
            "\"x\" is not a job id; one looks like job-42"
        );
    }
}

#[tokio::test]
async fn unknown_jobs_are_not_found_anywhere() {
    let house = House::new().await;
    for line in [
        "GET /api/v1/jobs/job-9",
        "DELETE /api/v1/jobs/job-9",
        "POST /api/v1/jobs/job-9/cancel",
        "GET /api/v1/jobs/job-9/logs?follow=true",
        "GET /api/v1/jobs/job-9/wait",
        "GET /api/v1/explain/job-9",
    ] {
        let got = house.send(line, "").await;
        assert_eq!(
            got.problem(),
            r#"404 {"code":"not_found","detail":"job-9 is not known","hint":"`headcount jobs` lists those that are; ended jobs are kept for a bounded time","status":404,"title":"there is no such thing","type":"urn:headcount:problem:not_found"}"#,
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once_and_only_once() {
    let house = House::new().await;
    let job = json!({"command": ["x"], "runsOn": ["nowhere"]});
    house.post("/api/v1/jobs", job.to_string()).await;
    let cancelled = r#"{"id":"job-1","state":"cancelled"}"#;
    for line in ["POST /api/v1/jobs/job-1/cancel", "DELETE /api/v1/jobs/1"] {
        let got = house.send(line, "").await;
        assert_eq!((got.status, got.text().as_str()), (200, cancelled));
    }
    let shown = house.get("/api/v1/jobs/job-1").await.json();
    assert_eq!(shown["reason"], "cancel_requested");
}

#[tokio::test]
async fn a_running_job_is_told_to_end() {
    let house = House::new().await;
    let job = house.submit(&["hold"]).await;
    let path = format!("/api/v1/jobs/{job}");
    let running = house.until(&path, |job| job["state"] == "running").await;
    assert_eq!(running["reason"], "running_job");
    let got = house.post(&format!("{path}/cancel"), "").await;
    assert_eq!(
        (got.status, got.json()["state"].clone()),
        (202, json!("running"))
    );
    let ended = house.ended(&job).await;
    assert_eq!(ended["state"], "cancelled");
}

#[tokio::test]
async fn waiting_ends_with_the_time_that_was_asked_for() {
    let house = House::new().await;
    let job = json!({"command": ["x"], "runsOn": ["nowhere"]});
    house.post("/api/v1/jobs", job.to_string()).await;
    for timeout in ["0", "10ms"] {
        let got = house
            .get(&format!("/api/v1/jobs/job-1/wait?timeout={timeout}"))
            .await;
        assert_eq!(
            (got.status, got.json()["state"].clone()),
            (200, json!("queued"))
        );
    }
    let got = house.get("/api/v1/jobs/job-1/wait?timeout=soon").await;
    assert_eq!(
        got.json()["detail"],
        "timeout: `soon` is not a span of time"
    );
    *house.queue.blind.lock().unwrap() = true;
    let got = house.get("/api/v1/jobs/job-1/wait").await;
    assert_eq!((got.status, got.header("retry-after")), (503, "5"));
}
