//! The example that makes containers, on a real Docker and a real Podman.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use headcount_backend_program::{KitOptions, run_kit};
use headcount_test_engines::{Engine, IMAGE, Kind, skip};
use serde_json::json;
use support::Place;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn containers_of_docker_pass_the_kit() {
    pass(Kind::Docker, "docker").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn containers_of_podman_pass_the_kit() {
    pass(Kind::Podman, "podman").await;
}

async fn pass(kind: Kind, command: &str) {
    if skip(kind) {
        return;
    }
    let engine = Engine::start(kind);
    let place = Place::example("containers.py");
    let config = place.path("config.json");
    let host = format!("unix://{}", engine.socket().display());
    std::fs::write(
        &config,
        json!({"engine": command, "host": host}).to_string(),
    )
    .unwrap();
    let report = run_kit(KitOptions {
        program: place.program.clone(),
        config: Some(config.display().to_string()),
        environment: Vec::new(),
        options: json!({"image": IMAGE}).to_string(),
        deadline: Duration::from_secs(60),
        patience: Duration::from_secs(60),
        only: Vec::new(),
        host_env: std::env::vars().collect(),
    })
    .await;
    let lines: Vec<String> = report
        .cases
        .iter()
        .map(|case| format!("{case:?}\n"))
        .collect();
    assert!(report.passed(), "{}", lines.concat());
    assert_eq!(engine.containers(), Vec::<String>::new());
}
