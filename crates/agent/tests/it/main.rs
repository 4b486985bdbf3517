//! The agent as a process of its own, against a scripted daemon on a Unix socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod bench;
mod connection;
mod ending;
mod jobs;
mod leaving;
mod output;

/// Not a test: what the other tests start as the agent's process.
#[test]
#[ignore = "started by the other tests as the agent's process"]
fn agent_process() {
    bench::agent_main();
}
