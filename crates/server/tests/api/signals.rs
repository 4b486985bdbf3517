//! Pools with triggers: what they say shows in the pools and in the metrics.

use crate::house::{House, fleet_with_triggers};

#[tokio::test]
async fn what_triggers_say_shows_with_its_pool() {
    let house = House::with(fleet_with_triggers(), None).await;
    let pools = house
        .until("/api/v1/pools", |pools| pools[2]["signal"]["used"] == true)
        .await;
    let mut signal = pools[2]["signal"].clone();
    // It is read again and again, because one of two cannot be.
    signal.as_object_mut().unwrap().remove("unread");
    assert_eq!(
        signal.to_string(),
        r#"{"asOf":"1970-01-01T00:00:00.001Z","compat":"headcount","desired":2,"max":4,"min":0,"triggers":[{"claimable":0,"inFlight":1,"name":"jobs","target":2.0,"value":4.0,"waiting":3},{"name":"more","target":2.0,"trouble":"connection refused"}],"trouble":"connection refused","used":true}"#
    );
    assert_eq!(pools[2]["limitedBy"], "signal_unknown");
    assert_eq!(pools[2]["limitedByDetail"], "connection refused");
    assert!(pools[0]["signal"].is_null());
}

#[tokio::test]
async fn metrics_tell_of_triggers_under_our_names_and_on_request_under_others() {
    let house = House::with(fleet_with_triggers(), None).await;
    house
        .until("/api/v1/pools", |pools| pools[2]["signal"]["used"] == true)
        .await;
    // What is counted as it happens follows what is seen.
    let detected = r#"headcount_signal_detection_seconds_count{pool="workers/queue"} "#;
    let got = house.until_got("/metrics?names=keda", |got| got.text().contains(detected));
    let text = got.await.text();
    for line in [
        r#"headcount_signal_entries{pool="workers/queue",trigger="jobs",state="waiting"} 3.0"#,
        r#"headcount_signal_entries{pool="workers/queue",trigger="jobs",state="in_flight"} 1.0"#,
        r#"headcount_signal_value{pool="workers/queue",trigger="jobs"} 4.0"#,
        r#"headcount_signal_unknown{pool="workers/queue",trigger="jobs"} 0.0"#,
        r#"headcount_signal_unknown{pool="workers/queue",trigger="more"} 1.0"#,
        r#"headcount_signal_agents_desired{pool="workers/queue"} 2.0"#,
        r#"headcount_signal_age_seconds{pool="workers/queue"} "#,
        r#"headcount_signal_unread_total{pool="workers/queue"} "#,
        r#"headcount_signal_read_seconds{pool="workers/queue",trigger="more"} 0.5"#,
        r#"headcount_signal_failures_total{pool="workers/queue",trigger="jobs"} 0"#,
        r#"headcount_signal_failures_total{pool="workers/queue",trigger="more"} "#,
        r#"keda_scaler_metrics_latency_seconds{namespace="headcount",metric="s0-redis-streams-ci-jobs",scaledObject="workers",scaler="jobs",triggerIndex="0",type="scaledjob"} 0.002"#,
        r#"keda_scaler_detail_errors_total{namespace="headcount",metric="s0-redis-streams-ci-jobs",scaledObject="workers",scaler="jobs",triggerIndex="0",type="scaledjob"} 0"#,
        r#"keda_internal_scale_loop_latency_seconds{namespace="headcount",type="scaledjob",resource="workers"} "#,
        r#"keda_build_info{version="0.1.0",git_commit="unknown",goversion="none",goos="linux",goarch="#,
        r#"keda_scaler_metrics_value{namespace="headcount",metric="s0-redis-streams-ci-jobs",scaledObject="workers",scaler="jobs",triggerIndex="0",type="scaledjob"} 4.0"#,
        r#"triggerIndex="0",type="scaledjob"} 1.0"#,
        r#"keda_scaled_job_errors_total{namespace="headcount",scaledJob="workers"} "#,
        r#"keda_trigger_registered_total{type="redis"} 1.0"#,
        r#"keda_resource_registered_total{namespace="headcount",type="scaled_job"} 1.0"#,
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    let text = house.get("/metrics").await.text();
    assert!(!text.contains("keda_"), "{text}");
}
