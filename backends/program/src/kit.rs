//! The conformance kit: does a program keep the contract `headcount/v1`?
//!
//! Promise: it runs the program as the backend does, with the same code, through its verbs
//! and through what goes wrong in real life; it says of each case whether the promise is
//! kept, and if not why and what to do; it ends in bounded time whatever the program does;
//! what it made it takes away. Leaves to others: printing (`headcount provisioner test`).

mod cases;
mod report;
mod stage;
mod witness;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub use report::{Case, Report, Verdict};
use stage::Stage;

/// What is tested, and with what.
#[derive(Clone, Debug)]
pub struct KitOptions {
    /// The program's absolute path.
    pub program: PathBuf,
    /// A file or folder of its own, handed to each call.
    pub config: Option<String>,
    /// Variables that reach it: names, or prefixes that end in `_`.
    pub environment: Vec<String>,
    /// For each machine: JSON text, an object.
    pub options: String,
    /// For each call.
    pub deadline: Duration,
    /// How long a machine may take to show in a list, or to be gone.
    pub patience: Duration,
    /// How many machines a call is asked for where several are asked for at once, 2 to
    /// [`CreateBatch::MAX`](headcount_model::CreateBatch::MAX); `None` tries no such calls.
    pub batch: Option<u8>,
    /// Cases whose name contains one of these are run alone, without those they build upon;
    /// empty is all.
    pub only: Vec<String>,
    /// The variables there are.
    pub host_env: BTreeMap<String, String>,
}

/// Runs every case. Takes at most some hundred calls; after three that are late the rest is
/// skipped. Linux only, as the backend is.
pub async fn run_kit(options: KitOptions) -> Report {
    let program = options.program.display().to_string();
    let stage = Stage::new(options);
    let cases = cases::run_all(&stage).await;
    Report { program, cases }
}
