//! One job as the queue knows it.

use std::sync::Arc;
use std::time::Duration;

use headcount_model::{ClassKey, JobId, SourceId, TakenJob, Timestamp};
use headcount_ports::{JobRecord, NewJob, QueuedJob};

/// What is known of a job that waits or is taken.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) class: Arc<ClassKey>,
    pub(crate) accepted_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) attempts: u32,
    pub(crate) deliveries: u32,
    pub(crate) retries_left: u32,
    pub(crate) timeout: Option<Duration>,
}

/// Where a job stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// It can be taken.
    Waiting,
    /// It was handed out.
    Taken(Wish),
    /// Its requeue is being recorded.
    Returning(Wish),
    /// Its end is being recorded.
    Ending,
}

/// What somebody wants of a job that is not here to be changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wish {
    /// That it runs.
    Run,
    /// That it ends: when it comes back it is cancelled.
    Cancel,
}

impl Entry {
    /// A job that was just accepted.
    pub(crate) fn accepted(job: &NewJob, at: Timestamp) -> Self {
        Self {
            class: Arc::new(job.class()),
            accepted_at: at,
            expires_at: job.expires_at,
            attempts: 0,
            deliveries: 0,
            retries_left: job.retries,
            timeout: job.timeout,
        }
    }

    /// A job that the book says waits.
    pub(crate) fn queued(source: &SourceId, job: QueuedJob) -> Self {
        Self {
            class: Arc::new(ClassKey {
                source: source.clone(),
                runs_on: job.runs_on,
                exclude: job.exclude,
                resources: job.resources,
                priority: job.priority,
            }),
            accepted_at: job.accepted_at,
            expires_at: job.expires_at,
            attempts: job.attempts,
            deliveries: job.deliveries,
            retries_left: job.retries_left,
            timeout: job.timeout,
        }
    }

    /// A job that was taken before this daemon started.
    pub(crate) fn held(job: &JobRecord) -> Self {
        Self {
            attempts: job.attempts,
            deliveries: job.deliveries,
            retries_left: job.spec.retries.saturating_sub(job.attempts),
            ..Self::accepted(&job.spec, job.accepted_at)
        }
    }

    /// The same job after so many attempts and deliveries in all.
    pub(crate) const fn after(mut self, attempts: u32, deliveries: u32) -> Self {
        let retries = self.retries_left.saturating_add(self.attempts);
        self.retries_left = retries.saturating_sub(attempts);
        self.attempts = attempts;
        self.deliveries = deliveries;
        self
    }

    pub(super) const fn taken(&self, job: JobId) -> TakenJob {
        TakenJob {
            job,
            attempts: self.attempts,
            deliveries: self.deliveries,
            retries_left: self.retries_left,
            timeout: self.timeout,
        }
    }
}
