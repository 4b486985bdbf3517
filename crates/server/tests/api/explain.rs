//! Why jobs wait.

use serde_json::{Value, json};

use crate::house::{House, fleet, scaler};

#[tokio::test]
async fn labels_that_no_pool_has_are_told_with_the_nearest() {
    let house = House::new().await;
    let mut got = house
        .get("/api/v1/explain?runsOn=linx,gpu&cpus=2")
        .await
        .json();
    got["at"].take();
    assert_eq!(
        got,
        json!({
            "at": null,
            "class": {
                "source": "queue", "runsOn": ["gpu", "linx"], "exclude": [], "priority": 0,
                "resources": {"requests": {"cpus": 2.0}, "limits": {"cpus": 2.0}},
                "waiting": 0, "shares": [],
            },
            "reason": "no_matching_pool",
            "reasonText": "no pool has the labels the job asks for",
            "advice": "Compare `runsOn` and `exclude` with the label sets; `headcount explain` names the nearest one and what it lacks.",
            "pools": [
                {"pool": "builders/linux", "labels": ["linux"], "verdict": "unfit", "missing": ["gpu", "linx"], "worker": false},
                {"pool": "builders/gpu+linux", "labels": ["gpu", "linux"], "verdict": "unfit", "missing": ["linx"], "worker": false},
            ],
            "nearest": [{"asked": "linx", "nearest": "linux"}],
        })
    );
}

#[tokio::test]
async fn what_patterns_lack_and_hit_is_told_pool_by_pool() {
    let house = House::new().await;
    let path = "/api/v1/explain?runsOn=lin*,/gp[a-z]%7B1,2%7D/,linx?,/tpu.*/&exclude=g?u";
    let got = house.get(path).await.json();
    assert_eq!(got["reason"], "no_matching_pool");
    let asked = json!(["lin*", "linx?", "/gp[a-z]{1,2}/", "/tpu.*/"]);
    assert_eq!(got["class"]["runsOn"], asked);
    assert_eq!(
        got["pools"],
        json!([
            {"pool": "builders/linux", "labels": ["linux"], "verdict": "unfit",
             "missing": ["linx?", "/gp[a-z]{1,2}/", "/tpu.*/"], "worker": false},
            {"pool": "builders/gpu+linux", "labels": ["gpu", "linux"], "verdict": "unfit",
             "missing": ["linx?", "/tpu.*/"], "excluded": ["gpu"], "worker": false},
        ])
    );
    assert_eq!(got["unmatched"], json!(["linx?", "/tpu.*/"]));
    assert_eq!(
        got["nearest"],
        json!([{"asked": "linx?", "nearest": "linux"}])
    );
    let path = "/api/v1/explain?runsOn=/gp.*/,headcount:os:*";
    let got = house.until(path, |got| got["reason"].is_null()).await;
    assert_eq!(got["pools"][0]["pool"], "builders/gpu+linux");
    assert_eq!(got["pools"][0]["verdict"], "candidate");
    assert_eq!(got["pools"][1]["missing"], json!(["/gp.*/"]));
    let refused = house.get("/api/v1/explain?runsOn=/(/").await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn a_request_beyond_every_cap_is_told_with_the_cap() {
    let house = House::new().await;
    let got = house
        .get("/api/v1/explain?runsOn=linux&memory=6g")
        .await
        .json();
    assert_eq!(got["reason"], "never_fits");
    assert_eq!(
        got["impossible"],
        json!({"cap": "scaler_memory_cap", "pool": "builders/linux", "asked": "6144m", "allowed": "4096m"})
    );
}

#[tokio::test]
async fn jobs_that_would_run_have_no_reason_to_wait() {
    let house = House::new().await;
    // Until the source has answered for the first time, that is what stands in the way.
    let path = "/api/v1/explain?runsOn=gpu&exclude=windows";
    let got = house.until(path, |got| got["reason"].is_null()).await;
    assert_eq!(got["pools"][0]["pool"], "builders/gpu+linux");
    assert_eq!(got["pools"][0]["verdict"], "candidate");
    assert_eq!(got["pools"][1]["missing"], json!(["gpu"]));
}

#[tokio::test]
async fn a_waiting_job_is_told_its_place_and_what_stands_in_its_way() {
    let house = House::new().await;
    for _ in 0..4 {
        house.submit(&["hold"]).await;
    }
    house
        .until("/api/v1/pools", |pools| pools[1]["agents"]["busy"] == 4)
        .await;
    house.submit(&["exit", "0"]).await;
    let last = house.submit(&["exit", "0"]).await;
    let path = format!("/api/v1/explain/{last}");
    let got = house
        .until(&path, |got| got["reason"] == "scaler_at_max_agents")
        .await;
    assert_eq!(got["job"]["id"], json!(last));
    assert_eq!(got["position"], json!({"ahead": 1}));
    assert_eq!(got["class"]["waiting"], 2);
    assert_eq!(got["pools"][0]["blockedBy"], "scaler_at_max_agents");
    assert!(got["pools"][0]["since"].is_string());
}

#[tokio::test]
async fn an_ended_job_is_told_its_end() {
    let house = House::new().await;
    let job = house.submit(&["exit", "3"]).await;
    house.ended(&job).await;
    let got = house.get(&format!("/api/v1/explain/{job}")).await.json();
    assert_eq!(
        (&got["reason"], &got["position"]),
        (&json!("command_failed"), &json!(null))
    );
    assert_eq!(got["advice"], "Read its output with `headcount logs`.");
}

#[tokio::test]
async fn wrong_questions_are_told() {
    let house = House::new().await;
    let got = house.get("/api/v1/explain?runsOn=a,,b&memory=6").await;
    assert_eq!(got.status, 400);
    assert_eq!(got.json()["detail"], "2 things are wrong; see `problems`");
    let got = house.get("/api/v1/explain?runs-on=a").await;
    assert_eq!(got.json()["hint"], "write `runsOn`");
}

#[tokio::test]
async fn launches_that_failed_are_told_with_the_agents_last_words() {
    let mut fleet = fleet();
    fleet.scalers.push(scaler("bad", 1, &[&["broken"]]));
    let house = House::with(fleet, None).await;
    let body = json!({"command": ["x"], "runsOn": ["broken"]});
    let job = house.post("/api/v1/jobs", body.to_string()).await.json();
    let job = job["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/jobs/{job}/provisioning");
    let told = |got: &Value| got[1]["output"].is_array();
    let got = house.until(&path, told).await;
    let agent = got[0]["agent"].as_str().unwrap();
    assert_eq!(got[0]["event"], "provisioning");
    assert_eq!(got[1]["event"], "failed");
    assert_eq!(got[1]["message"], "no such program");
    assert_eq!(got[1]["output"], json!([format!("{agent}: cannot start")]));
    for path in [
        format!("/api/v1/explain/{job}"),
        "/api/v1/explain?runsOn=broken".to_owned(),
    ] {
        let explained = house.get(&path).await.json();
        assert_eq!(
            explained["provisioning"][1]["event"], "failed",
            "{explained}"
        );
    }
}

#[tokio::test]
async fn an_ended_job_is_told_how_its_agent_came_up() {
    let house = House::new().await;
    let job = house.submit(&["exit", "0"]).await;
    house.ended(&job).await;
    let got = house.get(&format!("/api/v1/jobs/{job}/provisioning")).await;
    let steps = got.json();
    let steps: Vec<&str> = steps
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        (steps[0], steps[steps.len() - 1]),
        ("provisioning", "ready")
    );
    let nobody = house.get("/api/v1/jobs/job-99/provisioning").await;
    assert_eq!(nobody.status, 404);
}
