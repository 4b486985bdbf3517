//! The rows, one file each.

mod idle;
mod latency;
mod memory;
mod plan;
mod restart;
mod submit;

use std::future::Future;

use anyhow::Result;

use crate::table::Line;

pub(crate) use latency::stamp;
pub(crate) use memory::hold;

/// A row's name and what measures it.
pub(crate) type Row = (&'static str, fn() -> Result<Vec<Line>>);

/// All rows, in the order of the budgets.
pub(crate) const ALL: &[Row] = &[
    ("latency", latency::measure),
    ("plan", plan::measure),
    ("submit", submit::measure),
    ("memory", memory::measure),
    ("idle", idle::measure),
    ("restart", restart::measure),
];

/// Runs what asks a daemon, on one thread: the rest of the machine is the daemon's.
fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build()?;
    runtime.block_on(future)
}
