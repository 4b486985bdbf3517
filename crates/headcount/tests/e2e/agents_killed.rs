//! `kill -9` of agents: their jobs end or are tried again, and nothing they started stays.

use std::fs;

use headcount_api::{AgentState, JobState};
use serde_json::{Value, json};

use crate::harness::{House, Process, Random, pool_of, until};

const JOBS: usize = 60;
const KILLS: usize = 8;

#[test]
fn jobs_of_killed_agents_are_tried_again_if_they_ask_for_it() {
    let mut random = Random::new("agents_killed");
    let house = House::up(&pool_of(4));
    let ledger = house.ledger();
    // Each leaves a child behind that would outlive it by far.
    let text = format!(
        "{}; sleep 1000 & sleep 0.2; {}",
        ledger.note("start"),
        ledger.note("end")
    );
    let job = |number: usize| {
        let retries = if number.is_multiple_of(2) { KILLS } else { 0 };
        json!({"script": text, "retries": retries})
    };
    let jobs: Vec<Value> = (0..JOBS).map(job).collect();
    let api = house.api();
    let ids = api.submit_all(&jobs);
    for _ in 0..KILLS {
        let moment = usize::try_from(random.between(1, 20)).unwrap();
        api.events().take(moment).for_each(drop);
        let processes = house.processes();
        let agents: Vec<_> = processes
            .iter()
            .filter(|process| process.is_agent())
            .collect();
        if let Some(agent) = random.choose(&agents) {
            agent.kill();
        }
    }
    let mut lost = 0;
    for (number, ended) in api.ends_of(&ids).into_iter().enumerate() {
        let reason = ended.reason.as_deref();
        match ended.state {
            // One that had done its work when its agent died is done again: nobody knew.
            JobState::Succeeded => assert!(ledger.count("end").contains_key(&ended.id)),
            _ => {
                assert_eq!(reason, Some("agent_lost"), "{ended:#?}");
                assert!(
                    !number.is_multiple_of(2),
                    "it was to be tried again: {ended:#?}"
                );
                lost += 1;
            }
        }
        let starts = ledger
            .count("start")
            .get(&ended.id)
            .copied()
            .unwrap_or_default();
        let attempts = usize::try_from(ended.attempts).unwrap();
        assert!(
            starts <= attempts,
            "{starts} starts, {attempts} attempts: {ended:#?}"
        );
    }
    assert!(lost <= KILLS, "{lost} jobs were lost by {KILLS} agents");
    house.await_empty();
    house.close();
}

#[test]
fn a_job_whose_agent_was_killed_fails_and_leaves_nothing() {
    let house = House::up(&pool_of(2));
    let pids = house.path("pids");
    let text = format!(
        "setsid sh -c 'echo $$ >> {pids}; exec sleep 1000' & echo $$ >> {pids}; wait",
        pids = pids.display()
    );
    let api = house.api();
    let id = api.submit(&json!({"script": text}));
    let written = until("the job and its escaped child run", || {
        let written = fs::read_to_string(&pids).ok()?;
        (written.lines().count() == 2).then_some(written)
    });
    let agent = api.job(&id).latest.unwrap().agent;
    house.agent_process(&agent).unwrap().kill();
    let ended = api.end_of(&id);
    assert_eq!(
        (ended.state, ended.reason.as_deref()),
        (JobState::Failed, Some("agent_lost"))
    );
    let ended = house.run(&["submit", "--wait", "--", "true"]);
    assert_eq!(ended.code, 0, "the pool serves on: {ended:?}");
    house.await_empty();
    for pid in written.lines() {
        let left = Process::find(pid.parse().unwrap());
        assert_eq!(left, None, "it is left behind");
    }
    house.close();
}

#[test]
fn an_agent_that_is_asked_to_end_finishes_its_job_first() {
    let house = House::up(&pool_of(1));
    let api = house.api();
    let gate = house.path("gate");
    let wait = format!("while [ ! -e {} ]; do sleep 0.05; done", gate.display());
    let id = api.submit(&json!({"script": wait}));
    let agent = api.running(&id).latest.unwrap().agent;
    house.agent_process(&agent).unwrap().terminate();
    until("it is known to leave", || {
        let agents = api.agents();
        let left = agents.iter().find(|known| known.id == agent)?;
        (left.state == AgentState::Draining).then_some(())
    });
    fs::write(&gate, "").unwrap();
    let ended = api.end_of(&id);
    assert_eq!(
        (ended.state, ended.attempts),
        (JobState::Succeeded, 1),
        "{ended:#?}"
    );
    house.await_empty();
    house.close();
}

#[test]
fn a_lost_agent_ends_a_waiting_client_with_its_code() {
    let house = House::up(&pool_of(1));
    let client = house.begin(&["submit", "--wait", "--", "sleep", "1000"]);
    let busy = until("the job runs", || {
        let agents = house.api().agents();
        agents
            .into_iter()
            .find(|agent| agent.state == AgentState::Busy)
    });
    let id = busy.jobs[0].clone();
    house.api().running(&id);
    house.agent_process(&busy.id).unwrap().kill();
    let ended = client.end();
    assert_eq!(ended.code, 126, "{ended:?}");
    house.close();
}
