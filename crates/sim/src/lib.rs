//! Deterministic simulation: the real planner and the real controller core among fakes
//! that fail, under a virtual clock, judged by what really happened.
//!
//! Promise: a seed is a whole story and means the same for ever: no wall clock, no
//! thread, no ambient randomness. Every promise of the design is a check that runs at
//! every step, and each check is shown to fail when its promise is broken on purpose.
//! Leaves to others: the real edges (agents' sockets, processes, the file of the
//! ledger), which end-to-end tests try.
//!
//! [`run_seed`] runs one story twice and compares; a [`Failure`] prints the command that
//! repeats it. [`bulk`] drives a large steady load for benchmarks, [`queue`] tells stories
//! of workers that feed themselves, [`machines`] of machines that are kept ready.

pub mod bulk;
mod clock;
mod fake;
pub mod machines;
mod options;
mod promises;
pub mod queue;
mod random;
mod reference;
mod reference_labels;
mod run;
mod sabotage;
mod scenario;
mod stage;
mod trace;

pub use options::{Failure, Options, Outcome, Promise, Story};
pub use run::{run_seed, run_seed_quickly, run_seeds};
