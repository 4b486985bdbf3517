//! The rows, one file each.

mod container;
mod idle;
mod latency;
mod machines;
mod memory;
mod plan;
mod provisioners;
mod redis;
mod restart;
mod sim;
mod stream;
mod submit;

use std::fmt;
use std::future::Future;

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};

use crate::table::Line;

pub(crate) use latency::stamp;
pub(crate) use memory::hold;

/// A row's name and what measures it.
pub(crate) type Row = (&'static str, fn() -> Result<Vec<Line>>);

/// All rows, in the order of the budgets.
pub(crate) const ALL: &[Row] = &[
    ("latency", latency::measure),
    ("plan", plan::measure),
    ("machines", machines::measure),
    ("sim", sim::measure),
    ("submit", submit::measure),
    ("memory", memory::measure),
    ("idle", idle::measure),
    ("restart", restart::measure),
    ("provisioners", provisioners::measure),
    ("redis", redis::measure),
    ("redis-source", stream::measure),
    ("container-cold", container::measure_cold),
    ("container-ready", container::measure_ready),
    ("container-many", container::measure_many),
];

/// Somebody wants the whole run to end.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("told to end")
    }
}

impl std::error::Error for Interrupted {}

/// Runs what asks a daemon, on one thread: the rest of the machine is the daemon's. Told to
/// end, it ends with an error, so that what was started is ended too.
fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            result = future => result,
            _ = terminate.recv() => Err(Interrupted.into()),
            _ = interrupt.recv() => Err(Interrupted.into()),
        }
    })
}
