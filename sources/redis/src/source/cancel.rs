//! Cancelling jobs of a stream: what is not wanted any more is acknowledged, and is no
//! dead letter.

use std::sync::Arc;

use headcount_model::{JobEnd, JobId};
use headcount_ports::source_calls::to_the_end;
use headcount_ports::{CancelError, Cancelled, JobStatus, StoreError};

use super::draft::Owed;
use super::index::{Index, Place};
use super::port::RedisSource;
use super::shared::Shared;

/// What one look at a job found.
enum Look {
    /// It waited, and is now where it ends.
    Ours(Owed),
    /// It was elsewhere, and the wish is noted.
    Noted,
    /// Its end is being recorded by another call.
    Ending,
    /// It is not open.
    Unknown,
}

impl RedisSource {
    /// Cancels a job of this source. A waiting one ends at once; for one that was taken the
    /// controller is asked. Repeating it does no harm.
    ///
    /// # Errors
    /// The job is as it was.
    pub async fn cancel(&self, job: JobId) -> Result<Cancelled, CancelError> {
        let shared = Arc::clone(&self.shared);
        let call = to_the_end(async move { cancel(&shared, job).await });
        call.await.unwrap_or_else(|_| {
            Err(CancelError::Unavailable(
                "the source is stopping".to_owned(),
            ))
        })
    }
}

async fn cancel(shared: &Shared, job: JobId) -> Result<Cancelled, CancelError> {
    match shared.change(|index| look(index, job)) {
        Look::Ours(owed) => end(shared, owed).await,
        Look::Noted => Ok(Cancelled::Requested),
        Look::Ending => Err(changing(job)),
        Look::Unknown => Err(why_not(shared, job).await),
    }
}

fn look(index: &mut Index, job: JobId) -> Look {
    match index.place(job) {
        Some(Place::Waiting | Place::Elsewhere) => {
            let entry = index.known(job).and_then(|known| known.entry);
            index.put(job, Place::Ending);
            let end = JobEnd::Cancelled { outcome: None };
            Look::Ours(Owed::new(job, entry, &end))
        }
        Some(Place::Taken(_) | Place::Returning(_)) => {
            index.wish_cancelled(job);
            Look::Noted
        }
        Some(Place::Ending) => Look::Ending,
        None => Look::Unknown,
    }
}

async fn end(shared: &Shared, owed: Owed) -> Result<Cancelled, CancelError> {
    let job = owed.job;
    let ends = vec![(owed, JobEnd::Cancelled { outcome: None })];
    match shared.end(ends, shared.now()).await {
        Ok(()) => Ok(Cancelled::Ended),
        Err(error) => {
            shared.change(|index| index.end_failed(job));
            Err(unavailable(error))
        }
    }
}

async fn why_not(shared: &Shared, job: JobId) -> CancelError {
    match shared.book.get(job).await {
        Err(error) => unavailable(error),
        Ok(None) => CancelError::NotFound(job),
        Ok(Some(record)) => match record.status {
            JobStatus::Queued | JobStatus::Assigned | JobStatus::Running => changing(job),
            status => CancelError::AlreadyEnded { job, status },
        },
    }
}

fn changing(job: JobId) -> CancelError {
    CancelError::Unavailable(format!("{job} is just changing; try again"))
}

fn unavailable(error: StoreError) -> CancelError {
    CancelError::Unavailable(error.to_string())
}
