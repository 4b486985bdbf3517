//! Accepting jobs: checked, durable, then waiting.

use std::sync::Arc;

use headcount_model::Timestamp;
use headcount_patterns::Checked;
use headcount_ports::source_calls::to_the_end;
use headcount_ports::{NewJob, StoreError, Submitted};

use crate::check::{check, check_batch};
use crate::index::Entry;
use crate::shared::Shared;
use crate::source::QueueSource;

/// Why jobs are not accepted; none of the call is.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SubmitError {
    /// Fix the request.
    #[error("job {index}: {field}: {message}")]
    Invalid {
        /// Which job of the call, from 0.
        index: usize,
        /// What of it.
        field: &'static str,
        /// What is wrong with it, and what would be right.
        message: String,
    },
    /// Try again when jobs have left the queue.
    #[error("queue is full: it holds at most {max_depth} waiting jobs; submit again later")]
    QueueFull {
        /// How many may wait.
        max_depth: u64,
    },
    /// Fix the request: its key is another job's.
    #[error("{0}")]
    KeyConflict(String),
    /// The book cannot be written now: try again later.
    #[error("{0}")]
    Unavailable(String),
}

impl QueueSource {
    /// Accepts jobs, all or none, durably, and lets them wait. A job without expiry gets
    /// the default one, if there is one. A job whose key is known is that job: its first id is returned.
    ///
    /// # Errors
    /// None is accepted; which error says what to do.
    pub async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, SubmitError> {
        let now = self.shared.now();
        check_batch(jobs.len())?;
        let mut patterns = Checked::default();
        for (index, job) in jobs.iter().enumerate() {
            check(index, job, &mut patterns, now)?;
        }
        let shared = Arc::clone(&self.shared);
        let call = to_the_end(async move { submit(&shared, jobs, now).await });
        call.await.unwrap_or_else(|_| {
            Err(SubmitError::Unavailable(
                "the queue is stopping".to_string(),
            ))
        })
    }
}

async fn submit(
    shared: &Shared,
    mut jobs: Vec<NewJob>,
    now: Timestamp,
) -> Result<Vec<Submitted>, SubmitError> {
    let (n_jobs, max_depth) = (jobs.len() as u64, shared.options.max_depth);
    if !shared.index().reserve(n_jobs, max_depth) {
        return Err(SubmitError::QueueFull { max_depth });
    }
    for job in &mut jobs {
        let default = shared.options.default_expiry;
        job.expires_at = job.expires_at.or(default.map(|span| now.after(span)));
    }
    let entries: Vec<Entry> = jobs.iter().map(|job| Entry::accepted(job, now)).collect();
    let submitted = shared.book.submit(jobs, now).await;
    shared.change(|index| {
        index.unreserve(n_jobs);
        for (answer, entry) in submitted.iter().flatten().zip(entries) {
            if !answer.existed {
                index.wait(answer.job, entry);
            }
        }
    });
    submitted.map_err(refusal)
}

fn refusal(error: StoreError) -> SubmitError {
    match error {
        StoreError::Conflict(why) => SubmitError::KeyConflict(why),
        StoreError::Full(_) | StoreError::Busy(_) | StoreError::Broken(_) => {
            SubmitError::Unavailable(error.to_string())
        }
    }
}
