//! A taken job comes back to its place.

use headcount_model::{JobEnd, JobId};
use headcount_ports::SourceError;
use headcount_ports::source_calls::try_again;

use crate::index::{Entry, Given, Place};
use crate::shared::Shared;

/// Notes the numbers durably, then lets the job wait again, or cancels it if somebody
/// asked for that while it was away.
pub(crate) async fn give_back(
    shared: &Shared,
    job: JobId,
    attempts: u32,
    deliveries: u32,
) -> Result<(), SourceError> {
    if !begin(shared, job)? {
        return Ok(());
    }
    let result = record(shared, job, attempts, deliveries).await;
    match &result {
        Ok(()) => {}
        Err(SourceError::Gone(_)) => shared.change(|index| index.forget(job)),
        Err(_) => shared.index().return_failed(job),
    }
    result
}

/// Whether there is anything to do: a job that waits or ends is back already.
fn begin(shared: &Shared, job: JobId) -> Result<bool, SourceError> {
    let mut index = shared.index();
    match index.place(job) {
        Some(Place::Waiting | Place::Ending) => Ok(false),
        Some(Place::Returning(_)) => Err(SourceError::Transient(format!(
            "{job} is being given back by another call"
        ))),
        Some(Place::Taken(_)) | None => {
            index.begin_return(job);
            Ok(true)
        }
    }
}

async fn record(
    shared: &Shared,
    job: JobId,
    attempts: u32,
    deliveries: u32,
) -> Result<(), SourceError> {
    let entry = find(shared, job).await?.after(attempts, deliveries);
    let noted = shared.book.requeue(job, attempts, deliveries).await;
    noted.map_err(try_again)?;
    match shared.change(|index| index.finish_return(job, entry)) {
        Given::Waits => Ok(()),
        Given::Gone => Err(SourceError::Gone(job.to_string())),
        Given::ToCancel => {
            let ends = vec![(job, JobEnd::Cancelled { outcome: None })];
            let ended = shared.book.end(ends, shared.now()).await;
            ended.map_err(try_again)?;
            shared.change(|index| index.forget(job));
            Ok(())
        }
    }
}

/// The job as it was taken; from the book if that was before this daemon started.
async fn find(shared: &Shared, job: JobId) -> Result<Entry, SourceError> {
    let known = shared.index().entry(job).cloned();
    if let Some(entry) = known {
        return Ok(entry);
    }
    let record = shared.book.get(job).await.map_err(try_again)?;
    record
        .filter(|record| record.ended_at.is_none())
        .map(|record| Entry::held(&record))
        .ok_or_else(|| SourceError::Gone(job.to_string()))
}
