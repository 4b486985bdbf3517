//! The report, what-if, and reload.

use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn the_report_shows_what_waits_and_why() {
    let house = House::new().await;
    let job = json!({"command": ["x"], "runsOn": ["windows"], "expiresAfter": "1h"});
    house.post("/api/v1/jobs", job.to_string()).await;
    let plan = house
        .until("/api/v1/plan", |plan| {
            plan["classes"][0]["shares"][0]["reason"] == "no_matching_pool"
        })
        .await;
    let class = &plan["classes"][0];
    assert_eq!(class["runsOn"], json!(["windows"]));
    assert_eq!(
        class["shares"],
        json!([{"jobs": 1, "reason": "no_matching_pool", "reasonText": "no pool has the labels the job asks for"}])
    );
    assert_eq!(plan["wakeAt"]["reason"], "expiry");
    assert_eq!(plan["maxAgents"], 8);
    assert_eq!(plan["backends"][0]["id"], "bare-metal");
    assert_eq!(plan["sources"][0]["id"], "queue");
    assert_eq!(plan["stopping"], false);
}

#[tokio::test]
async fn decisions_are_shown() {
    let house = House::new().await;
    let job = house.submit(&["exit", "0"]).await;
    house.ended(&job).await;
    let plan = house
        .until("/api/v1/plan", |plan| {
            plan["decisions"].as_array().is_some_and(|d| !d.is_empty())
        })
        .await;
    let lines = plan["decisions"].to_string();
    assert!(lines.contains("builders/linux"), "{lines}");
}

#[tokio::test]
async fn another_configuration_is_tried_out_and_changes_nothing() {
    let house = House::new().await;
    let texts = json!({"config": {"name": "new.yaml", "text": "maxAgents: 2"}});
    let got = house.post("/api/v1/plan", texts.to_string()).await;
    assert_eq!(got.status, 200);
    assert_eq!(
        got.json(),
        json!({
            "changes": [
                {"pool": "builders/gpu+linux", "change": "changed", "details": ["maxAgents: 4 -> 2"]},
                {"pool": "builders/linux", "change": "changed", "details": ["maxAgents: 4 -> 2"]},
            ],
            "actions": [],
            "warnings": [],
        })
    );
    let pools = house.get("/api/v1/pools").await.json();
    assert_eq!(pools[0]["maxAgents"], 4);
}

#[tokio::test]
async fn a_wrong_configuration_is_refused_with_its_places() {
    let house = House::new().await;
    let texts = json!({"config": {"name": "new.yaml", "text": "maxAgent: 2"}});
    let got = house.post("/api/v1/plan", texts.to_string()).await;
    assert_eq!(
        got.problem(),
        r#"422 {"code":"invalid_config","detail":"1 problem; nothing was changed","hint":"`headcount check` shows each with the text it is in","problems":[{"file":"new.yaml","hint":"write `maxAgents`","message":"`maxAgent` is not a key of this file","position":{"column":1,"line":1},"severity":"error"}],"status":422,"title":"the configuration is not valid","type":"urn:headcount:problem:invalid_config"}"#
    );
    let got = house
        .post("/api/v1/plan", r#"{"config":"maxAgents: 2"}"#)
        .await;
    assert_eq!(got.status, 400);
}

#[tokio::test]
async fn a_reload_says_what_it_changed_and_a_bad_file_changes_nothing() {
    let house = House::new().await;
    *house.daemon.file.lock().unwrap() = "nonsense".to_owned();
    assert_eq!(house.post("/api/v1/reload", "").await.status, 422);
    assert_eq!(house.get("/api/v1/pools").await.json()[0]["maxAgents"], 4);
    *house.daemon.file.lock().unwrap() = "maxAgents: 3".to_owned();
    let got = house.post("/api/v1/reload", "").await;
    assert_eq!(
        got.json()["changes"][0]["details"],
        json!(["maxAgents: 4 -> 3"])
    );
    assert_eq!(house.get("/api/v1/pools").await.json()[0]["maxAgents"], 3);
    let metrics = house.get("/metrics").await.text();
    for line in [
        r#"headcount_config_reloads_total{result="invalid"} 1"#,
        r#"headcount_config_reloads_total{result="ok"} 1"#,
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
}
