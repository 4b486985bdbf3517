//! The double's own tests: what a real API server does, seen over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod client;
mod deletion;
mod jobs;
mod objects;
mod trouble;
mod watches;
