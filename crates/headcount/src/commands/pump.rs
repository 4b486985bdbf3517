//! `headcount pump`: keeps the output of a program bounded.

use std::io;
use std::path::Path;

use headcount_backend_process::pump;

use crate::exit::Exit;
use crate::failure::Failure;

/// Copies standard input into the files of `dir` until it ends.
///
/// # Errors
/// Standard input cannot be read.
pub(crate) fn run(dir: &Path, limit: u64) -> Result<Exit, Failure> {
    pump::run(dir, limit, io::stdin().lock())
        .map(|()| Exit::Done)
        .map_err(|error| Failure::failed(format!("cannot read standard input: {error}")))
}
