//! The suite every backend passes, with real processes.

mod support;

use headcount_ports::conformance::backend::check_all;
use support::Place;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_backend_keeps_the_ports_promises() {
    check_all(Place::new).await;
}
