//! The example that makes containers, on a real Docker and a real Podman.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use futures_util::future::join_all;
use headcount_backend_program::{KitOptions, run_kit};
use headcount_model::InstanceState;
use headcount_ports::{Backend, DestroyRequest};
use headcount_test_engines::{Engine, IMAGE, Kind, skip};
use serde_json::json;
use support::{Place, agent};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn containers_of_docker_pass_the_kit() {
    pass(Kind::Docker, "docker", Some(3)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn containers_of_podman_pass_the_kit() {
    pass(Kind::Podman, "podman", None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn containers_that_are_wanted_at_once_are_made_by_one_call() {
    if skip(Kind::Docker) {
        return;
    }
    let engine = Engine::start(Kind::Docker);
    let mut place = Place::example("containers.py");
    let host = format!("unix://{}", engine.socket().display());
    let config = json!({"engine": "docker", "host": host}).to_string();
    std::fs::write(place.path("machines"), config).unwrap();
    let folder = place.path("").display().to_string();
    let volume = format!("{folder}:{folder}:ro");
    place.options = json!({"image": IMAGE, "volumes": [volume]}).to_string();
    place.batch = 3;
    // None goes before there are three.
    let (backend, _) = place.open_with(|options| options.pace.gather = Duration::from_secs(600));
    let creating = [1, 2, 3].map(|number| backend.create(place.request(number)));
    assert_eq!(join_all(creating).await, vec![Ok(()); 3]);
    let listing = backend.list().await.unwrap();
    let seen = listing.instances.into_iter().map(|it| (it.agent, it.state));
    let running = [1, 2, 3].map(|number| (agent(number), InstanceState::Running));
    assert_eq!(seen.collect::<Vec<_>>(), running);
    let ending = [1, 2, 3].map(|number| {
        let grace = Duration::from_secs(1);
        backend.destroy(DestroyRequest {
            agent: agent(number),
            grace,
        })
    });
    assert_eq!(join_all(ending).await, vec![Ok(()); 3]);
    assert_eq!(engine.containers(), Vec::<String>::new());
}

/// Batches are the program's own and the same on either engine: one of them tries them.
async fn pass(kind: Kind, command: &str, batch: Option<u8>) {
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
        batch,
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
