//! Every example file is read, and says what its remarks promise.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::time::Duration;

use headcount_config::{ConfigPaths, Loaded, Platform, load, parse_texts, read_texts};
use headcount_model::AgentKind;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

fn loaded(name: &str) -> Loaded {
    let paths = ConfigPaths::file(folder().join(name));
    let platform = Platform {
        os: "linux".to_owned(),
        arch: "x86_64".to_owned(),
    };
    let loaded = load(&paths, &platform).unwrap_or_else(|p| panic!("{}", p.render(false, 100)));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    loaded
}

#[test]
fn every_example_is_tested() {
    let tested = [
        "kici-quickstart.yaml",
        "scalers.yaml",
        "warm.yaml",
        "worker.yaml",
    ];
    let mut found: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    found.sort();
    assert_eq!(found, tested);
}

#[test]
fn the_starter_runs() {
    let fleet = loaded("scalers.yaml").fleet;
    assert_eq!(fleet.max_agents, 16);
    let pools = fleet.scalers.iter().flat_map(|scaler| &scaler.pools);
    let names: Vec<&str> = pools.map(|pool| pool.name.as_str()).collect();
    assert_eq!(names, ["local/linux+shell", "heavy/heavy+linux+shell"]);
    assert_eq!(fleet.scalers[1].mandatory.join(","), "heavy");
}

#[test]
fn warm_agents_stay() {
    let fleet = loaded("warm.yaml").fleet;
    let idle = |n: usize| fleet.scalers[n].pools[0].idle;
    assert_eq!(
        (idle(0).keep, idle(0).idle_time),
        (2, Duration::from_secs(600))
    );
    assert_eq!(
        (idle(1).keep, idle(1).idle_time),
        (1, Duration::from_secs(300))
    );
    let shared = &fleet.scalers[1].pools[0];
    assert_eq!((shared.slots, shared.max_jobs), (4, None));
}

#[test]
fn workers_are_kept_running() {
    let fleet = loaded("worker.yaml").fleet;
    let pool = &fleet.scalers[0].pools[0];
    assert_eq!((pool.kind, pool.idle.keep), (AgentKind::Worker, 2));
}

#[test]
fn the_quick_start_of_kici_is_understood_and_cannot_run_yet() {
    let paths = ConfigPaths::file(folder().join("kici-quickstart.yaml"));
    let mut texts = read_texts(&paths).unwrap();
    texts.main.name = "kici-quickstart.yaml".to_owned();
    let parsed = parse_texts(texts.clone()).unwrap();
    assert_eq!(parsed.settings.scalers[0].name, "container-default");
    let refused = headcount_config::load_texts(texts, &Platform::current()).unwrap_err();
    assert_eq!(
        refused.render(false, 90),
        "\
error: scaler `container-default` has type `container`, which this version cannot run yet
 --> kici-quickstart.yaml:6:11
  |
6 |     type: container
  |           ^^^^^^^^^
  = help: write `type: bare-metal`, or leave this scaler out until that backend is built

1 error
"
    );
}
