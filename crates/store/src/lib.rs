//! The embedded ledger: one SQLite file that holds jobs, agents, attempts, decisions and
//! output.
//!
//! Promise: whatever a call answered with `Ok` survives `kill -9` and a power cut; writes
//! that wait together share one transaction and one flush; reading never waits for
//! writing; everything kept has a retention; an idle store does nothing at all.
//! Leaves to others: what is written and when (`controller`, sources, the gateway), and
//! when to [`prune`](SqliteStore::prune).

mod fault;
mod jobs;
mod ledger;
mod logs;
mod open;
mod prune;
mod rows;
mod store;
mod thread;
mod time;

pub use logs::{LogWatch, MAX_WATCHED_JOBS};
pub use open::{FILE_NAME, LOCK_NAME, OpenError, SCHEMA, StateDir};
pub use prune::{Pruned, Retention};
pub use store::{Options, SqliteStore};
