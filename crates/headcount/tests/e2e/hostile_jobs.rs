//! Jobs that would rather stay, hide or fill the disk.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use headcount_api::JobState;
use serde_json::json;

use crate::harness::{House, Process, content, pool_of, script, until};

/// More than daemon or agent ever need, in KiB.
const MEMORY_KIB: u64 = 128 * 1024;

fn written_by(file: &Path) -> Process {
    let pid = content(file).trim().parse().unwrap();
    Process::find(pid).unwrap_or_else(|| panic!("{pid} has ended already"))
}

#[test]
fn what_escapes_with_setsid_is_gone_after_the_job() {
    let house = House::up(&pool_of(1));
    let (pid, gate) = (house.path("pid"), house.path("gate"));
    // Own session, own directory, no environment, an orphan: nothing of it says whose it is.
    let escape = format!(
        "env -i /usr/bin/setsid /bin/sh -c 'cd /; (echo $$ > {}; exec sleep 1000) &'\n\
         while [ ! -e {} ]; do sleep 0.05; done",
        pid.display(),
        gate.display()
    );
    let escape = escape.replace("$$", "$(/bin/sh -c \"echo \\$PPID\")");
    let id = house.api().submit(&script(&escape));
    let escaped = written_by(&pid);
    std::fs::write(&gate, "").unwrap();
    assert_eq!(house.api().end_of(&id).state, JobState::Succeeded);
    until("what escaped is gone", || (!escaped.lives()).then_some(()));
    house.await_empty();
    house.close();
}

#[test]
fn a_job_that_ignores_term_is_killed_after_its_grace() {
    let house = House::up(&pool_of(1));
    let pid = house.path("pid");
    let deaf = format!(
        "trap '' TERM; echo $$ > {}; while :; do sleep 1; done",
        pid.display()
    );
    let id = house
        .api()
        .submit(&json!({"script": deaf, "grace": "200ms"}));
    let job = written_by(&pid);
    house.run(&["cancel", &id]).good();
    assert_eq!(house.api().end_of(&id).state, JobState::Cancelled);
    until("it is gone", || (!job.lives()).then_some(()));
    house.close();
}

#[test]
fn a_background_process_that_holds_the_pipe_does_not_hold_the_result() {
    let house = House::up(&pool_of(1));
    let ended = house.run(&[
        "submit",
        "--follow",
        "--",
        "sh",
        "-c",
        "setsid sleep 1000 & echo done",
    ]);
    assert_eq!(ended.good().text(), "done\n");
    house.await_empty();
    house.close();
}

#[test]
fn a_gigabyte_of_output_is_cut_and_nobody_grows() {
    let mut house = House::up(&pool_of(1));
    let api = house.api();
    let daemon = house.daemon().process();
    let id = api.submit(&json!({
        "command": ["head", "-c", "1G", "/dev/zero"], "logLimit": "1m"
    }));
    let over = Arc::new(AtomicBool::new(false));
    let agent = until("its agent is there", || {
        house.processes().into_iter().find(Process::is_agent)
    });
    let watch = {
        let (over, agent) = (Arc::clone(&over), agent);
        std::thread::spawn(move || {
            let mut most = 0;
            while !over.load(Ordering::Relaxed) {
                let now = [&daemon, &agent].map(|process| process.resident_kib().unwrap_or(0));
                most = most.max(now[0]).max(now[1]);
                std::thread::yield_now();
            }
            most
        })
    };
    let ended = api.end_of(&id);
    over.store(true, Ordering::Relaxed);
    let most = watch.join().unwrap();
    assert_eq!(ended.state, JobState::Succeeded, "{ended:#?}");
    assert!((1..MEMORY_KIB).contains(&most), "{most} KiB");
    let log = house.run(&["logs", &id]).good();
    assert_eq!(log.out, vec![0; 1024 * 1024]);
    assert!(
        log.err.contains("limit"),
        "nothing says that it was cut: {}",
        log.err
    );
    house.close();
}

#[test]
fn output_that_nobody_reads_does_not_block_a_job() {
    let house = House::up(&pool_of(1));
    let ended = house.run(&[
        "submit",
        "--follow",
        "--",
        "sh",
        "-c",
        "yes | head -n 200000 | tail -n 1",
    ]);
    assert_eq!(ended.good().text(), "y\n");
    let many = house.run(&[
        "submit",
        "--follow",
        "--",
        "sh",
        "-c",
        "yes | head -n 500000",
    ]);
    assert!(
        many.good().out == b"y\n".repeat(500_000),
        "lines are lost or doubled"
    );
    house.close();
}
