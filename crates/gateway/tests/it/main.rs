//! The gateway over real sockets: against raw clients, and with the real agent.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod authority;
mod bench;
mod bounds;
mod certificates;
mod conversation;
mod doubles;
mod greeting;
mod link;
mod tls;
mod together;

/// Not a test: what the other tests start as the agent's process.
#[test]
#[ignore = "started by the other tests as the agent's process"]
fn agent_process() {
    together::agent_main();
}
