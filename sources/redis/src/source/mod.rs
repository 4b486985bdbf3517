//! A stream as a source: each entry becomes a job of the book, an agent runs it, and its
//! end is told to Redis.
//!
//! ```text
//!  stream --fetch--> job book --take--> planner, ledger, agent
//!     ^   (by permit)    ^                  |
//!     |                  +----complete------+
//!     +--tell-- ends that the book has (acknowledged, or a dead letter)
//! ```
//!
//! Promise: an entry is taken by permit only, and is in the book before it is handed out;
//! an end is in the book before Redis hears of it, and Redis hears of it until it has
//! answered. Whatever is killed in between is done again from what the book and the
//! group's pending entries say, and an end is never run again. What Redis cannot say is
//! unknown, never nothing. See decision 11.
//! Leaves to others: keeping jobs (the job book), who runs them (`planner`), commands and
//! their meaning ([`crate::entries`]).

mod cancel;
mod draft;
mod fetch;
mod give_back;
mod index;
mod keep;
mod look;
mod port;
mod shared;
mod stats;
mod tell;

pub use port::RedisSource;
pub use stats::SourceStats;
