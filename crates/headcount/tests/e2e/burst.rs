//! Many jobs at once: the cap holds, every job runs once, nothing stays.

use serde_json::{Value, json};

use crate::harness::{House, Sampler, pool_of, until};

const JOBS: usize = 200;
const MAX_AGENTS: u32 = 8;

#[test]
fn two_hundred_jobs_never_show_more_than_eight_agents() {
    let house = House::up(&pool_of(MAX_AGENTS));
    let ledger = house.ledger();
    let line = json!({"script": ledger.note("ran")}).to_string();
    let batch = vec![line; JOBS].join("\n");
    let sampler = Sampler::start(house.home());

    house
        .run_with(&["submit", "--batch", "-", "--wait"], &batch)
        .good();
    until("no process remains", || {
        house.processes().is_empty().then_some(())
    });

    let seen = sampler.stop();
    let most = u32::try_from(seen.most).unwrap();
    assert!(most <= MAX_AGENTS, "{seen:?}");
    assert!(
        most > 1,
        "it was not looked often enough, or the fleet did not grow: {seen:?}"
    );
    let ran = ledger.count("ran");
    assert_eq!(ran.len(), JOBS);
    assert!(ran.values().all(|times| *times == 1), "{ran:?}");
    let jobs = house
        .run(&["jobs", "--json", "--limit", "1000"])
        .good()
        .json();
    let ended: Vec<&Value> = jobs
        .as_array()
        .unwrap()
        .iter()
        .map(|job| &job["state"])
        .collect();
    assert_eq!(ended, vec!["succeeded"; JOBS]);
    house.close();
}

#[test]
fn agents_that_are_used_again_serve_a_burst_too() {
    let config = "version: 1\nscalers:\n  - name: local\n    type: bare-metal\n    maxAgents: 2\n    \
                  labelSets:\n      - labels: [linux]\n        slots: 3\n        maxJobs: unlimited\n";
    let house = House::up(config);
    let ledger = house.ledger();
    let sampler = Sampler::start(house.home());
    let ids = house
        .api()
        .submit_all(&vec![json!({"script": ledger.note("ran")}); 60]);
    for job in house.api().ends_of(&ids) {
        assert_eq!(job.exit_code, Some(0), "{job:#?}");
    }
    let seen = sampler.stop();
    assert!((1..=2).contains(&seen.most), "{seen:?}");
    assert!(ledger.count("ran").values().all(|times| *times == 1));
    house.await_empty();
    house.close();
}
