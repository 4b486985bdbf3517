//! Machines of other daemons: shown with their leases, and removed at a wish only once these
//! are over.

use std::time::Duration;

use headcount_model::{AgentId, InstanceState, LeasedInstance, Timestamp};
use serde_json::{Value, json};

use crate::house::House;
use crate::house::fleet::fleet;

/// The beginning of these years, in milliseconds since 1970.
const IN_2020: u64 = 1_577_836_800_000;
const IN_2100: u64 = 4_102_444_800_000;
const MINUTE: Duration = Duration::from_secs(60);

/// Another daemon's machine in a pool of this name.
fn other(number: u32, pool: &str, lease_until: u64) -> LeasedInstance {
    let agent = AgentId { epoch: 1, number };
    LeasedInstance {
        owner: "them".into(),
        agent,
        pool: pool.into(),
        name: format!("headcount-them-{agent}"),
        lease_until: Timestamp::from_millis(lease_until),
        lease_for: MINUTE,
        state: InstanceState::Running,
    }
}

/// One whose lease is over for years, one whose lease holds for ever, and one in a pool
/// that this daemon has not.
async fn house(reap_others_after: Option<Duration>) -> House {
    let mut fleet = fleet();
    for scaler in &mut fleet.scalers {
        scaler.reap_others_after = reap_others_after;
    }
    let house = House::with(fleet, None).await;
    for (number, pool, until) in [
        (1, "builders/linux", IN_2020),
        (2, "builders/linux", IN_2100),
        (3, "farm/linux", IN_2020),
    ] {
        house.agents.plant(other(number, pool, until));
    }
    house
}

fn told(orphans: &Value) -> Vec<String> {
    let all = orphans["orphans"].as_array().unwrap().iter();
    let text = |it: &Value, key: &str| it[key].as_str().unwrap_or("-").to_owned();
    all.map(|it| {
        ["agent", "owner", "state", "leaseUntil"]
            .map(|key| text(it, key))
            .join(" ")
    })
    .collect()
}

#[tokio::test]
async fn only_what_is_over_is_removed_at_a_wish() {
    let house = house(Some(MINUTE)).await;
    let shown = house.get("/api/v1/orphans").await.json();
    assert_eq!(
        told(&shown),
        [
            "a-1-1 them lapsed 2020-01-01T00:00:00.000Z",
            "a-1-2 them leased 2100-01-01T00:00:00.000Z"
        ]
    );
    let orphans = shown["orphans"].as_array().unwrap();
    assert!(orphans[0]["leftUntil"].is_string(), "{shown:#}");
    assert_eq!(orphans[1]["leftUntil"], Value::Null);
    assert_eq!(shown["backends"][0]["fresh"], true);

    let reaping = house.post("/api/v1/orphans/reap", "").await.json();
    assert_eq!(
        reaping,
        json!({"removing": [], "unknown": [],
            "removingOthers": [{"owner": "them", "agent": "a-1-1"}]})
    );
    let left = house
        .until("/api/v1/orphans", |it| told(it).len() == 1)
        .await;
    assert_eq!(told(&left), ["a-1-2 them leased 2100-01-01T00:00:00.000Z"]);
    let there: Vec<u32> = house
        .agents
        .others()
        .iter()
        .map(|it| it.agent.number)
        .collect();
    assert_eq!(there, [2, 3]);
}

#[tokio::test]
async fn without_a_policy_they_are_neither_shown_nor_removed() {
    let house = house(None).await;
    assert_eq!(told(&house.get("/api/v1/orphans").await.json()), [""; 0]);
    let reaping = house.post("/api/v1/orphans/reap", "").await.json();
    assert_eq!(reaping, json!({"removing": [], "unknown": []}));
    assert_eq!(house.agents.others().len(), 3);
}
