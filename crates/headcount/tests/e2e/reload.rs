//! Another configuration: whole or not at all, live, and never a surprise.

use std::fs;

use headcount_api::{JobState, PoolState};
use rustix::process::Signal;
use serde_json::json;

use crate::harness::{House, pool_of, script, until};

const OTHER: &str = "  - name: other\n    type: bare-metal\n    maxAgents: 1\n    labelSets:\n      \
                     - labels: [other]\n";

#[test]
fn a_new_scaler_serves_and_a_removed_one_finishes_its_job() {
    let mut house = House::up(&pool_of(1));
    let api = house.api();
    let waiting = api.submit(&json!({"script": "true", "runsOn": ["other"]}));
    house.write_config(&format!("{}{OTHER}", pool_of(1)));
    house.daemon().tell(Signal::HUP);
    assert_eq!(api.end_of(&waiting).state, JobState::Succeeded);

    let gate = house.path("gate");
    let wait = format!("while [ ! -e {} ]; do sleep 0.05; done", gate.display());
    let running = api.submit(&json!({"script": wait, "runsOn": ["other"]}));
    api.running(&running);
    house.write_config(&pool_of(1));
    let told = house.run(&["reload"]).good().text();
    assert!(told.contains("other/other"), "{told}");
    assert_eq!(api.pool("other/other").state, PoolState::Removed);
    assert_eq!(
        api.job(&running).state,
        JobState::Running,
        "its job was ended"
    );
    fs::write(&gate, "").unwrap();
    assert_eq!(api.end_of(&running).state, JobState::Succeeded);
    house.await_empty();
    until("the removed pool is gone", || {
        api.pools()
            .iter()
            .all(|pool| pool.name != "other/other")
            .then_some(())
    });
    house.close();
}

#[test]
fn a_file_in_the_drop_in_directory_is_a_scaler_more() {
    let house = House::new(&pool_of(1));
    let dir = house.path("scalers.d");
    fs::create_dir(&dir).unwrap();
    let mut house = house.with(&["--config-dir", dir.to_str().unwrap()]);
    house.start();
    let api = house.api();
    let waiting = api.submit(&json!({"script": "true", "runsOn": ["other"]}));
    let file = dir.join("other.yaml");
    fs::write(&file, format!("version: 1\nscalers:\n{OTHER}")).unwrap();
    house.run(&["reload"]).good();
    assert_eq!(api.end_of(&waiting).state, JobState::Succeeded);
    fs::remove_file(&file).unwrap();
    house.run(&["reload"]).good();
    until("its pool is gone", || {
        (api.pools().len() == 1).then_some(())
    });
    house.close();
}

#[test]
fn a_raised_cap_takes_effect_at_once() {
    let house = House::up(&pool_of(1));
    let api = house.api();
    let gate = house.path("gate");
    let wait = format!("while [ ! -e {} ]; do sleep 0.05; done", gate.display());
    let ids = api.submit_all(&vec![script(&wait); 3]);
    api.running(&ids[0]);
    house.write_config(&pool_of(3));
    let told = house.run(&["reload", "--json"]).good().json();
    assert_eq!(
        told["changes"][0]["details"],
        json!(["maxAgents: 1 -> 3"]),
        "{told}"
    );
    for id in &ids {
        api.running(id);
    }
    fs::write(&gate, "").unwrap();
    api.ends_of(&ids);
    house.close();
}

#[test]
fn a_bad_file_changes_nothing_and_says_where() {
    let mut house = House::up(&pool_of(2));
    let before = house.run(&["pools", "--json"]).good().json();
    house.write_config(&pool_of(2).replace("maxAgents", "maxAgnets"));
    let refused = house.run(&["reload"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    for part in ["scalers.yaml", "5", "maxAgnets", "maxAgents"] {
        assert!(refused.err.contains(part), "`{part}` is not in {refused:?}");
    }
    house.daemon().tell(Signal::HUP);
    until("the refusal is logged", || {
        house
            .daemon()
            .said()
            .contains("the old configuration stays")
            .then_some(())
    });
    assert_eq!(house.run(&["pools", "--json"]).good().json(), before);
    house
        .run(&["submit", "--wait", "--runs-on", "linux", "--", "true"])
        .good();
    house.close();
}

#[test]
fn a_plan_says_what_would_change_and_changes_nothing() {
    let config = pool_of(4) + "    warmPool: { enabled: true, size: 2 }\n";
    let house = House::up(&config);
    let api = house.api();
    api.when("two agents are ready", || {
        (api.pool("local/linux").agents.idle == 2).then_some(())
    });
    let agents = || {
        let ids = api.agents().into_iter().map(|agent| agent.id);
        ids.collect::<Vec<_>>()
    };
    let before = agents();
    let new = house.path("new.yaml");
    let smaller = config
        .replace("maxAgents: 4", "maxAgents: 1")
        .replace("size: 2", "size: 1");
    fs::write(&new, format!("{smaller}{OTHER}")).unwrap();
    let plan = house
        .run(&["plan", "-c", new.to_str().unwrap(), "--json"])
        .good()
        .json();
    let changed = |pool: &str| {
        let changes = plan["changes"].as_array().unwrap();
        let found = changes.iter().find(|change| change["pool"] == pool);
        found
            .unwrap_or_else(|| panic!("nothing is said of {pool}: {plan}"))
            .clone()
    };
    assert_eq!(changed("other/other")["change"], "added");
    assert_eq!(changed("local/linux")["change"], "changed");
    assert_eq!(
        plan["actions"].as_array().unwrap().len(),
        1,
        "one agent would leave: {plan}"
    );
    let shown = house
        .run(&["plan", "-c", new.to_str().unwrap()])
        .good()
        .text();
    assert!(shown.contains("maxAgents: 4 -> 1"), "{shown}");
    assert_eq!(agents(), before);
    assert_eq!(api.pools().len(), 1);

    fs::write(&new, "version: 2\n").unwrap();
    let refused = house.run(&["plan", "-c", new.to_str().unwrap()]);
    assert_eq!(refused.code, 2, "{refused:?}");
    house.close();
}

#[test]
fn r2_an_overlap_is_refused_with_the_labels_and_both_names() {
    let house = House::up(&pool_of(1));
    let twice = OTHER.replace("[other]", "[Linux]");
    house.write_config(&format!("{}{twice}", pool_of(3)));
    let refused = house.run(&["reload"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    let words = "the labels `linux` belong to both scaler `local` and scaler `other`";
    assert!(refused.err.contains(words), "{refused:?}");
    assert_eq!(house.api().pool("local/linux").max_agents, Some(1));
    house.close();
}

#[test]
fn r4_what_the_second_scaler_cannot_have_leaves_the_first_as_it_was() {
    let house = House::up(&pool_of(1));
    let before = house.run(&["pools", "--json"]).good().json();
    let broken = format!("{OTHER}        binaryPath: /no/such/agent\n");
    house.write_config(&format!("{}{broken}", pool_of(9)));
    let refused = house.run(&["reload"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("/no/such/agent"), "{refused:?}");
    assert_eq!(house.run(&["pools", "--json"]).good().json(), before);
    house.close();
}

#[test]
fn a_pattern_is_served_by_the_pool_it_matches_as_the_file_is_now() {
    let mut house = House::up(&format!("{}{OTHER}", pool_of(1)));
    let api = house.api();
    let ran_on = |id: &str| {
        assert_eq!(api.end_of(id).state, JobState::Succeeded);
        let steps = api.get(&format!("/jobs/{id}/provisioning")).json();
        steps[0]["pool"].as_str().map(str::to_owned)
    };
    let matched = api.submit(&json!({"script": "true", "runsOn": ["oth*", "/o[a-z]{1,4}/"]}));
    assert_eq!(ran_on(&matched).as_deref(), Some("other/other"));
    let excluded = api.submit(&json!({"script": "true", "exclude": ["/.*:scaler:other|x/"]}));
    assert_eq!(ran_on(&excluded).as_deref(), Some("local/linux"));

    let waiting = api.submit(&json!({"script": "true", "runsOn": ["fast-?"]}));
    let told = house.run(&["explain", &waiting]).good().text();
    assert!(
        told.contains("No pool has a label that matches `fast-?`."),
        "{told}"
    );
    let renamed = OTHER.replace("[other]", "[other, fast-1]");
    house.write_config(&format!("{}{renamed}", pool_of(1)));
    house.daemon().tell(Signal::HUP);
    assert_eq!(ran_on(&waiting).as_deref(), Some("other/fast-1+other"));

    let refused = house.run(&["submit", "--runs-on", "linux,/fast-[12/", "--", "true"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    let place = "unclosed character class, at character 7, `[12/`";
    assert!(refused.err.contains(place), "{refused:?}");
    house.close();
}
