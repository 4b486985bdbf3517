//! Life, readiness and numbers.

use headcount_model::{BackendId, Cap, MachinePool, Name};
use serde_json::json;

use crate::house::{Got, House, fleet};

#[tokio::test]
async fn a_daemon_whose_edges_have_answered_is_ready() {
    let house = House::new().await;
    let alive = house.get("/healthz").await;
    assert_eq!(
        (alive.status, alive.json()["status"].clone()),
        (200, json!("ok"))
    );
    let ready = house
        .until("/readyz", |ready| ready["status"] == "ready")
        .await;
    assert_eq!(ready["reasons"], json!([]));
}

#[tokio::test]
async fn a_backend_that_has_not_answered_is_named() {
    let mut fleet = fleet();
    fleet.scalers[0].backend = BackendId::new("elsewhere");
    let house = House::with(fleet, None).await;
    let got = house.get("/readyz").await;
    assert_eq!(got.status, 503);
    let json = got.json();
    assert_eq!(json["status"], "not_ready");
    let reasons = json["reasons"].to_string();
    assert!(reasons.contains("backend elsewhere "), "{reasons}");
}

#[tokio::test]
async fn a_stopping_daemon_is_not_ready() {
    let house = House::new().await;
    house
        .until("/readyz", |ready| ready["status"] == "ready")
        .await;
    house.handle.stop_taking().await;
    let got = house.get("/readyz").await;
    assert_eq!(
        (got.status, got.json()["reasons"].clone()),
        (503, json!(["the daemon is stopping"]))
    );
}

#[tokio::test]
async fn metrics_count_what_happened_and_show_what_is() {
    let house = House::new().await;
    let job = house.submit(&["exit", "3"]).await;
    house.ended(&job).await;
    house
        .until("/api/v1/agents", |agents| *agents == json!([]))
        .await;
    house.submit(&["hold"]).await;
    house
        .until("/api/v1/agents", |agents| agents[0]["state"] == "busy")
        .await;
    let waiting = json!({"command": ["x"], "runsOn": ["nowhere"]});
    house.post("/api/v1/jobs", waiting.to_string()).await;
    house
        .until("/api/v1/plan", |plan| plan["classes"][0]["waiting"] == 1)
        .await;
    let got = house.get("/metrics").await;
    assert_eq!(
        got.header("content-type"),
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let text = got.text();
    for line in [
        "headcount_jobs_submitted_total 3",
        r#"headcount_jobs_ended_total{state="failed",reason="command_failed"} 1"#,
        r#"headcount_agents{pool="builders/linux",scaler="builders",state="busy"} 1.0"#,
        r#"headcount_scaler_agents_headroom{scaler="builders"} 3.0"#,
        "headcount_fleet_agents_headroom 7.0",
        r#"headcount_jobs_waiting{reason="no_matching_pool"} 1.0"#,
        r#"headcount_jobs{state="failed"} 1.0"#,
        r#"headcount_orphan_instances{backend="bare-metal",state="quarantined"} 0.0"#,
        r#"headcount_backend_fresh{backend="bare-metal"} 1.0"#,
        r#"headcount_agent_registrations_refused_total{code="token_used"} 2"#,
        r#"headcount_http_requests_total{method="POST",route="/api/v1/jobs",status="201"} 3"#,
        "headcount_ledger_writable 1.0",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn spans_are_measured() {
    let house = House::new().await;
    let job = house.submit(&["exit", "0"]).await;
    house.ended(&job).await;
    house
        .until("/api/v1/agents", |agents| *agents == json!([]))
        .await;
    let lines = [
        "headcount_job_queue_seconds_count 1",
        r#"headcount_agent_launch_seconds_count{pool="builders/linux"} 1"#,
    ];
    let seen = |got: &Got| lines.iter().all(|line| got.text().contains(line));
    house.until_got("/metrics", seen).await;
}

#[tokio::test]
async fn made_up_paths_make_no_metrics() {
    let house = House::new().await;
    for n in 0..3 {
        house.get(&format!("/made-up-{n}")).await;
    }
    let text = house.get("/metrics").await.text();
    assert!(!text.contains("made-up"), "{text}");
    assert!(
        text.contains(r#"{method="GET",route="other",status="404"} 3"#),
        "{text}"
    );
}

#[tokio::test]
async fn dashboards_of_another_system_find_their_names_on_request() {
    let house = House::new().await;
    house.submit(&["hold"]).await;
    house
        .until("/api/v1/agents", |agents| agents[0]["state"] == "busy")
        .await;
    let text = house.get("/metrics").await.text();
    assert!(!text.contains("kici_orch"), "{text}");
    let text = house.get("/metrics?names=kici").await.text();
    for line in [
        r#"kici_orch_scaler_config_reloads_total{result="attempted"} 0"#,
        r#"kici_orch_config_reload_total{result="success"} 0"#,
        r#"kici_orch_scaler_cpus_used{scaler="builders",scalerType="bare-metal"} 0.0"#,
        r#"kici_orch_scaler_memory_bytes_used{scaler="__global__",scalerType="__global__"} 0.0"#,
        "kici_orch_scaler_spawn_refusals_total 0.0",
        r#"kici_orch_scaler_spawn_failures_total{backend="bare-metal",bound="true"} 0"#,
        "kici_orch_agents_active 1.0",
        r#"kici_orch_dispatch_queue_depth{status="pending"} 0.0"#,
        r#"headcount_ready_misses_total{pool="builders/linux"} 1"#,
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    let wrong = house.get("/metrics?names=kicy").await;
    assert_eq!(wrong.status, 400);
    assert_eq!(wrong.json()["hint"], "write `kici`");
}

#[tokio::test]
async fn machine_pools_show_their_caps_and_our_part() {
    let mut fleet = fleet();
    fleet.machine_pools.push(MachinePool {
        name: Name::new("host"),
        cap: Cap {
            max_cpu_millis: Some(1500),
            max_memory_bytes: None,
        },
    });
    let house = House::with(fleet, None).await;
    let text = house.get("/metrics?names=kici").await.text();
    for line in [
        r#"headcount_machine_pool_cpus_max{machine_pool="host"} 1.5"#,
        r#"headcount_machine_pool_cpus_reserved{machine_pool="host"} 0.0"#,
        r#"headcount_machine_pool_memory_reserved_bytes{machine_pool="host"} 0.0"#,
        r#"kici_orch_scaler_cpus_used{machinePool="host"} 0.0"#,
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    let unbounded = "machine_pool_memory_max_bytes{";
    assert!(!text.contains(unbounded), "{text}");
}
