//! A store in memory, with the same meaning as the real one and nothing durable.
//!
//! Promise: it passes the suite of [`conformance::store`](super::store), so that a test or
//! a simulation that runs on it says something about the real store. A clone is another
//! handle on the same content: what outlives a simulated crash.
//! Leaves to others: faults (whoever simulates wraps it) and retention (nothing is ever
//! removed here).

mod jobs;
mod logs;
mod state;
mod time;

pub use state::MemoryStore;
