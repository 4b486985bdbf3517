//! `headcount cancel`: ends jobs, whether they wait or run.

use headcount_api::{CancelledJob, JobState};
use headcount_model::JobId;

use super::Context;
use crate::cli::CancelArgs;
use crate::client::ClientError;
use crate::exit::Exit;
use crate::failure::Failure;

/// Cancels them one after the other. One that fails does not keep the others.
///
/// # Errors
/// The first that failed.
pub(crate) async fn run(context: &Context, args: &CancelArgs) -> Result<Exit, Failure> {
    let console = &context.console;
    let mut told = Vec::new();
    let mut failures = Vec::new();
    for job in &args.jobs {
        match cancel(context, *job).await {
            Ok(cancelled) if console.json => told.push(cancelled),
            Ok(cancelled) => console.print(&format!("{}\n", sentence(&cancelled)))?,
            Err(error) => failures.push(Failure::from(error)),
        }
    }
    if console.json {
        console.print_json(&told)?;
    }
    let mut failures = failures.into_iter();
    let Some(first) = failures.next() else {
        return Ok(Exit::Done);
    };
    for further in failures {
        console.complain(&further);
    }
    Err(first)
}

/// Asks for one job to be cancelled.
///
/// # Errors
/// The daemon does not answer, or does not know it.
pub(super) async fn cancel(context: &Context, job: JobId) -> Result<CancelledJob, ClientError> {
    let path = ["jobs", &job.to_string(), "cancel"];
    context.client.post(&path, &serde_json::Map::new()).await
}

fn sentence(job: &CancelledJob) -> String {
    let id = &job.id;
    match job.state {
        JobState::Cancelled | JobState::Queued => format!("{id} cancelled"),
        JobState::Assigned | JobState::Running => format!("{id} is being ended"),
        ended => format!("{id} had ended: {}", ended.word()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_it_is_said() {
        let sentence = |state| {
            let id = "job-4".to_owned();
            sentence(&CancelledJob { id, state })
        };
        assert_eq!(sentence(JobState::Cancelled), "job-4 cancelled");
        assert_eq!(sentence(JobState::Running), "job-4 is being ended");
        assert_eq!(sentence(JobState::Succeeded), "job-4 had ended: succeeded");
    }
}
