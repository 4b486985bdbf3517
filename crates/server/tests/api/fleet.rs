//! Agents and pools, and draining.

use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn an_agent_with_a_job_is_shown() {
    let house = House::new().await;
    let job = house.submit(&["hold"]).await;
    let agents = house
        .until("/api/v1/agents", |agents| agents[0]["state"] == "busy")
        .await;
    let agent = &agents[0];
    for (key, value) in [
        ("pool", json!("builders/linux")),
        ("scaler", json!("builders")),
        ("backend", json!("bare-metal")),
        ("kind", json!("managed")),
        ("reason", json!("running_job")),
        ("reasonText", json!("it runs a job")),
        ("connected", json!(true)),
        ("jobs", json!([job])),
        ("slots", json!(1)),
    ] {
        assert_eq!(agent[key], value, "{key}");
    }
    let id = agent["id"].as_str().unwrap();
    let one = house.get(&format!("/api/v1/agents/{id}")).await;
    assert_eq!(&one.json(), agent);
    house.agents.release(&job, 0);
    house
        .until("/api/v1/agents", |agents| *agents == json!([]))
        .await;
    let gone = house.get(&format!("/api/v1/agents/{id}")).await;
    assert_eq!(gone.status, 404);
    assert_eq!(gone.json()["detail"], format!("agent {id} is not known"));
    let wrong = house.get("/api/v1/agents/x").await;
    assert_eq!(
        wrong.json()["detail"],
        "\"x\" is not an agent id; one looks like a-65f1c2a0-7"
    );
}

#[tokio::test]
async fn pools_tell_what_limits_them() {
    let house = House::new().await;
    for _ in 0..6 {
        house.submit(&["hold"]).await;
    }
    let pools = house
        .until("/api/v1/pools", |pools| pools[1]["agents"]["busy"] == 4)
        .await;
    assert_eq!(pools[0]["name"], "builders/gpu+linux");
    let linux = &pools[1];
    for (key, value) in [
        ("name", json!("builders/linux")),
        ("state", json!("active")),
        ("labels", json!(["linux"])),
        ("systemLabels", json!(["headcount:os:linux"])),
        ("maxAgents", json!(4)),
        ("scalerAgents", json!(4)),
        (
            "resourceCap",
            json!({"maxCpu": 8.0, "maxMemoryBytes": 4_294_967_296_u64}),
        ),
        ("maxJobs", json!(1)),
        ("launchFailures", json!(0)),
    ] {
        assert_eq!(linux[key], value, "{key}");
    }
    let limited = house
        .until("/api/v1/pools", |pools| !pools[1]["limitedBy"].is_null())
        .await;
    assert_eq!(limited[1]["limitedBy"], "scaler_at_max_agents");
    assert_eq!(
        limited[1]["limitedByText"],
        "the scaler runs as many agents as its maxAgents allows"
    );
}

#[tokio::test]
async fn a_pool_is_drained_and_the_drain_is_undone() {
    let house = House::new().await;
    let linux = "/api/v1/pools/builders%2Flinux/drain";
    let got = house.post(linux, "").await;
    assert_eq!(
        (got.status, got.text().as_str()),
        (200, r#"{"changed":["builders/linux"],"unchanged":[]}"#)
    );
    let got = house.post("/api/v1/pools/builders/linux/drain", "{}").await;
    assert_eq!(
        got.text(),
        r#"{"changed":[],"unchanged":["builders/linux"]}"#
    );
    let pools = house.get("/api/v1/pools").await.json();
    assert_eq!(
        (&pools[0]["state"], &pools[1]["state"]),
        (&json!("active"), &json!("draining"))
    );
    let got = house.post("/api/v1/pools/builders/drain", "{}").await;
    assert_eq!(
        got.text(),
        r#"{"changed":["builders/gpu+linux"],"unchanged":["builders/linux"]}"#
    );
    let got = house
        .post("/api/v1/pools/builders/drain", r#"{"undo":true}"#)
        .await;
    assert_eq!(
        got.text(),
        r#"{"changed":["builders/gpu+linux","builders/linux"],"unchanged":[]}"#
    );
}

#[tokio::test]
async fn an_agent_is_cordoned_and_uncordoned() {
    let house = House::new().await;
    let job = house.submit(&["hold"]).await;
    let agents = house
        .until("/api/v1/agents", |agents| agents[0]["state"] == "busy")
        .await;
    let id = agents[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/agents/{id}/cordon");
    let told = |cordoned, changed| json!({"agent": id, "cordoned": cordoned, "changed": changed});
    assert_eq!(house.post(&path, "").await.json(), told(true, true));
    assert_eq!(house.post(&path, "{}").await.json(), told(true, false));
    let one = house.get(&format!("/api/v1/agents/{id}")).await.json();
    assert_eq!(one["cordoned"], json!(true));
    let undo = house.post(&path, r#"{"undo":true}"#).await;
    assert_eq!(undo.json(), told(false, true));
    house.agents.release(&job, 0);
    house
        .until("/api/v1/agents", |agents| *agents == json!([]))
        .await;
    let gone = house.post(&path, "").await;
    assert_eq!(
        (gone.status, gone.json()["detail"].clone()),
        (404, json!(format!("agent {id} is not known")))
    );
}

#[tokio::test]
async fn unknown_pools_are_told_with_those_that_exist() {
    let house = House::new().await;
    let got = house.post("/api/v1/pools/linux/drain", "").await;
    assert_eq!(
        got.problem(),
        r#"404 {"code":"not_found","detail":"there is no pool and no scaler \"linux\"","hint":"pools are builders/gpu+linux, builders/linux","status":404,"title":"there is no such thing","type":"urn:headcount:problem:not_found"}"#
    );
    let got = house
        .post("/api/v1/pools/builders/drain", r#"{"undone":true}"#)
        .await;
    assert_eq!(
        (got.status, got.json()["hint"].clone()),
        (400, json!("write `undo`"))
    );
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_with_words() {
    let house = House::new().await;
    let got = house.get("/api/v1/job").await;
    assert_eq!(
        got.problem(),
        r#"404 {"code":"not_found","detail":"there is nothing at /api/v1/job","hint":"GET /api/v1/openapi.json names every route","status":404,"title":"there is no such thing","type":"urn:headcount:problem:not_found"}"#
    );
    let got = house.send("PUT /api/v1/jobs", "").await;
    assert_eq!(
        (got.status, got.json()["code"].clone()),
        (405, json!("method_not_allowed"))
    );
}
