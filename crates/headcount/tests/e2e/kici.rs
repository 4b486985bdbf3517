//! A user of the KiCI auto-scaler brings the environment along.

use std::time::Duration;

use headcount_api::JobState;
use serde_json::json;

use crate::harness::{House, pool_of, script};

#[test]
fn its_variables_are_read_and_what_has_no_meaning_here_is_told() {
    let mut house = House::new(&pool_of(1)).through(&[
        "env",
        "KICI_AGENT_ENV_GREETING=hello",
        "KICI_ORCHESTRATOR_URL=ws://192.0.2.1:4000/ws",
        "KICI_QUEUE_MAX_DEPTH=2",
        "KICI_QUEUE_TIMEOUT_MS=60000",
        "KICI_AGENT_AUTH=none",
        "KICI_PORT=4000",
    ]);
    house.start();
    let said = house.daemon().said();
    for (name, told) in [
        ("KICI_AGENT_AUTH", true),
        ("KICI_PORT", true),
        ("KICI_AGENT_ENV_GREETING", false),
        ("KICI_ORCHESTRATOR_URL", false),
        ("KICI_QUEUE_MAX_DEPTH", false),
        ("KICI_QUEUE_TIMEOUT_MS", false),
    ] {
        let remark = format!("{name} has no effect here: ");
        assert_eq!(said.contains(&remark), told, "{name}: {said}");
    }
    // Agents of this host call this daemon, whoever else they called before.
    let api = house.api();
    let id = api.submit(&script("echo $GREETING"));
    assert_eq!(api.end_of(&id).state, JobState::Succeeded);
    assert_eq!(api.log(&id), "hello\n");

    let unserved = json!({"script": "true", "runsOn": ["gpu"]});
    let waiting = [api.submit(&unserved), api.submit(&unserved)];
    let full = api.post("/jobs", &unserved);
    assert_eq!(full.status, 429, "{full:?}");
    let job = api.job(&waiting[0]);
    let expires = job.expires_at.unwrap().as_millis();
    let lasts = Duration::from_millis(expires - job.accepted_at.as_millis());
    assert_eq!(lasts, Duration::from_secs(60));
    house.run(&["cancel", &waiting[0], &waiting[1]]).good();
    house.close();
}

#[test]
fn an_option_wins_over_its_variable_and_a_job_may_wait_for_ever() {
    let mut house = House::new(&pool_of(1))
        .through(&["env", "KICI_QUEUE_TIMEOUT_MS=60000"])
        .with(&["--queue-timeout", "0s"]);
    house.start();
    let api = house.api();
    let id = api.submit(&json!({"script": "true", "runsOn": ["gpu"]}));
    assert!(api.job(&id).expires_at.is_none());
    house.run(&["cancel", &id]).good();
    house.close();
}

#[test]
fn a_variable_that_is_no_number_is_refused() {
    let house = House::new(&pool_of(1)).through(&["env", "KICI_QUEUE_MAX_DEPTH=many"]);
    let refused = house.refused();
    assert_eq!(refused.code, 2, "{refused:?}");
    let words = "error: KICI_QUEUE_MAX_DEPTH is `many`\nhint: write a number of jobs, or unset it";
    assert!(refused.err.contains(words), "{refused:?}");
    house.close_unused();
}
