//! Machine time and what it cost.

use headcount_model::Price;
use serde_json::{Value, json};

use crate::house::House;
use crate::house::fleet::fleet;

const PARTS: [&str; 5] = ["useful", "idle", "booting", "draining", "failed"];

/// A house whose agents cost a unit an hour, and in which one job has run.
async fn after_a_job() -> House {
    let mut fleet = fleet();
    for pool in fleet.scalers.iter_mut().flat_map(|it| &mut it.pools) {
        pool.price = Price::per_hour(1.0);
    }
    let house = House::with(fleet, None).await;
    let job = house.submit(&["hold"]).await;
    house
        .until("/api/v1/agents", |agents| agents[0]["state"] == "busy")
        .await;
    // Some time goes by, by the clock of the daemon.
    house
        .until("/api/v1/cost", |cost| {
            cost["total"]["useful"]["timeMs"].as_u64() > Some(20)
        })
        .await;
    house.agents.release(&job, 0);
    house
        .until("/api/v1/agents", |agents| *agents == json!([]))
        .await;
    house
}

fn millis(sum: &Value, part: &str) -> u64 {
    sum[part]["timeMs"].as_u64().unwrap()
}

#[tokio::test]
async fn parts_add_up_and_money_is_time_at_its_price() {
    let house = after_a_job().await;
    let cost = house.get("/api/v1/cost").await.json();
    let rows = cost["rows"].as_array().unwrap();
    let names: Vec<&str> = rows
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["builders/linux"]);
    let total = &cost["total"];
    let parts: u64 = PARTS.iter().map(|part| millis(total, part)).sum();
    assert_eq!(parts, millis(total, "total"), "{total:#}");
    assert!(millis(total, "useful") > 20);
    assert_eq!(total["total"].get("unpricedMs"), None, "{total:#}");
    let micros = (millis(total, "total") * 1_000_000 + 1_800_000) / 3_600_000;
    assert_eq!(total["total"]["costMicros"], micros);
    let mut row = rows[0].clone();
    row.as_object_mut().unwrap().remove("name");
    assert_eq!(row, *total, "there is one pool");

    let by_label = house.get("/api/v1/cost?by=label&since=1h").await.json();
    assert_eq!(by_label["rows"][0]["name"], "linux");
    assert_eq!(by_label["total"], *total);
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused() {
    let house = House::new().await;
    for (query, detail) in [
        (
            "since=yesterday",
            "since: `yesterday` is not a span of time",
        ),
        (
            "by=agent",
            "unknown variant `agent`, expected `pool` or `label`",
        ),
        ("unit=eur", "unknown field `unit`, expected `by` or `since`"),
    ] {
        let got = house.get(&format!("/api/v1/cost?{query}")).await;
        let told = got.json()["detail"].as_str().unwrap().to_owned();
        assert!(got.status == 400 && told.ends_with(detail), "{told}");
    }
    let nothing = house.get("/api/v1/cost").await.json();
    assert_eq!(nothing["rows"], json!([]));
    assert_eq!(nothing["from"], nothing["until"]);
}

#[tokio::test]
async fn metrics_tell_of_machine_time_and_speak_as_the_original_on_request() {
    let house = after_a_job().await;
    let text = house.get("/metrics").await.text();
    for part in [
        r#"headcount_machine_seconds_total{pool="builders/linux",state="useful"} "#,
        r#"headcount_machine_cost_total{pool="builders/linux",state="useful"} "#,
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains("gitlab_runner"), "{text}");
    let text = house.get("/metrics?names=gitlab").await.text();
    let targets = r#"target_zone="",target_region="",target_project="",target_machine_type="""#;
    for (name, label, value) in [
        ("actions_total", r#"action="created""#, "1"),
        ("actions_total", r#"action="used""#, "1"),
        ("machine_states", r#"state="idle""#, "0.0"),
        ("machine_states", r#"state="stuck-on-removing""#, "0.0"),
    ] {
        let line = format!(
            "gitlab_runner_autoscaling_{name}{{executor=\"docker+machine\",{label},{targets}}} {value}\n"
        );
        assert!(text.contains(&line), "{line} in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}
