//! Why a job waits: one screen, one reason, and what to do.

use headcount_api::PoolState;
use serde_json::json;

use crate::harness::{House, pool_of, script, until};

#[test]
fn a_job_for_labels_nobody_has_is_accepted_and_explained() {
    let house = House::up(&pool_of(2));
    let accepted = house
        .run(&["submit", "--runs-on", "linxu,gpu", "--", "true"])
        .good();
    let id = accepted.text().trim().to_owned();
    let explained = house.run(&["explain", &id, "--json"]).good().json();
    assert_eq!(explained["reason"], "no_matching_pool");
    assert_eq!(
        explained["nearest"],
        json!([{"asked": "linxu", "nearest": "linux"}])
    );
    assert_eq!(explained["pools"][0]["verdict"], "unfit");
    assert_eq!(explained["pools"][0]["missing"], json!(["gpu", "linxu"]));
    let screen = house.run(&["explain", &id]).good().text();
    for part in ["no pool has the labels", "linxu", "linux", "local/linux"] {
        assert!(
            screen.contains(part),
            "`{part}` is not on the screen:\n{screen}"
        );
    }
    assert!(
        screen.lines().count() <= 40,
        "it is more than one screen:\n{screen}"
    );
    house.run(&["cancel", &id]).good();
    house.close();
}

#[test]
fn a_full_pool_says_which_cap_stands_in_the_way() {
    let house = House::up(&pool_of(1));
    let api = house.api();
    let blocker = api.submit(&script("sleep 1000"));
    api.running(&blocker);
    let waiting = api.submit(&script("true"));
    let explained = api.get(&format!("/explain/{waiting}")).json();
    assert_eq!(explained["reason"], "scaler_at_max_agents", "{explained}");
    assert_eq!(explained["pools"][0]["verdict"], "candidate");
    assert_eq!(explained["pools"][0]["blockedBy"], "scaler_at_max_agents");
    assert!(explained["pools"][0]["since"].is_string(), "{explained}");
    assert_eq!(explained["position"]["ahead"], 0);
    let screen = house.run(&["explain", &waiting]).good().text();
    assert!(screen.contains("maxAgents"), "{screen}");
    let nobody = house
        .run(&["explain", "--runs-on", "windows", "--json"])
        .good()
        .json();
    assert_eq!(nobody["reason"], "no_matching_pool", "{nobody}");
    house.run(&["cancel", &blocker, &waiting]).good();
    house.close();
}

#[test]
fn a_job_larger_than_any_cap_is_refused_with_the_name_of_the_cap() {
    let config = "version: 1\nscalers:\n  - name: small\n    type: bare-metal\n    maxAgents: 4\n    \
                  resourceCap: { maxCpu: 4, maxMemory: 4g }\n    labelSets:\n      - labels: [linux]\n";
    let house = House::up(config);
    let refused = house.run(&[
        "submit",
        "--memory",
        "6g",
        "--runs-on",
        "linux",
        "--",
        "true",
    ]);
    assert_eq!(refused.code, 5, "{refused:?}");
    for part in ["maxMemory", "6g", "4g"] {
        assert!(refused.err.contains(part), "`{part}` is not in {refused:?}");
    }
    let answer = house.api().post(
        "/jobs",
        &json!({"script": "true", "runsOn": ["linux"], "resources": {"cpus": 8}}),
    );
    assert_eq!(answer.status, 422, "{answer:?}");
    let problem = answer.json();
    assert_eq!(problem["impossible"]["cap"], "scaler_cpu_cap", "{problem}");
    assert_eq!(
        house.api().get("/jobs").text.trim(),
        "[]",
        "a refused job was kept"
    );
    house.close();
}

#[test]
fn agents_that_never_come_up_are_explained_and_not_started_without_end() {
    let config = "version: 1\nscalers:\n  - name: broken\n    type: bare-metal\n    maxAgents: 2\n    \
                  labelSets:\n      - labels: [linux]\n        binaryPath: /bin/false\n";
    let house = House::up(config);
    let api = house.api();
    let id = api.submit(&script("true"));
    until("the pool fails", || {
        (api.pool("broken/linux").state == PoolState::Failing).then_some(())
    });
    let explained = until("the next launch is put off", || {
        let explained = api.get(&format!("/explain/{id}")).json();
        let put_off = ["launch_backoff", "circuit_open"].map(serde_json::Value::from);
        put_off.contains(&explained["reason"]).then_some(explained)
    });
    assert!(explained["advice"].is_string(), "{explained}");
    let screen = until("the next try is told", || {
        let screen = house.run(&["explain", &id]).good().text();
        screen.contains("; next try in ").then_some(screen)
    });
    let cause = "ended with code 1 before it was of use";
    assert!(screen.contains(cause), "{screen}");
    let pool = api.pool("broken/linux");
    let failure = pool.last_failure.unwrap();
    assert!(
        failure
            .message
            .ends_with("ended with code 1 before it was of use"),
        "{failure:?}"
    );
    assert!(pool.next_launch_at.is_some());
    house.run(&["cancel", &id]).good();
    house.close();
}

#[test]
fn an_agent_program_that_is_not_there_is_told_at_the_start() {
    let config = "version: 1\nscalers:\n  - name: broken\n    type: bare-metal\n    maxAgents: 2\n    \
                  labelSets:\n      - labels: [linux]\n        binaryPath: /no/such/agent\n";
    let house = House::new(config);
    let refused = house.refused();
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("/no/such/agent"), "{refused:?}");
    house.close_unused();
}
