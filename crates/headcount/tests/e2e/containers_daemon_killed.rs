//! `kill -9` of the daemon while containers come and go on a real engine: every job runs
//! once, caps hold at every moment, and nothing stays: no container, no network, no rule.
//!
//! A handful of kills on each engine is a test; `cargo xtask soak --kills 100` asks for more.

use std::collections::BTreeMap;
use std::fs;
use std::thread::park_timeout;
use std::time::Duration;

use headcount_api::JobState;
use headcount_test_engines::{Engine, IMAGE};
use serde_json::{Value, json};

use crate::harness::{Counts, House, Ledger, Most, Random, on_each_engine};

/// Says how often the daemon is killed on each engine.
const KILLS: &str = "HEADCOUNT_E2E_KILLS";
/// When nobody says.
const USUAL_KILLS: u32 = 5;
/// Handed in before each kill.
const JOBS: usize = 4;
/// A burst tells more than so many events before it is over.
const EVENTS: u64 = 20;
/// Between two events, in milliseconds.
const PAUSE: u64 = 20;
/// In milliseconds: on a busy machine a daemon is up a little earlier, or not yet.
const STARTUP: u64 = 800;
/// Between two looks at the engine, which others have to do with too.
const GLANCE: Duration = Duration::from_millis(40);

/// Each scaler with its cap, and the cap of both.
const CAPS: [(&str, usize); 2] = [("narrow", 2), ("wide", 3)];
const GLOBAL_CAP: usize = 4;

#[test]
fn bursts_survive_a_daemon_that_is_killed_at_random_moments() {
    on_each_engine(|engine| {
        let mut random = Random::new("containers_daemon_killed");
        let mut house = house_on(&engine);
        let look = || there_are(&engine);
        let (ids, most) = Most::during(GLANCE, look, || {
            let bursts = (0..kills()).flat_map(|n| killed_burst(n, &mut house, &mut random));
            let ids: Vec<String> = bursts.collect();
            house.api().ends_of(&ids);
            ids
        });
        assert_each_ran_once(&house, &ids);
        most.assert_within(CAPS.into_iter().chain([("", GLOBAL_CAP)]));
        house.close();
        assert_nothing_is_left(&engine);
    });
}

fn kills() -> u32 {
    let named = std::env::var(KILLS).ok();
    named.map_or(USUAL_KILLS, |text| text.parse().unwrap())
}

/// Two scalers under one cap, whose containers share a folder and may reach little.
fn house_on(engine: &Engine) -> House {
    let house = House::new("");
    fs::create_dir_all(house.path("out")).unwrap();
    let mut config = format!("version: 1\nglobalMaxAgents: {GLOBAL_CAP}\nscalers:\n");
    for (name, cap) in CAPS {
        config += &format!(
            "  - name: {name}\n    type: container\n    maxAgents: {cap}\n    labelSets:\n      \
             - labels: [{name}]\n        image: {IMAGE}\n        imagePullPolicy: Never\n        \
             volumes: [\"{}:/out\"]\n",
            house.path("out").display()
        );
    }
    house.write_config(&config);
    let mut house = house.on_a_machine_with(engine);
    house.start();
    house
}

/// Hands jobs in, kills the daemon at some moment, at times another one while it starts, and
/// gives the ids of the jobs.
fn killed_burst(number: u32, house: &mut House, random: &mut Random) -> Vec<String> {
    let api = house.api();
    let events = api.events();
    let ids = api.submit_all(&jobs(random));
    let moment = usize::try_from(random.between(1, EVENTS)).unwrap();
    let told = events.take(moment).count();
    let pause = Duration::from_millis(random.between(0, PAUSE));
    // The moment itself is what is chosen; nothing is waited for.
    park_timeout(pause);
    house.kill_daemon();
    eprintln!("kill {number}: after {told} events and {pause:?}");
    if random.between(0, 2) == 0 {
        let moment = Duration::from_millis(random.between(1, STARTUP));
        house.start_and_kill(moment);
        eprintln!("kill {number}: again {moment:?} after its start");
    }
    house.start();
    ids
}

/// Jobs that say when they begin and end, of any length up to a third of a second.
fn jobs(random: &mut Random) -> Vec<Value> {
    let ledger = Ledger("/out/ledger".into());
    let mut job = || {
        let (scaler, _) = random.choose(&CAPS).unwrap();
        let length = random.between(0, 3);
        let (start, end) = (ledger.note("start"), ledger.note("end"));
        json!({"script": format!("{start}; sleep 0.{length}; {end}"), "runsOn": [scaler]})
    };
    (0..JOBS).map(|_| job()).collect()
}

/// The engine's containers by scaler, and together.
fn there_are(engine: &Engine) -> Option<Counts> {
    let mut now = engine.containers_by("headcount.scaler")?;
    now.insert(String::new(), now.values().sum());
    Some(now)
}

fn assert_each_ran_once(house: &House, ids: &[String]) {
    for job in house.api().ends_of(ids) {
        let ended = (job.state, job.exit_code, job.attempts);
        assert_eq!(ended, (JobState::Succeeded, Some(0), 1), "{job:#?}");
    }
    let ledger = Ledger(house.path("out/ledger"));
    let once: BTreeMap<String, usize> = ids.iter().map(|id| (id.clone(), 1)).collect();
    for word in ["start", "end"] {
        assert_eq!(ledger.count(word), once, "{word}");
    }
}

fn assert_nothing_is_left(engine: &Engine) {
    assert_eq!(engine.containers(), Vec::<String>::new());
    assert_eq!(engine.networks(), Vec::<String>::new());
    let rules = engine.says(&["nft", "list", "ruleset"]);
    assert!(!rules.contains("headcount"), "{rules}");
}
