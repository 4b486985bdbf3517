//! The API as a client sees it, over a whole daemon in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod house;

mod access;
mod cost;
mod events;
mod explain;
mod fleet;
mod health;
mod jobs;
mod limits;
mod logs;
mod metrics;
mod openapi;
mod orphans;
mod plan;
mod signals;
mod submit;
