//! Orphans: instances with our mark that the ledger does not know, because it was restored
//! from a backup.

use std::fs;

use headcount_api::AgentState;

use crate::harness::{House, pool_of, until};

/// The files of the ledger.
const FILES: [&str; 3] = ["headcount.db", "headcount.db-wal", "headcount.db-shm"];

#[test]
fn an_orphan_is_shown_and_removed_at_once_when_asked() {
    let mut house = House::up(&pool_of(2));
    house.stop_daemon();
    let backup = house.path("backup");
    fs::create_dir(&backup).unwrap();
    for file in FILES {
        if house.state().join(file).exists() {
            fs::copy(house.state().join(file), backup.join(file)).unwrap();
        }
    }
    // A worker does not ask the next daemon whether it is known.
    let warm = "    warmPool: {enabled: true, size: 1}\n    labelSets";
    let worker = "        command: [/bin/sleep, '600']\n";
    house.write_config(&(pool_of(2).replace("    labelSets", warm) + worker));
    house.start();
    let agent = house.api().when("a worker runs", || {
        let agents = house.api().agents();
        let ready = agents.into_iter().find(|it| it.state == AgentState::Idle);
        ready.map(|it| it.id)
    });
    house.kill_daemon();
    for file in FILES {
        drop(fs::remove_file(house.state().join(file)));
        if backup.join(file).exists() {
            fs::copy(backup.join(file), house.state().join(file)).unwrap();
        }
    }
    house.write_config(&pool_of(2));
    house.start();

    let shown = house.run(&["orphans", "--json"]).good().json();
    assert_eq!(shown["orphans"][0]["agent"], agent.as_str(), "{shown:#}");
    assert_eq!(shown["orphans"][0]["state"], "waiting", "{shown:#}");
    assert_eq!(shown["backends"][0]["fresh"], true, "{shown:#}");
    let told = house.run(&["orphans", "--reap"]).good();
    assert_eq!(told.text(), format!("{agent} is being removed\n"));
    until("the orphan is gone", || {
        let left = house.run(&["orphans"]).good().text();
        (left == "no orphans\n").then_some(())
    });
    house.await_empty();
    house.close();
}

#[test]
fn without_a_daemon_nobody_can_say() {
    let mut house = House::up(&pool_of(1));
    house.stop_daemon();
    let told = house.run(&["orphans"]);
    assert_ne!(told.code, 0, "{told:?}");
    assert_eq!(told.text(), "", "never \"no orphans\"");
    house.close_unused();
}
