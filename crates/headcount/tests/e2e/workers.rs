//! Workers: programs that feed themselves, kept at their number.

use std::collections::BTreeSet;
use std::fs;

use crate::harness::{House, Process, until};

const WORKERS: usize = 2;

/// Two programs that note each start and stay.
fn config(house: &str) -> String {
    format!(
        "version: 1\n\
         scalers:\n\
         \x20 - name: consumers\n\
         \x20   type: bare-metal\n\
         \x20   maxAgents: 4\n\
         \x20   policy: {{ kind: idle, idleCount: {WORKERS} }}\n\
         \x20   retry: {{ firstDelay: 100ms, maxDelay: 1s }}\n\
         \x20   labelSets:\n\
         \x20     - labels: [consumer]\n\
         \x20       command: [/bin/sh, -c, \"echo $$ >> {house}/started; exec sleep 1000\"]\n"
    )
}

fn house() -> House {
    let mut house = House::new("");
    house.write_config(&config(house.home().to_str().unwrap()));
    house.start();
    house
}

/// The workers that run now: those whose pids were written down and live.
fn workers(house: &House) -> BTreeSet<Process> {
    let text = fs::read_to_string(house.path("started")).unwrap_or_default();
    let pids = text.lines().map(|line| line.parse().unwrap());
    let found = pids.filter_map(Process::find);
    found
        .filter(|process| process.args == ["sleep", "1000"])
        .collect()
}

fn started(house: &House) -> usize {
    fs::read_to_string(house.path("started"))
        .unwrap_or_default()
        .lines()
        .count()
}

#[test]
fn workers_are_kept_at_their_number_and_started_again() {
    let house = house();
    let first = until("the workers run", || {
        Some(workers(&house)).filter(|found| found.len() == WORKERS)
    });
    first.first().unwrap().end();
    let second = until("another takes the place of the one that ended", || {
        Some(workers(&house)).filter(|found| found.len() == WORKERS)
    });
    assert_eq!(first.intersection(&second).count(), WORKERS - 1);
    assert_eq!(started(&house), WORKERS + 1);
    house.close();
}

#[test]
fn workers_outlive_the_daemon_and_are_found_again() {
    let mut house = house();
    let first = until("the workers run", || {
        Some(workers(&house)).filter(|found| found.len() == WORKERS)
    });
    house.kill_daemon();
    // While no daemon runs, one ends: the next daemon sees that it has to start one.
    first.first().unwrap().end();
    house.start();
    let second = until("they are complete again", || {
        Some(workers(&house)).filter(|found| found.len() == WORKERS)
    });
    assert!(
        second.contains(first.last().unwrap()),
        "a worker was started again for no reason"
    );
    assert_eq!(started(&house), WORKERS + 1);
    house.api().when("the agents are known as they are", || {
        (house.api().pool("consumers/consumer").agents.total == 2).then_some(())
    });
    house.close();
}

#[test]
fn a_worker_is_given_no_token_and_no_way_to_the_daemon() {
    let house = house();
    let found = until("a worker runs", || workers(&house).into_iter().next());
    for name in ["HEADCOUNT_AGENT_TOKEN_FILE", "HEADCOUNT_AGENT_URL"] {
        assert_eq!(found.variable(name), None, "{name}");
    }
    house.close();
}
