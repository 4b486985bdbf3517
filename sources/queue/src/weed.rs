//! Waiting jobs that will not be run: expired ones and those of a hopeless class.

use headcount_model::{ClassKey, JobEnd, JobId, Timestamp};
use headcount_ports::SourceError;
use headcount_ports::source_calls::try_again;

use crate::shared::Shared;

/// Ends that are recorded together.
const BATCH: usize = 1000;

/// Ends the jobs of a class whose time is up.
pub(crate) async fn expire(
    shared: &Shared,
    class: &ClassKey,
    now: Timestamp,
) -> Result<(), SourceError> {
    loop {
        let due = shared.change(|index| index.end_expired(class, now, BATCH));
        if due.is_empty() {
            return Ok(());
        }
        end_all(shared, due, &JobEnd::Expired, now).await?;
    }
}

/// Ends all waiting jobs of a class.
pub(crate) async fn fail_class(
    shared: &Shared,
    class: &ClassKey,
    end: &JobEnd,
    now: Timestamp,
) -> Result<(), SourceError> {
    loop {
        let jobs = shared.change(|index| index.end_first(class, BATCH));
        if jobs.is_empty() {
            return Ok(());
        }
        end_all(shared, jobs, end, now).await?;
    }
}

/// Records ends of jobs that are in the place `Ending`; if that fails they wait again.
pub(crate) async fn end_all(
    shared: &Shared,
    jobs: Vec<JobId>,
    end: &JobEnd,
    now: Timestamp,
) -> Result<(), SourceError> {
    let ends = jobs.iter().map(|job| (*job, end.clone())).collect();
    let recorded = shared.book.end(ends, now).await;
    shared.change(|index| {
        for job in &jobs {
            match &recorded {
                Ok(_) => index.forget(*job),
                Err(_) => index.end_failed(*job),
            }
        }
    });
    recorded.map(|_new| ()).map_err(try_again)
}
