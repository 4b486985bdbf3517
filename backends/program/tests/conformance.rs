//! The suite every backend passes, with programs of the examples.

mod support;

use headcount_ports::conformance::backend::check_all;
use support::Place;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_lines_of_shell_keep_the_ports_promises() {
    check_all(|| Place::example("forty-lines.sh")).await;
}
