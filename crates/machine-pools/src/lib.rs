//! Machine pools: budgets of CPU and memory that several daemons of one host share, kept
//! in one small file per pool.
//!
//! Promise: what all living daemons hold together stays under the cap, also when they are
//! killed between any two steps; what a dead one held comes back when its lease is over;
//! what cannot be told is never read as room. While this daemon holds nothing, nothing
//! here wakes.
//!
//! Leaves to others: who asks when, and what a refusal means (`planner`); deadlines
//! (`controller`). Why it is done so: `docs/decisions/0009-machine-pools-are-files.md`.
//!
//! ```text
//! MachineLedger ──orders──> keeper ──locks──> file ──rows──> book (rules, no IO)
//!  (any task)               (one task, knows what is ours)
//! ```

mod book;
mod file;
mod host;
mod keeper;
mod ledger;
mod lock;
mod own;
mod place;

pub use host::{Host, HostError};
pub use ledger::{MachineLedger, Options};
pub use lock::LONGEST_WAIT;
pub use place::{DIRECTORY, Places};

/// A daemon's rows are dropped by the others when it has not renewed them for so long.
pub const DEFAULT_LEASE: std::time::Duration = std::time::Duration::from_secs(30);
/// No daemon may ask for a longer lease: after so long nothing unseen can still be held.
pub const LONGEST_LEASE: std::time::Duration = std::time::Duration::from_secs(60);
/// No daemon may ask for a shorter one: it must outlive a slow disk.
pub const SHORTEST_LEASE: std::time::Duration = std::time::Duration::from_secs(1);
