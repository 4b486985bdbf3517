//! Real Redis servers for tests.
//!
//! Promise: [`Server::start`] brings up a Redis server on loopback with a port and a folder
//! of its own; tests kill, stop and restart it; when it is dropped, or the test process dies
//! in whatever way, the server is gone. [`Cluster`] and [`Sentinels`] are several of them, and
//! [`Older`] is one as it was before version 6.2.
//! Where there is no Redis on this machine [`skip`] says so, aloud.
//!
//! Leaves to others: what is tested.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "only tests use it, and skipping must be seen"
)]

mod certificates;
mod cluster;
mod older;
mod program;
mod sentinel;
mod server;

pub use certificates::Certificates;
pub use cluster::Cluster;
pub use older::Older;
pub use program::skip;
pub use redis::Value;
pub use sentinel::{MASTER, Sentinels};
pub use server::{Client, Server, wait_until};
