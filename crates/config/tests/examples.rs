//! Every example file is read, and says what its remarks promise.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::time::Duration;

use headcount_config::{ConfigPaths, Loaded, Platform, load};
use headcount_model::{
    AgentKind, ContainerProgram, PullPolicy, Recipe, StreamMeasure, TriggerKind,
};

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
        "docker-machine.yaml",
        "kici-quickstart.yaml",
        "queue.yaml",
        "scaledjob-custom.yaml",
        "scaledjob.yaml",
        "scalers.yaml",
        "stream.yaml",
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
fn machines_of_a_cloud_are_made() {
    let fleet = loaded("docker-machine.yaml").fleet;
    let pool = &fleet.scalers[0].pools[0];
    let Recipe::DockerMachine(recipe) = &*pool.recipe else {
        panic!("no machine");
    };
    assert_eq!(
        (
            recipe.driver.as_str(),
            recipe.name.as_str(),
            recipe.options.len()
        ),
        ("digitalocean", "ci-%s", 3)
    );
    assert_eq!((pool.idle.keep, pool.max_growth), (2, Some(10)));
    assert_eq!(pool.max_jobs, Some(20));
    assert_eq!(pool.schedules.len(), 1);
}

#[test]
fn a_stream_is_read_for_agents() {
    let loaded = loaded("stream.yaml");
    let source = &loaded.sources[0];
    assert_eq!(
        (source.id.as_str(), source.stream.as_str()),
        ("ci", "ci:jobs")
    );
    assert_eq!(
        (source.group.as_str(), source.dead_letters.as_str()),
        ("headcount", "ci:dead")
    );
    assert_eq!(
        (source.attempts, source.min_idle),
        (3, Duration::from_secs(60))
    );
    assert_eq!(source.job.timeout, Some(Duration::from_secs(1800)));
    assert_eq!(loaded.fleet.scalers[0].pools[0].kind, AgentKind::Managed);
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

/// Those of `scaledjob*.yaml` are in `scaled_job.rs`.
#[test]
fn a_stream_calls_for_processes() {
    let fleet = loaded("queue.yaml").fleet;
    let pool = &fleet.scalers[0].pools[0];
    let rule = pool.queue.as_deref().unwrap();
    assert_eq!(
        (pool.kind, rule.min, rule.max),
        (AgentKind::Worker, 0, Some(8))
    );
    let TriggerKind::RedisStream { measure, .. } = &rule.triggers[0].kind else {
        panic!("no stream");
    };
    let backlog = StreamMeasure::Backlog {
        group: "workers".to_owned(),
        claim_after: None,
    };
    assert_eq!(measure, &backlog);
}

#[test]
fn workers_are_kept_running() {
    let fleet = loaded("worker.yaml").fleet;
    let pool = &fleet.scalers[0].pools[0];
    assert_eq!((pool.kind, pool.idle.keep), (AgentKind::Worker, 2));
}

#[test]
fn the_quick_start_of_kici_runs_as_it_is() {
    let fleet = loaded("kici-quickstart.yaml").fleet;
    let scaler = &fleet.scalers[0];
    assert_eq!(
        (scaler.name.as_str(), scaler.backend.as_str()),
        ("container-default", "container")
    );
    let Recipe::Container(recipe) = &*scaler.pools[0].recipe else {
        panic!("not a container");
    };
    assert_eq!(recipe.image, "ghcr.io/myorg/kici-agent:latest");
    assert_eq!(recipe.pull, PullPolicy::Always);
    assert_eq!(recipe.program, ContainerProgram::OwnAgent);
}
