//! The suite every backend passes, with the stand-in and a real engine.
#![allow(clippy::expect_used, reason = "only a test")]

mod support;

use headcount_ports::conformance::backend::check_all;
use headcount_test_engines::{Engine, Kind, skip};
use support::{Place, prepare};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_keep_the_ports_promises() {
    if skip(Kind::Docker) {
        return;
    }
    let engine = Engine::start(Kind::Docker);
    prepare(&engine);
    check_all(|| Place::new(&engine)).await;
}
