//! Real processes that share a pool, race for it, and are killed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use headcount_machine_pools::{Host, MachineLedger, Options, Places};
use headcount_model::OwnerId;
use headcount_ports::MachinePools;

use crate::common::{TestHost, booking, pool};

const DIR: &str = "HEADCOUNT_TEST_POOL_DIR";
const OWNER: &str = "HEADCOUNT_TEST_POOL_OWNER";
const ROUNDS: u32 = 25;

fn ledger(dir: &Path, owner: &str) -> MachineLedger {
    let host = Host::current().unwrap();
    let options = Options::new(OwnerId::new(owner), host, Places::only(dir));
    MachineLedger::open(options)
}

fn say(word: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{word}").unwrap();
    out.flush().unwrap();
}

/// Not a test of its own: a daemon that asks for room again and again, gives back all
/// but the last, and then lives until it is killed.
#[tokio::test]
#[ignore = "started by the tests below"]
async fn asks_for_room() {
    let (Ok(dir), Ok(owner)) = (std::env::var(DIR), std::env::var(OWNER)) else {
        return;
    };
    let ledger = ledger(Path::new(&dir), &owner);
    ledger.configure(vec![pool(4)]).await.unwrap();
    for n in 0..ROUNDS {
        let given = ledger.reserve(booking(n, 1)).await;
        say(if given.is_ok() { "in" } else { "no" });
        if given.is_ok() && n + 1 < ROUNDS {
            // Told before it is done, so that whoever counts never counts too few.
            say("out");
            ledger
                .release(&pool(4).name, booking(n, 1).agent)
                .await
                .unwrap();
        }
    }
    say("done");
    std::future::pending::<()>().await;
}

fn start(dir: &Path, owner: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "processes::asks_for_room",
            "--nocapture",
        ])
        .env(DIR, dir)
        .env(OWNER, format!("p{owner}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads what a child says until it is done; returns whether it holds room in the end.
fn listen(child: &mut Child) -> bool {
    let mut holds = false;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        match line.unwrap().as_str() {
            "in" => holds = true,
            "out" | "no" => holds = false,
            "done" => break,
            _ => {}
        }
    }
    holds
}

fn most_held_at_once(dir: &Path, stop: &std::sync::atomic::AtomicBool) -> usize {
    let mut most = 0;
    while !stop.load(std::sync::atomic::Ordering::SeqCst) {
        if let Ok(text) = std::fs::read_to_string(dir.join("host.json")) {
            assert!(text.ends_with("}\n"), "half a file: {text:?}");
            most = most.max(text.matches("\"agent\"").count());
        }
    }
    most
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_ten_processes_never_hold_more_than_the_cap_and_killed_ones_leave_a_whole_file() {
    let host = TestHost::new();
    let mut children: Vec<Child> = (0..10).map(|n| start(host.path(), n)).collect();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (holders, most) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| most_held_at_once(host.path(), &stop));
        let listeners: Vec<_> = children
            .iter_mut()
            .map(|child| scope.spawn(|| listen(child)))
            .collect();
        let holders: Vec<bool> = listeners.into_iter().map(|l| l.join().unwrap()).collect();
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        (holders, watch.join().unwrap())
    });
    let holding = holders.iter().filter(|holds| **holds).count();
    assert!((1..=4).contains(&holding), "{holding}");
    assert!((1..=4).contains(&most), "{most}");
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // The dead still hold their room, until their leases are over; the rest is free.
    let own = ledger(host.path(), "me");
    own.configure(vec![pool(4)]).await.unwrap();
    let free = 4 - u64::try_from(holding).unwrap();
    assert!(own.reserve(booking(1, free + 1)).await.is_err());
    assert_eq!(own.reserve(booking(1, free)).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_at_any_moment_leaves_a_file_that_can_be_used() {
    let host = TestHost::new();
    for n in 0..12 {
        let mut child = start(host.path(), n % 3);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Killed after its first words, in the middle of the next order.
        for _ in 0..=n {
            lines
                .find(|line| matches!(line.as_deref(), Ok("in" | "no" | "done")))
                .unwrap()
                .unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let text = host.text();
        assert!(text.ends_with("}\n"), "half a file: {text:?}");
        let own = ledger(host.path(), "me");
        own.configure(vec![pool(4)]).await.unwrap();
        own.reserve(booking(1, 1)).await.unwrap();
        own.adopt(Vec::new()).await.unwrap();
    }
}
