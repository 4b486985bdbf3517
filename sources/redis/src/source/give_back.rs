//! A taken job comes back to its place: in the book, not in the stream, where its entry
//! stays pending for us.

use headcount_model::{JobEnd, JobId};
use headcount_ports::SourceError;
use headcount_ports::source_calls::try_again;

use super::draft::{Known, Owed};
use super::index::{Given, Place};
use super::shared::Shared;

/// Notes the numbers durably, then lets the job wait again, or cancels it if somebody
/// asked for that while it was away.
pub(super) async fn give_back(
    shared: &Shared,
    job: JobId,
    attempts: u32,
    deliveries: u32,
) -> Result<(), SourceError> {
    let Some(known) = begin(shared, job)? else {
        return Ok(());
    };
    let known = known.after(attempts, deliveries);
    let result = record(shared, job, known).await;
    if matches!(result, Err(SourceError::Transient(_))) {
        shared.index().return_failed(job);
    }
    result
}

/// The job, if there is anything to do: one that waits or ends is back already.
fn begin(shared: &Shared, job: JobId) -> Result<Option<Known>, SourceError> {
    let mut index = shared.index();
    match index.place(job) {
        Some(Place::Waiting | Place::Elsewhere | Place::Ending) => Ok(None),
        Some(Place::Returning(_)) => Err(SourceError::Transient(format!(
            "{job} is being given back by another call"
        ))),
        Some(Place::Taken(_)) => Ok(index.begin_return(job)),
        None => Err(SourceError::Gone(job.to_string())),
    }
}

async fn record(shared: &Shared, job: JobId, known: Known) -> Result<(), SourceError> {
    let (attempts, deliveries, entry) = (known.attempts, known.deliveries, known.entry);
    let noted = shared.book.requeue(job, attempts, deliveries).await;
    noted.map_err(try_again)?;
    match shared.change(|index| index.finish_return(job, known)) {
        Given::Waits => Ok(()),
        Given::Gone => Err(SourceError::Gone(job.to_string())),
        Given::ToCancel => {
            let end = JobEnd::Cancelled { outcome: None };
            let owed = Owed::new(job, entry, &end);
            let ended = shared.end(vec![(owed, end)], shared.now()).await;
            ended.map_err(try_again)
        }
    }
}
