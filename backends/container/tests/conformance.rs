//! The suite every backend passes, on real engines.

mod support;

use headcount_ports::conformance::backend::check_all;
use headcount_test_engines::{Engine, Kind, skip};
use support::Place;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn docker_keeps_the_ports_promises() {
    keeps_the_promises(Kind::Docker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn podman_keeps_the_ports_promises() {
    keeps_the_promises(Kind::Podman).await;
}

async fn keeps_the_promises(kind: Kind) {
    if skip(kind) {
        return;
    }
    let engine = Engine::start(kind);
    check_all(|| Place::new(&engine)).await;
}
