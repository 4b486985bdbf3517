//! What every ledger, job book, log book and time book must do.
//!
//! Promise: [`check_all`] passes for a store if and only if the core can rely on it; each
//! broken promise panics with its sentence. Leaves to others: crashes, full disks,
//! retention and speed, which depend on what the store is made of.
#![allow(clippy::expect_used, reason = "a conformance suite is a test")]

mod factory;
mod jobs;
mod ledger;
mod logs;
mod samples;
mod time;

pub use factory::{StoreFactory, check_all};
