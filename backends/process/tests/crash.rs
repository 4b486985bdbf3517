//! A daemon is killed at any instant; the next one finds and ends all it made.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use headcount_model::{BackendEvent, InstanceState};
use headcount_ports::Backend;
use support::{Place, agent, destroy, host_binary, wait_until};

const GRACE: Duration = Duration::from_secs(5);
/// Killed so often, each time a little later after an agent was begun.
const ROUNDS: u64 = 24;
const LATER: Duration = Duration::from_micros(150);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_whenever_the_daemon_is_killed() {
    for round in 0..ROUNDS {
        let place = Place::new();
        let made = kill_a_daemon(&place, 1 + round % 3, LATER * u32::try_from(round).unwrap());
        let (backend, _events) = place.open();
        let listed = backend.list().await.unwrap().instances;
        for number in 1..=made {
            let found = listed.iter().find(|i| i.agent == agent(number));
            let state = found.map(|instance| instance.state);
            assert_eq!(
                state,
                Some(InstanceState::Running),
                "round {round}: {listed:?}"
            );
        }
        // One more may have been begun.
        for number in 1..=made + 1 {
            backend
                .destroy(destroy(agent(number), GRACE))
                .await
                .unwrap();
        }
        assert_eq!(backend.list().await.unwrap().instances, [], "round {round}");
        let left = place.processes();
        assert_eq!(left, [], "round {round}");
        let agents = place.dir.path().join("agents");
        assert_eq!(
            std::fs::read_dir(agents).unwrap().count(),
            0,
            "round {round}"
        );
    }
}

#[tokio::test]
async fn adopted_agents_are_watched() {
    let place = Place::new();
    let made = kill_a_daemon(&place, 2, Duration::ZERO);
    let (backend, events) = place.open();
    let listed = backend.list().await.unwrap().instances;
    assert!(listed.len() >= usize::try_from(made).unwrap());

    let dir = place.agent_dir(agent(1));
    let record = std::fs::read_to_string(dir.join("instance")).unwrap();
    let process = record
        .lines()
        .find_map(|l| l.strip_prefix("process "))
        .unwrap();
    let pid: i32 = process.split(' ').next().unwrap().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let is_gone = |told: &[BackendEvent]| {
        told.iter()
            .any(|event| matches!(event, BackendEvent::Gone(gone, _) if *gone == agent(1)))
    };
    events.wait_until("the adopted one is gone", is_gone).await;
    assert!(!dir.exists(), "and what it left is removed");
    for instance in listed {
        backend
            .destroy(destroy(instance.agent, GRACE))
            .await
            .unwrap();
    }
    place.wait_until_empty();
}

/// Lets a daemon make so many agents, kills it a moment after it began the next, and
/// returns how many were certainly made.
fn kill_a_daemon(place: &Place, agents: u64, later: Duration) -> u32 {
    let mut daemon = Command::new(host_binary())
        .arg("daemon")
        .arg(place.dir.path())
        .arg(place.owner("one").as_str())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(daemon.stdout.take().unwrap()).lines();
    let next = format!("making {}", agents + 1);
    let mut made = 0;
    for line in lines.by_ref() {
        let line = line.unwrap();
        made += u32::from(line.starts_with("made"));
        if line == next {
            break;
        }
    }
    spin(later);
    daemon.kill().unwrap();
    made += u32::try_from(lines.filter(is_made).count()).unwrap();
    settle(daemon, place);
    made
}

fn is_made(line: &std::io::Result<String>) -> bool {
    line.as_ref().is_ok_and(|line| line.starts_with("made"))
}

fn spin(span: Duration) {
    let until = Instant::now() + span;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

/// The scripts of agents that were made start their children in their own time.
fn settle(mut daemon: Child, place: &Place) {
    daemon.wait().unwrap();
    wait_until("something runs", || !place.processes().is_empty());
}
