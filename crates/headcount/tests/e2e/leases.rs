//! Two daemons with the same scaler on one provisioner: what the one leaves behind when it
//! is gone for good is removed by the other, and nothing else is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use headcount_api::JobState;
use serde_json::{Value, json};

use super::provisioners::example;
use crate::harness::{House, Process, script, until};

/// One machine at most, leased for ten seconds; those of others go a second later.
fn config(machines: &Path) -> String {
    format!(
        "version: 1\n\
         scalers:\n\
         \x20 - name: farm\n\
         \x20   type: program\n\
         \x20   maxAgents: 1\n\
         \x20   program: {}\n\
         \x20   config: {}\n\
         \x20   leaseTime: 10s\n\
         \x20   reapOthersAfter: 1s\n\
         \x20   labelSets:\n\
         \x20     - labels: [linux]\n\
         \x20       agentBinary: {}\n",
        example("leases.sh").display(),
        machines.display(),
        env!("CARGO_BIN_EXE_headcount"),
    )
}

/// The folder of the machine on which this house's one job runs.
fn machine(house: &House, machines: &Path) -> PathBuf {
    let agent = house.api().agents().remove(0).id;
    let owners = fs::read_dir(machines).unwrap().flatten();
    let boxes = owners.flat_map(|owner| fs::read_dir(owner.path()).into_iter().flatten());
    let mut boxes = boxes.flatten().map(|entry| entry.path());
    let ends = format!("-{agent}");
    let own = |path: &PathBuf| {
        let log = fs::read_to_string(path.join("start")).unwrap_or_default();
        let ours = log.contains(&house.state().display().to_string());
        ours && path.display().to_string().ends_with(&ends)
    };
    boxes.find(own).expect("its machine")
}

/// The moment its owner has renewed it to.
fn lease(folder: &Path) -> jiff::Timestamp {
    let file = folder.parent().unwrap().join("lease");
    fs::read_to_string(file).unwrap().trim().parse().unwrap()
}

/// A running machine in the provisioner's folder that no daemon of this test has made.
fn plant(machines: &Path, marks: &Value) -> (PathBuf, Child) {
    let folder = machines
        .join(marks["owner"].as_str().unwrap())
        .join(marks["name"].as_str().unwrap());
    fs::create_dir_all(&folder).unwrap();
    let mut sleep = Command::new("sleep");
    let child = sleep.arg("600").env("HEADCOUNT_MACHINE_DIR", &folder);
    let child = child.spawn().unwrap();
    fs::write(folder.join("pid"), child.id().to_string()).unwrap();
    fs::write(folder.join("machine.json"), marks.to_string()).unwrap();
    (folder, child)
}

/// What is shown of machines of others.
fn others(house: &House) -> Vec<Value> {
    let shown = house.run(&["orphans", "--json"]).good().json();
    assert_eq!(shown["backends"][0]["fresh"], true, "{shown:#}");
    shown["orphans"].as_array().unwrap().clone()
}

#[test]
fn what_a_daemon_leaves_behind_for_good_is_removed_by_another() {
    let mut dead = House::new("");
    let mut alive = House::new("");
    let machines = alive.path("machines");
    for house in [&mut dead, &mut alive] {
        house.write_config(&config(&machines));
        house.start();
    }
    let (a, b) = (dead.api(), alive.api());
    let left = a.submit(&script("sleep 600"));
    let kept = b.submit(&script("sleep 600"));
    a.running(&left);
    b.running(&kept);
    let (of_dead, of_alive) = (machine(&dead, &machines), machine(&alive, &machines));
    // One has no marks; the other has all but a lease, and its week is long over.
    let (web, mut web_runs) = plant(
        &machines,
        &json!({"name": "web", "owner": "somebody", "pool": "", "agent": ""}),
    );
    let (unleased, mut unleased_runs) = plant(
        &machines,
        &json!({"name": "headcount-0123456789ab-a-1-1", "owner": "0123456789abcdef",
            "pool": "farm/linux", "agent": "a-1-1", "scaler": "farm",
            "leaseUntil": "2020-01-01T00:00:00Z", "generation": 1}),
    );

    let first = lease(&of_dead);
    until("more than a whole lease and the grace have passed", || {
        (lease(&of_dead).duration_since(first).as_secs() >= 12).then_some(())
    });
    let shown = others(&alive);
    assert_eq!(shown.len(), 1, "{shown:#?}");
    assert_eq!(shown[0]["state"], "leased", "{shown:#?}");
    assert_eq!(shown[0]["pool"], "farm/linux", "{shown:#?}");
    let counted = |part| b.metric("headcount_other_daemon_instances", part);
    assert!(counted("\"leased\"") == 1.0 && counted("") == 1.0);
    let refused = alive.run(&["orphans", "--reap"]).good();
    assert_eq!(refused.text(), "no orphans\n", "its lease is not over");
    assert_eq!(a.job(&left).state, JobState::Running);

    dead.kill_daemon();
    until("its machine is gone", || (!of_dead.exists()).then_some(()));
    until("and no longer known", || {
        others(&alive).is_empty().then_some(())
    });
    for folder in [&of_alive, &web, &unleased] {
        assert!(folder.join("machine.json").exists(), "{}", folder.display());
    }
    for child in [&mut web_runs, &mut unleased_runs] {
        assert_eq!(child.try_wait().unwrap(), None, "it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(b.job(&kept).state, JobState::Running);
    alive.run(&["cancel", &kept]).good();
    b.end_of(&kept);
    // Machines of this example are processes of one host, where a job outlives its agent.
    until("no job is left", || {
        let left = alive.processes().into_iter().chain(dead.processes());
        let jobs: Vec<Process> = left.filter(|it| it.args == ["sleep", "600"]).collect();
        jobs.iter().for_each(Process::kill);
        jobs.is_empty().then_some(())
    });
    dead.await_empty();
    dead.close_unused();
    alive.close();
}
