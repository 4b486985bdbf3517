//! `headcount logs`: what a job wrote, or what it writes while it runs.

use super::Context;
use super::output::Output;
use crate::cli::LogsArgs;
use crate::client::{Follow, LogQuery};
use crate::exit::Exit;
use crate::failure::Failure;

/// Copies the log.
///
/// # Errors
/// The daemon does not answer, or does not know the job.
pub(crate) async fn run(context: &Context, args: &LogsArgs) -> Result<Exit, Failure> {
    let query = LogQuery {
        attempt: args.attempt,
        follow: args.follow,
    };
    let mut follow = Follow::new(&context.client, args.job, query, false);
    let mut output = Output::new(&context.console);
    while let Some(followed) = follow.next().await? {
        output.write(&followed)?;
    }
    Ok(Exit::Done)
}
