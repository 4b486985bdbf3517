//! A daemon that cannot start says why, with the words and the code that a user can act on.

use std::fs;
use std::net::TcpListener;

use crate::harness::{House, pool_of};

#[test]
fn a_second_daemon_on_the_same_state_is_refused_and_names_the_first() {
    let mut house = House::up(&pool_of(1));
    let pid = house.daemon().process().pid;
    let refused = house.refused();
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.err.contains(&pid.to_string()),
        "pid {pid} is not named: {refused:?}"
    );
    assert!(
        refused.err.contains(house.state().to_str().unwrap()),
        "{refused:?}"
    );
    house.run(&["submit", "--wait", "--", "true"]).good();
    house.close();
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let house = House::new(&pool_of(1)).with(&["--listen", &address]);
    let refused = house.refused();
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.err.contains(&format!("cannot listen on {address}")),
        "{refused:?}"
    );
    house.close_unused();
}

#[test]
fn a_state_directory_that_cannot_be_used_is_named() {
    let house = House::new(&pool_of(1));
    fs::write(house.state(), "a file").unwrap();
    let refused = house.refused();
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.err.contains(house.state().to_str().unwrap()),
        "{refused:?}"
    );
    house.close_unused();
}

#[test]
fn an_address_that_others_reach_needs_a_token() {
    let house = House::new(&pool_of(1)).with(&["--listen", "0.0.0.0:0"]);
    let refused = house.refused();
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused
            .err
            .contains("cannot listen on 0.0.0.0:0 without a token"),
        "{refused:?}"
    );
    house.close_unused();
}

#[test]
fn a_wrong_configuration_is_refused_with_every_problem_at_its_place() {
    let config = "version: 1\nscalers:\n  - name: local\n    type: bare-metal\n    maxAgnets: 4\n    \
                  labelSets:\n      - labels: ['a,b']\n  - name: local\n    type: bare-metal\n    \
                  maxAgents: 1\n    resourceCap: { maxMemory: 4gb }\n    labelSets:\n      \
                  - labels: [linux]\n";
    let house = House::new(config);
    let refused = house.refused();
    assert_eq!(refused.code, 2, "{refused:?}");
    let check = house.run_offline(&["check", "-c", house.config().to_str().unwrap()]);
    assert_eq!(check.code, 2, "{check:?}");
    for said in [&refused.err, &check.err] {
        for part in [
            "scalers.yaml:5:5",
            "maxAgnets",
            "maxAgents",
            "a,b",
            "4gb",
            "scalers.yaml:8:",
        ] {
            assert!(said.contains(part), "`{part}` is not in\n{said}");
        }
    }
    house.close_unused();
}

#[test]
fn a_missing_or_malformed_configuration_is_refused() {
    let house = House::new("scalers: [\n");
    let refused = house.refused();
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("scalers.yaml"), "{refused:?}");
    fs::remove_file(house.config()).unwrap();
    let refused = house.refused();
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains(house.config().to_str().unwrap()),
        "{refused:?}"
    );
    house.close_unused();
}

#[test]
fn a_corrupt_state_file_is_named_and_kept() {
    let mut house = House::up(&pool_of(1));
    house.stop_daemon();
    let files = fs::read_dir(house.state()).unwrap().map(Result::unwrap);
    let ledger = files
        .map(|file| file.path())
        .find(|path| fs::read(path).is_ok_and(|text| text.starts_with(b"SQLite format 3")))
        .unwrap();
    let garbage = vec![7; 100_000];
    fs::write(&ledger, &garbage).unwrap();
    let refused = house.refused();
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.err.contains(ledger.to_str().unwrap()),
        "{refused:?}"
    );
    assert!(
        fs::read(&ledger).unwrap() == garbage,
        "the evidence was changed"
    );
    house.close_unused();
}

#[test]
fn without_a_daemon_commands_say_how_to_start_one() {
    let house = House::new(&pool_of(1));
    let refused = house.run_offline(&["jobs", "--url", "http://127.0.0.1:9"]);
    assert_eq!(refused.code, 4, "{refused:?}");
    assert_eq!(
        refused.err,
        "error: cannot reach a daemon at http://127.0.0.1:9: connection refused\n\
         hint: start one with `headcount up -c scalers.yaml`, or name another with --url or \
         HEADCOUNT_URL\n"
    );
    house.close_unused();
}
