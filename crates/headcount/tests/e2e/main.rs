//! End to end: the real binary, real processes, real `kill -9`.
//!
//! Each file holds one promise that a user is given; each test has a house of its own, so
//! all of them may run at once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

mod harness;

mod agents_killed;
mod burst;
mod containers;
mod containers_daemon_killed;
mod containers_refused;
mod cost;
mod daemon_killed;
mod demo;
mod disk_full;
mod docker_machines;
mod ending;
mod explain;
mod hostile_jobs;
mod idle_counts;
mod kici;
mod leases;
mod limits;
mod machine_pools;
mod machines_daemon_killed;
mod orphans;
mod provisioners;
mod queue;
mod refusals;
mod reload;
mod remote_agents;
mod scenarios;
mod strangers;
mod stream_faults;
mod stream_source;
mod streams;
mod submit;
mod workers;
