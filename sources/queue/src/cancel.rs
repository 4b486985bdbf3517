//! Cancelling jobs, wherever they are.

use std::sync::Arc;

use headcount_model::{JobEnd, JobId};
use headcount_ports::source_calls::to_the_end;
use headcount_ports::{CancelError, Cancelled, JobStatus, SourceError, StoreError};

use crate::index::{Index, Place};
use crate::shared::Shared;
use crate::source::QueueSource;
use crate::weed::end_all;

/// A job may move between two looks at it; it does not move for ever.
const LOOKS: usize = 4;

/// What one look at a job found.
enum Look {
    /// It waited, and is now where it ends.
    Ours,
    /// It was elsewhere, and the wish is noted.
    Noted,
    /// Its end is being recorded by another call.
    Ending,
    /// The index does not know it.
    Unknown,
}

impl QueueSource {
    /// Cancels a job. A waiting one ends at once; for one that was taken the controller is
    /// asked. Repeating it does no harm.
    ///
    /// # Errors
    /// The job is as it was.
    pub async fn cancel(&self, job: JobId) -> Result<Cancelled, CancelError> {
        let shared = Arc::clone(&self.shared);
        let call = to_the_end(async move { cancel(&shared, job).await });
        call.await.unwrap_or_else(|_| {
            Err(CancelError::Unavailable(
                "the queue is stopping".to_string(),
            ))
        })
    }
}

async fn cancel(shared: &Shared, job: JobId) -> Result<Cancelled, CancelError> {
    for _ in 0..LOOKS {
        match shared.change(|index| look(index, job)) {
            Look::Ours => return end(shared, job).await,
            Look::Noted => return Ok(Cancelled::Requested),
            Look::Ending => return Err(moving(job)),
            Look::Unknown => {}
        }
        check_running(shared, job).await?;
        let noted = shared.change(|index| {
            let unknown = index.place(job).is_none();
            if unknown {
                index.wish_cancelled(job);
            }
            unknown
        });
        if noted {
            return confirm(shared, job).await;
        }
    }
    Err(moving(job))
}

fn look(index: &mut Index, job: JobId) -> Look {
    match index.place(job) {
        Some(Place::Waiting) => {
            index.leave(job, Place::Ending);
            Look::Ours
        }
        Some(Place::Taken(_) | Place::Returning(_)) => {
            index.wish_cancelled(job);
            Look::Noted
        }
        Some(Place::Ending) => Look::Ending,
        None => Look::Unknown,
    }
}

async fn end(shared: &Shared, job: JobId) -> Result<Cancelled, CancelError> {
    let end = JobEnd::Cancelled { outcome: None };
    let ended = end_all(shared, vec![job], &end, shared.now()).await;
    match ended {
        Ok(()) => Ok(Cancelled::Ended),
        Err(SourceError::Transient(why) | SourceError::Gone(why) | SourceError::Unknown(why)) => {
            Err(CancelError::Unavailable(why))
        }
    }
}

/// Whether an agent has held the job since before this daemon started.
async fn check_running(shared: &Shared, job: JobId) -> Result<(), CancelError> {
    let record = shared.book.get(job).await.map_err(unavailable)?;
    let status = record.ok_or(CancelError::NotFound(job))?.status;
    match status {
        JobStatus::Assigned | JobStatus::Running => Ok(()),
        // Its submission has been recorded, but has not come round to the index.
        JobStatus::Queued => Err(moving(job)),
        _ => Err(CancelError::AlreadyEnded { job, status }),
    }
}

/// If the job ended before the wish was noted, nobody would ever come to clear the wish.
async fn confirm(shared: &Shared, job: JobId) -> Result<Cancelled, CancelError> {
    let still = check_running(shared, job).await;
    if let Err(CancelError::AlreadyEnded { .. } | CancelError::NotFound(_)) = &still {
        shared.change(|index| index.forget(job));
    }
    still.map(|()| Cancelled::Requested)
}

fn moving(job: JobId) -> CancelError {
    CancelError::Unavailable(format!("{job} is just changing; try again"))
}

fn unavailable(error: StoreError) -> CancelError {
    CancelError::Unavailable(error.to_string())
}
