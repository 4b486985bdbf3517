//! Two daemons of one host share a machine pool: together they stay under its cap, a dead
//! one's room comes back, and nothing is left of it in the end.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::harness::{House, until};

/// Up to four agents of one CPU each, in a pool of so many CPUs for both daemons.
fn sharing(cpus: u32) -> String {
    format!(
        "version: 1\n\
         machinePools: [{{name: host, cap: {{maxCpu: {cpus}}}}}]\n\
         scalers:\n\
         \x20 - name: local\n\
         \x20   type: bare-metal\n\
         \x20   maxAgents: 4\n\
         \x20   machinePool: host\n\
         \x20   labelSets:\n\
         \x20     - labels: [linux]\n\
         \x20       resources: {{requests: {{cpus: 1}}}}\n"
    )
}

/// Two houses whose daemons share one directory, in the first of them.
fn two(cpus: u32, lease: &str) -> (House, House) {
    let first = House::new(&sharing(cpus));
    let dir = first.path("pools");
    let with = ["--machine-ledger-dir", dir.to_str().unwrap()];
    let with = [&with[..], &["--machine-ledger-lease", lease]].concat();
    let second = House::new(&sharing(cpus)).with(&with);
    (first.with(&with), second)
}

/// The most that were inside at once, by lines `+` and `-` in order.
fn most_at_once(path: &Path) -> i32 {
    let (mut inside, mut most) = (0, 0);
    for line in fs::read_to_string(path).unwrap().lines() {
        inside += if line == "+" { 1 } else { -1 };
        most = most.max(inside);
    }
    assert_eq!(inside, 0);
    most
}

fn booked(house: &House) -> usize {
    let text = fs::read_to_string(house.path("pools/host.json")).unwrap();
    text.matches("\"agent\"").count()
}

#[test]
fn together_they_stay_under_the_cap_and_leave_nothing() {
    let (mut a, mut b) = two(2, "30s");
    a.start();
    b.start();
    let seen = a.path("inside");
    let path = seen.display();
    let job = json!({"script": format!("echo + >> {path}; sleep 0.1; echo - >> {path}")});
    let of_a = a.api().submit_all(&vec![job.clone(); 8]);
    let of_b = b.api().submit_all(&vec![job; 8]);
    let ends = a.api().ends_of(&of_a).into_iter();
    for job in ends.chain(b.api().ends_of(&of_b)) {
        assert_eq!(job.exit_code, Some(0), "{job:#?}");
    }
    let most = most_at_once(&seen);
    assert!((1..=2).contains(&most), "{most} jobs ran at once");
    until("all room is given back", || (booked(&a) == 0).then_some(()));
    b.close();
    a.close();
}

#[test]
fn a_dead_daemons_room_comes_back_and_its_successor_books_again_what_lives() {
    let (mut a, mut b) = two(2, "3s");
    a.start();
    b.start();
    let hang = json!({"script": "sleep 600"});
    let stuck = a.api().submit_all(&vec![hang; 2]);
    stuck.iter().for_each(|id| drop(a.api().running(id)));
    let waits = b.api().submit(&json!({"script": "true"}));
    b.api().when("it waits for the machine pool", || {
        let text = b.run(&["explain", &waits]).good().text();
        let full = "machine pool `host` has no room: of its CPU 2 of 2 are taken, 2 of that by \
                    other daemons, and the agent asks for 1";
        text.contains(full).then_some(())
    });
    a.kill_daemon();
    assert_eq!(b.api().end_of(&waits).exit_code, Some(0), "after the lease");

    a.start();
    until("what lives is booked again", || {
        (booked(&a) == 2).then_some(())
    });
    let waits = b.api().submit(&json!({"script": "true"}));
    b.api().when("it waits again", || {
        let pool = b.api().pool("local/linux");
        (pool.limited_by.as_deref() == Some("machine_pool_cpu_cap")).then_some(())
    });
    for id in &stuck {
        a.run(&["cancel", id]).good();
    }
    assert_eq!(b.api().end_of(&waits).exit_code, Some(0));
    b.close();
    a.close();
}

#[test]
fn a_job_larger_than_the_pool_is_refused_and_a_reload_raises_the_cap() {
    let (mut a, b) = two(2, "30s");
    a.start();
    let large = ["submit", "--cpus", "3", "--wait", "--", "true"];
    let refused = a.run(&large);
    assert_ne!(refused.code, 0);
    assert!(
        refused.err.contains(
            "the job would reserve 3 CPUs, but the machine pool's `cap.maxCpu` allows 2 CPUs"
        ),
        "{}",
        refused.err
    );
    a.write_config(&sharing(3));
    let planned = a.config();
    let plan = a.run(&["plan", "-c", planned.to_str().unwrap()]).good();
    assert!(
        plan.text().contains("machinePools.host.cap.maxCpu: 2 -> 3"),
        "{}",
        plan.text()
    );
    a.run(&["reload"]).good();
    a.run(&large).good();
    a.close();
    b.close_unused();
}

#[test]
fn a_ledger_that_cannot_be_kept_stops_the_start_with_a_sentence() {
    let house = House::new(&sharing(2));
    let blocked = house.path("file");
    fs::write(&blocked, "").unwrap();
    let dir = blocked.join("pools");
    let house = house.with(&["--machine-ledger-dir", dir.to_str().unwrap()]);
    let refused = house.refused();
    assert_eq!(refused.code, 2, "{}", refused.err);
    let sentence = "the ledger of machine pools cannot be kept in";
    assert!(refused.err.contains(sentence), "{}", refused.err);
    house.close_unused();
}
