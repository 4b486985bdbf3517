//! The queue: order, keys, cancelling, expiry, retries, drains.

use std::fs;

use headcount_api::{JobState, PoolState};
use serde_json::{Value, json};

use crate::harness::{House, pool_of, script, until};

/// One agent, busy until the file is there.
struct Blocked {
    house: House,
    blocker: String,
}

impl Blocked {
    fn new() -> Self {
        let house = House::up(&pool_of(1));
        let gate = house.path("gate");
        let wait = format!("while [ ! -e {} ]; do sleep 0.05; done", gate.display());
        let blocker = house.api().submit(&script(&wait));
        house.api().running(&blocker);
        Self { house, blocker }
    }

    fn release(&self) {
        fs::write(self.house.path("gate"), "").unwrap();
    }
}

#[test]
fn a_higher_priority_goes_first_then_the_older() {
    let blocked = Blocked::new();
    let house = &blocked.house;
    let ledger = house.ledger();
    let job = |priority: i32| json!({"script": ledger.note("ran"), "priority": priority});
    let ids = house
        .api()
        .submit_all(&[job(0), job(-5), job(10), job(0), job(10)]);
    blocked.release();
    house.api().ends_of(&ids);
    let expected = [2, 4, 0, 3, 1].map(|place: usize| format!("ran {} 1", ids[place]));
    assert_eq!(ledger.lines(), expected);
    blocked.house.close();
}

#[test]
fn the_same_key_is_the_same_job() {
    let house = House::up(&pool_of(2));
    let ledger = house.ledger();
    let job = json!({"script": ledger.note("ran"), "key": "build-7"});
    let api = house.api();
    let first = api.post("/jobs", &job);
    assert_eq!(first.status, 201, "{first:?}");
    let id = api.submit(&job);
    api.end_of(&id);
    assert_eq!(api.submit(&job), id);
    let again = api.post("/jobs", &job);
    assert_eq!(again.status, 200, "{again:?}");
    let other = house.run(&["submit", "--wait", "--key", "build-7", "--", "true"]);
    assert_eq!(other.code, 5, "{other:?}");
    assert!(other.err.contains(&id), "{other:?}");
    assert_eq!(ledger.lines().len(), 1);
    house.close();
}

#[test]
fn a_waiting_job_is_cancelled_before_it_runs_and_a_running_one_is_ended() {
    let blocked = Blocked::new();
    let house = &blocked.house;
    let ledger = house.ledger();
    let api = house.api();
    let waiting = api.submit(&script(&ledger.note("ran")));
    house.run(&["cancel", &waiting, &blocked.blocker]).good();
    for id in [&waiting, &blocked.blocker] {
        let ended = api.end_of(id);
        let reason = ended.reason.as_deref();
        assert_eq!(
            (ended.state, reason),
            (JobState::Cancelled, Some("cancel_requested"))
        );
    }
    house.await_empty();
    assert_eq!(ledger.lines(), Vec::<String>::new());
    let unknown = house.run(&["cancel", "job-999999"]);
    assert_eq!(unknown.code, 3, "{unknown:?}");
    blocked.house.close();
}

#[test]
fn a_job_that_waits_too_long_expires() {
    let blocked = Blocked::new();
    let house = &blocked.house;
    let ledger = house.ledger();
    let job = json!({"script": ledger.note("ran"), "expiresAfter": "300ms"});
    let ended = house.api().end_of(&house.api().submit(&job));
    assert_eq!(
        (ended.state, ended.reason.as_deref()),
        (JobState::Expired, Some("expired"))
    );
    blocked.release();
    house.await_empty();
    assert_eq!(ledger.lines(), Vec::<String>::new());
    blocked.house.close();
}

#[test]
fn every_attempt_is_visible() {
    let house = House::up(&pool_of(2));
    let api = house.api();
    let third = "echo attempt $HEADCOUNT_JOB_ATTEMPT; [ $HEADCOUNT_JOB_ATTEMPT -eq 3 ]";
    let id = api.submit(&json!({"script": third, "retries": 5}));
    let ended = api.end_of(&id);
    assert_eq!(
        (ended.state, ended.attempts),
        (JobState::Succeeded, 3),
        "{ended:#?}"
    );
    for attempt in 1..=3 {
        let log = house
            .run(&["logs", "--attempt", &attempt.to_string(), &id])
            .good();
        assert_eq!(log.text(), format!("attempt {attempt}\n"));
    }
    let never = json!({"script": "exit 5", "retries": 2});
    let ended = api.end_of(&api.submit(&never));
    assert_eq!(
        (ended.state, ended.exit_code),
        (JobState::Failed, Some(5)),
        "{ended:#?}"
    );
    assert_eq!(ended.attempts, 3);
    house.close();
}

#[test]
fn a_drained_pool_finishes_what_runs_and_takes_nothing_new() {
    let blocked = Blocked::new();
    let house = &blocked.house;
    let api = house.api();
    house.run(&["drain", "local/linux"]).good();
    let waiting = api.submit(&script("true"));
    assert_eq!(api.pool("local/linux").state, PoolState::Draining);
    blocked.release();
    assert_eq!(api.end_of(&blocked.blocker).state, JobState::Succeeded);
    house.await_empty();
    let explained: Value = api.get(&format!("/explain/{waiting}")).json();
    assert_eq!(explained["reason"], "pool_draining", "{explained}");
    assert_eq!(api.job(&waiting).state, JobState::Queued);
    house.run(&["drain", "local", "--undo"]).good();
    assert_eq!(api.end_of(&waiting).state, JobState::Succeeded);
    let unknown = house.run(&["drain", "nothing"]);
    assert_eq!(unknown.code, 3, "{unknown:?}");
    blocked.house.close();
}

#[test]
fn a_drain_outlives_the_daemon() {
    let mut house = House::up(&pool_of(1));
    house.run(&["drain", "local"]).good();
    house.kill_daemon();
    house.start();
    until("the pool is drained still", || {
        (house.api().pool("local/linux").state == PoolState::Draining).then_some(())
    });
    house.close();
}
