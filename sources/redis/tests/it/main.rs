//! Signals against real servers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail loudly"
)]

mod arrivals;
mod backlog;
mod common;
mod connections;
mod entries;
mod load;
mod members;
mod model;
mod modes;
mod older;
mod outage;
mod push;
mod refusals;
mod reload;
mod source;
