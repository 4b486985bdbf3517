//! Waiting until jobs have ended, across restarts of the daemon.

use std::time::{Duration, Instant};

use headcount_api::{Job, JobState, SubmittedJob};
use headcount_model::JobId;

use super::interrupt;
use crate::client::{ClientError, Follow, LogQuery, Patience};
use crate::commands::Context;
use crate::commands::output::Output;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show::amount::count;
use crate::show::ending;

/// How long one question may wait for its answer; the first is short, so that it is soon
/// told why a job waits.
const FIRST_LOOK: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_secs(30);
/// So many jobs that did not succeed are told one by one.
const MAX_TOLD: usize = 20;

/// Waits for one job and ends as it did.
///
/// # Errors
/// The daemon is gone for too long, or somebody left.
pub(super) async fn for_one(
    context: &Context,
    accepted: &[SubmittedJob],
    follow: bool,
) -> Result<Exit, Failure> {
    let jobs = ids(accepted)?;
    let [job] = jobs.as_slice() else {
        return Err(Failure::failed(
            "the daemon accepted something else than one job",
        ));
    };
    let ending = async {
        if follow {
            copy_log(context, *job).await?;
        }
        ended(context, *job, !context.console.json).await
    };
    let job = interrupt::or_leave(context, &jobs, ending).await?;
    let console = &context.console;
    match console.json {
        true => console.print_json(&job)?,
        false => console.note(&format!("headcount: {}", ending::sentence(&job))),
    }
    Ok(Exit::Job(ending::exit_code(&job)))
}

/// Waits for all jobs; ends well only if all did.
///
/// # Errors
/// The daemon is gone for too long, or somebody left.
pub(super) async fn for_all(context: &Context, accepted: &[SubmittedJob]) -> Result<Exit, Failure> {
    let ids = ids(accepted)?;
    let ending = async {
        let mut jobs = Vec::with_capacity(ids.len());
        for job in &ids {
            jobs.push(ended(context, *job, false).await?);
        }
        Ok(jobs)
    };
    let jobs = interrupt::or_leave(context, &ids, ending).await?;
    let console = &context.console;
    match console.json {
        true => console.print_json(&jobs)?,
        false => console.write_note(&summary(&jobs)),
    }
    let good = jobs.iter().all(|job| job.state == JobState::Succeeded);
    Ok(if good { Exit::Done } else { Exit::Failed })
}

fn ids(accepted: &[SubmittedJob]) -> Result<Vec<JobId>, Failure> {
    let parse = |job: &SubmittedJob| {
        job.id.parse().map_err(|error| {
            Failure::failed(format!("the daemon answered with `{}`: {error}", job.id))
        })
    };
    accepted.iter().map(parse).collect()
}

/// A reader of the log that went away does not end the waiting.
async fn copy_log(context: &Context, job: JobId) -> Result<(), Failure> {
    let query = LogQuery {
        attempt: None,
        follow: true,
    };
    let mut follow = Follow::new(&context.client, job, query, true);
    let mut output = Output::new(&context.console);
    while let Some(followed) = follow.next().await? {
        match output.write(&followed) {
            Err(gone) if gone.silent => return Ok(()),
            other => other?,
        }
    }
    Ok(())
}

/// The job once it has ended. With `tell`, says why it waits meanwhile, whenever that
/// changes.
async fn ended(context: &Context, job: JobId, tell: bool) -> Result<Job, Failure> {
    let mut patience = Patience::new();
    let mut look = FIRST_LOOK;
    let mut told = None;
    loop {
        match wait(context, job, look).await {
            Ok(job) if job.state.is_ended() => return Ok(job),
            Ok(job) => {
                patience.restore();
                look = LOOK;
                let sentence = ending::sentence(&job);
                let waits = matches!(job.state, JobState::Queued) && job.reason.is_some();
                if tell && waits && told.as_ref() != Some(&sentence) {
                    context.console.note(&format!("headcount: {sentence}"));
                    told = Some(sentence);
                }
            }
            Err(error) if error.is_passing() => match patience.delay(Instant::now()) {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return Err(error.into()),
            },
            Err(error) => return Err(error.into()),
        }
    }
}

async fn wait(context: &Context, job: JobId, look: Duration) -> Result<Job, ClientError> {
    let query = [("timeout", format!("{}s", look.as_secs()))];
    let path = ["jobs", &job.to_string(), "wait"];
    context.client.get_patiently(&path, &query, look).await
}

fn summary(jobs: &[Job]) -> String {
    let mut out = String::new();
    let bad: Vec<&Job> = jobs
        .iter()
        .filter(|job| job.state != JobState::Succeeded)
        .collect();
    for job in bad.iter().take(MAX_TOLD) {
        out.push_str(&format!("headcount: {}\n", ending::sentence(job)));
    }
    if bad.len() > MAX_TOLD {
        out.push_str(&format!("headcount: and {} more\n", bad.len() - MAX_TOLD));
    }
    let jobs = count(jobs.len() as u64, "job", "jobs");
    match bad.len() {
        0 => out.push_str(&format!("headcount: {jobs}, all succeeded\n")),
        n => out.push_str(&format!("headcount: {jobs}, {n} did not succeed\n")),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::ending::tests::job;
    use serde_json::json;

    #[test]
    fn a_batch_ends_with_a_summary() {
        let good = || job(json!({"state": "succeeded"}));
        assert_eq!(
            summary(&[good(), good()]),
            "headcount: 2 jobs, all succeeded\n"
        );
        let bad = || job(json!({"id": "job-2", "state": "expired"}));
        assert_eq!(
            summary(&[good(), bad()]),
            "headcount: job-2 expired\nheadcount: 2 jobs, 1 did not succeed\n"
        );
        let many: Vec<Job> = (0..30).map(|_| bad()).collect();
        assert!(summary(&many).contains("headcount: and 10 more\n"));
    }
}
