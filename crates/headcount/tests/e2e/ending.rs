//! SIGTERM: the daemon stops politely, and what runs goes on.

use std::fs;

use headcount_api::JobState;
use rustix::process::Signal;
use serde_json::json;

use crate::harness::{House, content, pool_of, script};

/// A job that writes its pid and waits for a file.
fn patient(house: &House) -> String {
    let (pid, gate) = (house.path("pid"), house.path("gate"));
    format!(
        "echo $$ > {}; while [ ! -e {} ]; do sleep 0.05; done; echo done",
        pid.display(),
        gate.display()
    )
}

#[test]
fn a_job_that_outlasts_the_end_is_found_again() {
    let mut house = House::new(&pool_of(2)).with(&["--stop-timeout", "200ms"]);
    house.start();
    let id = house.api().submit(&script(&patient(&house)));
    let pid = content(&house.path("pid"));
    house.stop_daemon();
    assert!(
        fs::exists(format!("/proc/{}", pid.trim())).unwrap(),
        "the job was ended"
    );
    house.start();
    assert_eq!(house.api().job(&id).state, JobState::Running);
    fs::write(house.path("gate"), "").unwrap();
    let ended = house.api().end_of(&id);
    assert_eq!(
        (ended.state, ended.attempts),
        (JobState::Succeeded, 1),
        "{ended:#?}"
    );
    assert_eq!(content(&house.path("pid")), pid, "it was started again");
    house.await_empty();
    house.close();
}

#[test]
fn the_end_waits_for_running_jobs_and_takes_no_new_ones() {
    let mut house = House::new(&pool_of(1)).with(&["--stop-timeout", "80s"]);
    house.start();
    let api = house.api();
    let id = api.submit(&script(&patient(&house)));
    let waiting = api.submit(&script("true"));
    content(&house.path("pid"));
    house.daemon().tell(Signal::TERM);
    house.daemon().await_notice("STOPPING=1");
    crate::harness::until("new jobs are refused", || {
        let answer = api.post("/jobs", &script("true"));
        (answer.status == 503).then_some(())
    });
    let refused = house.run(&["submit", "--", "true"]);
    assert_eq!(refused.code, 6, "{refused:?}");
    fs::write(house.path("gate"), "").unwrap();
    let status = house.daemon().end();
    assert_eq!(status.code(), Some(0), "{}", house.daemon().said());
    house.kill_daemon();

    house.start();
    let ended = house.api().end_of(&id);
    assert_eq!(
        (ended.state, ended.attempts),
        (JobState::Succeeded, 1),
        "{ended:#?}"
    );
    let kept = house.api().end_of(&waiting);
    assert_eq!(kept.state, JobState::Succeeded, "{kept:#?}");
    house.close();
}

#[test]
fn an_idle_daemon_ends_at_once_and_says_so_to_its_service_manager() {
    let mut house = House::up(&pool_of(1));
    house.daemon().tell(Signal::INT);
    house.daemon().await_notice("STOPPING=1");
    assert_eq!(house.daemon().end().code(), Some(0));
    house.kill_daemon();
    house.close_unused();
}

#[test]
fn a_queued_job_is_kept_over_the_end() {
    let mut house = House::up(&pool_of(1));
    let id = house
        .api()
        .submit(&json!({"script": "true", "runsOn": ["tomorrow"]}));
    house.stop_daemon();
    let config = pool_of(1).replace("[linux]", "[linux, tomorrow]");
    house.write_config(&config);
    house.start();
    assert_eq!(house.api().end_of(&id).state, JobState::Succeeded);
    house.close();
}

/// Two agents that stay ready: one works, one is idle.
fn kept() -> String {
    pool_of(2).replace(
        "    maxAgents: 2\n",
        "    maxAgents: 2\n    warmPool: {enabled: true, size: 1}\n",
    )
}

#[test]
fn a_drain_at_the_end_lets_jobs_end_and_leaves_nobody_behind() {
    let mut house = House::new(&kept()).with(&["--stop-agents", "drain", "--stop-timeout", "80s"]);
    house.start();
    let id = house.api().submit(&script(&patient(&house)));
    content(&house.path("pid"));
    house.daemon().tell(Signal::TERM);
    house.daemon().await_notice("STOPPING=1");
    fs::write(house.path("gate"), "").unwrap();
    assert_eq!(house.daemon().end().code(), Some(0));
    house.kill_daemon();
    assert!(house.processes().is_empty(), "{:?}", house.processes());
    house.write_config(&pool_of(2));
    house.start();
    assert_eq!(house.api().end_of(&id).state, JobState::Succeeded);
    house.close();
}

#[test]
fn destroyed_at_the_end_nobody_is_left_and_the_job_says_why() {
    let mut house =
        House::new(&kept()).with(&["--stop-agents", "destroy", "--stop-timeout", "300ms"]);
    house.start();
    let id = house.api().submit(&script(&patient(&house)));
    content(&house.path("pid"));
    house.stop_daemon();
    assert!(house.processes().is_empty(), "{:?}", house.processes());
    house.write_config(&pool_of(2));
    house.start();
    assert_eq!(house.api().end_of(&id).state, JobState::Failed);
    house.close();
}
