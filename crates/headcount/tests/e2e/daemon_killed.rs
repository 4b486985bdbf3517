//! `kill -9` of the daemon: nothing is lost, nothing runs twice, nothing is left behind.

use std::fs;

use headcount_api::JobState;
use serde_json::json;

use crate::harness::{House, Random, content, pool_of, until};

const JOBS: usize = 120;
const KILLS: usize = 4;

#[test]
fn every_job_of_a_burst_runs_once_although_the_daemon_dies_at_random_moments() {
    let mut random = Random::new("daemon_killed");
    let mut house = House::up(&pool_of(8));
    let ledger = house.ledger();
    let job = format!(
        "{}; sleep 0.1; {}",
        ledger.note("start"),
        ledger.note("end")
    );
    let ids = house.api().submit_all(&vec![json!({"script": job}); JOBS]);
    for _ in 0..KILLS {
        // A moment between any two things that the daemon tells.
        let moment = random.between(1, 60);
        let told = house
            .api()
            .events()
            .take(usize::try_from(moment).unwrap())
            .count();
        eprintln!("killed after {told} events");
        house.kill_daemon();
        house.start();
    }
    for job in house.api().ends_of(&ids) {
        assert_eq!(job.state, JobState::Succeeded, "{job:#?}");
        assert_eq!(job.attempts, 1, "{job:#?}");
    }
    for word in ["start", "end"] {
        let counts = ledger.count(word);
        assert_eq!(counts.len(), JOBS, "{word}");
        assert!(
            counts.values().all(|times| *times == 1),
            "{word}: {counts:?}"
        );
    }
    house.await_empty();
    house.close();
}

#[test]
fn a_running_job_goes_on_without_a_daemon_and_is_found_again() {
    let mut house = House::up(&pool_of(2));
    let (pid, gate) = (house.path("pid"), house.path("gate"));
    let job = format!(
        "echo before; echo $$ > {}; while [ ! -e {} ]; do sleep 0.05; done; echo after; exit 9",
        pid.display(),
        gate.display()
    );
    let id = house.api().submit(&json!({"script": job}));
    let first = content(&pid);
    let agent = house.api().agents()[0].id.clone();
    house.kill_daemon();
    house.start();
    let api = house.api();
    until("the agent is found again and has come back", || {
        let agents = api.agents();
        agents
            .iter()
            .any(|found| found.id == agent && found.connected == Some(true))
            .then_some(())
    });
    assert_eq!(api.job(&id).state, JobState::Running);
    fs::write(&gate, "").unwrap();
    let ended = api.end_of(&id);
    assert_eq!(
        (ended.state, ended.exit_code, ended.attempts),
        (JobState::Failed, Some(9), 1)
    );
    assert_eq!(api.log(&id), "before\nafter\n");
    assert_eq!(content(&pid), first, "it was started again");
    house.await_empty();
    house.close();
}

#[test]
fn a_result_from_while_the_daemon_was_away_is_not_lost() {
    let mut house = House::up(&pool_of(2));
    let (pid, gate, done) = (house.path("pid"), house.path("gate"), house.path("done"));
    let job = format!(
        "echo $$ > {}; while [ ! -e {} ]; do sleep 0.05; done; seq 1 5000; echo done > {}",
        pid.display(),
        gate.display(),
        done.display()
    );
    let id = house.api().submit(&json!({"script": job}));
    content(&pid);
    house.kill_daemon();
    fs::write(&gate, "").unwrap();
    content(&done);
    house.start();
    let ended = house.api().end_of(&id);
    assert_eq!(
        (ended.state, ended.attempts),
        (JobState::Succeeded, 1),
        "{ended:#?}"
    );
    let numbers: String = (1..=5000).map(|number| format!("{number}\n")).collect();
    assert!(house.api().log(&id) == numbers, "lines are lost or doubled");
    house.await_empty();
    house.close();
}

#[test]
fn a_client_that_waits_survives_the_daemon() {
    let mut house = House::up(&pool_of(2));
    let gate = house.path("gate");
    let job = format!(
        "echo one; while [ ! -e {} ]; do sleep 0.05; done; echo two; exit 4",
        gate.display()
    );
    let client = house.begin(&["submit", "--follow", "--", "sh", "-c", &job]);
    until("the job runs", || {
        let jobs: Vec<headcount_api::Job> =
            serde_json::from_str(&house.api().get("/jobs?state=running").text).unwrap();
        (!jobs.is_empty()).then_some(())
    });
    // The next daemon must be found where the client looks for it.
    let address = house.url().strip_prefix("http://").unwrap().to_owned();
    house.kill_daemon();
    house = house.with(&["--listen", &address]);
    house.start();
    fs::write(&gate, "").unwrap();
    let ended = client.end();
    assert_eq!(
        (ended.code, ended.text().as_str()),
        (4, "one\ntwo\n"),
        "{ended:?}"
    );
    house.close();
}
