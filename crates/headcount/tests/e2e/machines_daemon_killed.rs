//! `kill -9` of the daemon every few seconds while machines of a provisioner come and go: no
//! job is lost, no machine is doubled or forgotten, no cap is passed.
//!
//! Time is scaled: machines are idle for seconds instead of minutes, so a minute here is a
//! working day there. A minute is a test; `cargo xtask soak --machines 60` is an hour.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::park_timeout;
use std::time::{Duration, Instant};

use headcount_api::{Job, JobState};
use serde_json::{Value, json};

use crate::harness::{Counts, House, Ledger, Most, Process, Random, until};

/// Says for how many minutes.
const MINUTES: &str = "HEADCOUNT_E2E_MINUTES";
/// When nobody says.
const USUAL_MINUTES: u64 = 1;
/// A daemon lives so many milliseconds before it is killed.
const LIVES: (u64, u64) = (500, 5000);
/// Jobs are handed in so many times in one life.
const PORTIONS: (u64, u64) = (1, 4);
/// And so many at a time.
const JOBS: (u64, u64) = (1, 4);
/// No jobs are handed in while so many wait.
const MOST_WAITING: usize = 20;
/// A daemon that is killed while it starts is killed within so many milliseconds.
const STARTUP: u64 = 800;
/// Between two looks at the provisioner's folders.
const GLANCE: Duration = Duration::from_millis(20);

/// Each scaler with its cap, and the cap of both.
const CAPS: [(&str, usize); 2] = [("narrow", 2), ("wide", 3)];
const GLOBAL_CAP: usize = 4;

#[test]
fn machines_survive_a_daemon_that_is_killed_every_few_seconds() {
    let mut random = Random::new("machines_daemon_killed");
    let mut house = house();
    let machines = house.path("machines");
    let look = || Some(there_are(&machines));
    let (ids, most) = Most::during(GLANCE, look, || {
        let until = Instant::now() + Duration::from_secs(60 * minutes());
        let mut ids = Vec::new();
        while Instant::now() < until {
            ids.extend(a_life(&mut house, &mut random));
            assert_nobody_is_doubled(&house);
        }
        house.api().ends_of(&ids);
        ids
    });
    assert_each_ended_once(&house, &ids);
    most.assert_within(CAPS.into_iter().chain([("", GLOBAL_CAP)]));
    drain(&house);
    until("no machine is left", || {
        folders(&machines).is_empty().then_some(())
    });
    assert_eq!(on_machines(&house), [], "a machine's process is left");
    house.close();
}

fn minutes() -> u64 {
    let named = std::env::var(MINUTES).ok();
    named.map_or(USUAL_MINUTES, |text| text.parse().unwrap())
}

/// Two scalers of one provisioner under one cap: one keeps a machine ready, one makes them
/// for jobs; both use them again.
fn house() -> House {
    let mut house = House::new("");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/provisioners");
    let program = examples.join("forty-lines.sh").canonicalize().unwrap();
    let mut config = format!("version: 1\nglobalMaxAgents: {GLOBAL_CAP}\nscalers:\n");
    for (name, cap) in CAPS {
        let keep = u8::from(name == "wide");
        config += &format!(
            "  - name: {name}\n    type: program\n    maxAgents: {cap}\n    program: {}\n    \
             config: {}\n    policy: {{kind: idle, idleCount: {keep}, idleTime: 1s, \
             maxGrowthRate: 2}}\n    labelSets:\n      - labels: [{name}]\n        maxJobs: 3\n        \
             agentBinary: {}\n",
            program.display(),
            house.path("machines").display(),
            env!("CARGO_BIN_EXE_headcount"),
        );
    }
    house.write_config(&config);
    house.start();
    house
}

/// What runs on machines. The daemon goes on asking the provisioner, and what it starts for
/// that looks like the house's own too.
fn on_machines(house: &House) -> Vec<Process> {
    let mut all = house.processes();
    all.retain(|process| process.variable("HEADCOUNT_MACHINE_DIR").is_some());
    all
}

/// Hands jobs in during a daemon's life, and ends it; at times the next one dies while it
/// starts. Gives the ids of the jobs.
fn a_life(house: &mut House, random: &mut Random) -> Vec<String> {
    let api = house.api();
    let portions = random.between(PORTIONS.0, PORTIONS.1);
    let life = random.between(LIVES.0, LIVES.1);
    let mut ids = Vec::new();
    for _ in 0..portions {
        // An hour of jobs that nobody comes to would take hours to end.
        if api.waiting() < MOST_WAITING {
            ids.extend(api.submit_all(&jobs(random, &house.ledger())));
        }
        // The schedule of the kills itself, and nothing that is waited for: a daemon lives
        // this long whatever it has come to.
        park_timeout(Duration::from_millis(life / portions));
    }
    house.kill_daemon();
    if random.between(0, 2) == 0 {
        house.start_and_kill(Duration::from_millis(random.between(1, STARTUP)));
    }
    house.start();
    ids
}

/// Jobs that say when they begin and end, of any length up to a second.
fn jobs(random: &mut Random, ledger: &Ledger) -> Vec<Value> {
    let n = random.between(JOBS.0, JOBS.1);
    let mut job = || {
        let (scaler, _) = random.choose(&CAPS).unwrap();
        let length = random.between(0, 9);
        let (start, end) = (ledger.note("start"), ledger.note("end"));
        json!({"script": format!("{start}; sleep 0.{length}; {end}"), "runsOn": [scaler]})
    };
    (0..n).map(|_| job()).collect()
}

/// Folders of machines, as the provisioner keeps them.
fn folders(machines: &Path) -> BTreeSet<PathBuf> {
    let inside = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    let owners = inside(machines).map(|owner| owner.path());
    let folders = owners.flat_map(|owner| inside(&owner).collect::<Vec<_>>());
    let folders = folders.map(|entry| entry.path());
    folders.filter(|path| path.is_dir()).collect()
}

/// Machines that there were at one moment, by scaler, and together as "". One walk takes a
/// while in which one may go and another come, so only who is there still at its end counts;
/// no two machines ever have one folder.
fn there_are(machines: &Path) -> Counts {
    let scaler_of = |folder: &PathBuf| {
        let text = fs::read_to_string(folder.join("machine.json")).ok()?;
        let machine: Value = serde_json::from_str(&text).ok()?;
        Some(machine["scaler"].as_str()?.to_owned())
    };
    let seen: Vec<(PathBuf, Option<String>)> = folders(machines)
        .into_iter()
        .map(|folder| (folder.clone(), scaler_of(&folder)))
        .collect();
    let mut now = Counts::new();
    for (_, scaler) in seen.into_iter().filter(|(folder, _)| folder.exists()) {
        *now.entry(String::new()).or_default() += 1;
        if let Some(scaler) = scaler {
            *now.entry(scaler).or_default() += 1;
        }
    }
    now
}

/// No two processes are the same agent.
fn assert_nobody_is_doubled(house: &House) {
    let agents = house.processes();
    let agents = agents.iter().filter(|process| process.is_agent());
    let mut named: BTreeMap<String, Vec<&Process>> = BTreeMap::new();
    for process in agents {
        let id = process.variable("HEADCOUNT_AGENT_ID").unwrap_or_default();
        named.entry(id).or_default().push(process);
    }
    named.retain(|id, processes| !id.is_empty() && processes.len() > 1);
    // Whoever is about to become a job looks like its agent for a moment.
    named.retain(|_, processes| processes.iter().filter(|process| process.lives()).count() > 1);
    assert!(named.is_empty(), "{named:#?}");
}

fn assert_each_ended_once(house: &House, ids: &[String]) {
    let (api, ledger) = (house.api(), house.ledger());
    let (starts, ends) = (ledger.count("start"), ledger.count("end"));
    eprintln!("{} jobs", ids.len());
    for id in ids {
        let job: Job = api.job(id);
        assert_eq!(job.state, JobState::Succeeded, "{job:#?}");
        let times = |of: &BTreeMap<String, usize>| of.get(id).copied().unwrap_or_default();
        let visible = usize::try_from(job.attempts).unwrap();
        assert!(
            (1..=visible).contains(&times(&starts)) && (1..=visible).contains(&times(&ends)),
            "{} starts, {} ends: {job:#?}",
            times(&starts),
            times(&ends)
        );
    }
    let all: BTreeSet<&String> = ids.iter().collect();
    let known: BTreeSet<&String> = starts.keys().collect();
    assert_eq!(known, all, "no others ran");
}

fn drain(house: &House) {
    for (scaler, _) in CAPS {
        let answer = house
            .api()
            .post(&format!("/pools/{scaler}/drain"), &json!({}));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}
