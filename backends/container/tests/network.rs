//! Isolated containers on real engines, whose rules are put into the kernel for real:
//! what they reach, and that nothing stays of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail loudly"
)]

mod support;

use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use headcount_backend_container::{ContainerBackend, Nft};
use headcount_model::{BackendEvent, ContainerNetwork, Exit, NetworkPolicy, Recipe};
use headcount_ports::conformance::backend::Events;
use headcount_ports::{Backend, CreateRequest, DestroyRequest};
use headcount_test_engines::{Engine, Kind, skip};
use support::{Place, agent};

const PORT: &str = "7000";
/// Says for each address whether something answers there.
const PROBE: &str = "for a in 10.99.0.1 10.99.0.2; do \
                     if [ \"$(nc -w 2 $a 7000 2>&1 </dev/null)\" = hello ]; then echo reached $a; \
                     else echo blocked $a; fi; done; exit 5";

/// A service of the engine's host, on two addresses; ends when dropped.
struct Service(Child);

impl Service {
    fn start(engine: &Engine) -> Self {
        for words in [
            &["ip", "link", "add", "svc0", "type", "bridge"][..],
            &["ip", "addr", "add", "10.99.0.1/24", "dev", "svc0"],
            &["ip", "addr", "add", "10.99.0.2/24", "dev", "svc0"],
            &["ip", "link", "set", "svc0", "up"],
        ] {
            let _ = engine.says(words);
        }
        let words = [
            "busybox",
            "nc",
            "-ll",
            "-p",
            PORT,
            "-e",
            "/bin/echo",
            "hello",
        ];
        let mut command = engine.inside(&words);
        let service = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Self(service.unwrap())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn isolated(mut request: CreateRequest, policy: NetworkPolicy) -> CreateRequest {
    let Recipe::Container(recipe) = &*request.recipe else {
        panic!("not a container");
    };
    let mut recipe = recipe.clone();
    recipe.network = ContainerNetwork::Isolated(policy);
    request.recipe = Arc::new(Recipe::Container(recipe));
    request
}

fn destroy(number: u32) -> DestroyRequest {
    DestroyRequest {
        agent: agent(number),
        grace: Duration::from_secs(1),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn docker_containers_reach_what_their_policy_allows() {
    reach_what_is_allowed(Kind::Docker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn podman_containers_reach_what_their_policy_allows() {
    reach_what_is_allowed(Kind::Podman).await;
}

async fn reach_what_is_allowed(kind: Kind) {
    if skip(kind) {
        return;
    }
    let engine = Engine::start(kind);
    let place = Place::new(&engine);
    let _service = Service::start(&engine);
    let (backend, events) = place.open();
    let allowed = NetworkPolicy {
        allow: vec!["10.99.0.2/32".parse().unwrap()],
        deny_all: false,
    };
    let cases = [
        (
            1,
            NetworkPolicy::default(),
            ["blocked 10.99.0.1", "blocked 10.99.0.2"],
        ),
        (2, allowed, ["blocked 10.99.0.1", "reached 10.99.0.2"]),
    ];
    for (number, policy, expected) in cases {
        let request = isolated(place.worker(agent(number), PROBE), policy);
        backend.create(request).await.unwrap();
        let gone = BackendEvent::Gone(agent(number), Exit::Code(5));
        events.wait_for(gone).await;
        let told = events.all();
        let when = |event| told.iter().position(|one| *one == event).unwrap();
        let fenced = when(BackendEvent::Fenced(agent(number)));
        let running = when(BackendEvent::Running(agent(number)));
        assert!(fenced < running, "{kind:?}: {told:?}");
        assert_eq!(
            backend.last_output(agent(number), 9).await,
            expected,
            "{kind:?}"
        );
    }
    backend.close().await;
    assert_eq!(engine.networks(), Vec::<String>::new());
    assert_eq!(
        engine
            .says(&["nft", "list", "tables"])
            .matches("headcount")
            .count(),
        0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d4_docker_makes_nothing_whose_rules_fail() {
    make_nothing_without_rules(Kind::Docker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d4_podman_makes_nothing_whose_rules_fail() {
    make_nothing_without_rules(Kind::Podman).await;
}

/// The original applies rules after the start, so a failure leaves a container that
/// reaches everything.
async fn make_nothing_without_rules(kind: Kind) {
    if skip(kind) {
        return;
    }
    let engine = Engine::start(kind);
    let place = Place::new(&engine);
    let events = Arc::new(Events::default());
    let mut options = place.options(&place.owner("one"));
    options.nft = Nft::through(["false"]);
    let backend = ContainerBackend::new(options, events);
    let request = isolated(
        place.worker(agent(1), "sleep 600"),
        NetworkPolicy::default(),
    );
    let refused = backend.create(request).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(place.names(agent(1), false).await, Vec::<String>::new());
    assert_eq!(backend.list().await.unwrap().instances, []);
    backend.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn docker_rules_outlive_a_daemon_and_go_with_the_container() {
    rules_go_with_the_container(Kind::Docker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn podman_rules_outlive_a_daemon_and_go_with_the_container() {
    rules_go_with_the_container(Kind::Podman).await;
}

async fn rules_go_with_the_container(kind: Kind) {
    if skip(kind) {
        return;
    }
    let engine = Engine::start(kind);
    let place = Place::new(&engine);
    let (backend, events) = place.open();
    for number in [1, 2] {
        let request = isolated(
            place.worker(agent(number), "sleep 600"),
            NetworkPolicy::default(),
        );
        backend.create(request).await.unwrap();
    }
    backend.close().await;
    assert_eq!(engine.networks().len(), 1, "a network in use stays");
    drop((backend, events));

    // Nobody watches while one is removed by hand.
    let first = place.names(agent(1), false).await;
    let name = first[0].trim_start_matches('/');
    let options = bollard::query_parameters::RemoveContainerOptionsBuilder::default().force(true);
    let docker = engine.docker();
    docker
        .remove_container(name, Some(options.build()))
        .await
        .unwrap();

    let (backend, events) = place.open();
    // The same agent again: its address was taken back, or is its own still.
    let again = isolated(
        place.worker(agent(3), "sleep 600"),
        NetworkPolicy::default(),
    );
    backend.create(again).await.unwrap();
    events.wait_for(BackendEvent::Running(agent(3))).await;
    for number in [2, 3, 1] {
        backend.destroy(destroy(number)).await.unwrap();
    }
    backend.close().await;
    assert_eq!(engine.networks(), Vec::<String>::new());
    assert_eq!(
        engine
            .says(&["nft", "list", "tables"])
            .matches("headcount")
            .count(),
        0
    );
}
