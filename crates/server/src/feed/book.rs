//! A job book that tells what happens in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use headcount_api::{Event, JobState};
use headcount_model::{JobEnd, JobId, SourceId, Timestamp};
use headcount_ports::{
    JobBook, JobFilter, JobRecord, JobStatus, NewJob, OpenJob, QueuedJob, StoreError, Submitted,
    end_reason,
};

use crate::feed::Feed;
use crate::show::job_state;

/// A job book that tells the feed of every accepted and every ended job. The queue source
/// is built over it, so that nothing is missed: jobs end in several ways (by an agent, by
/// a client, by the clock), and all of them pass here.
pub struct WatchedBook {
    book: Arc<dyn JobBook>,
    feed: Feed,
}

impl WatchedBook {
    /// Watches `book`.
    #[must_use]
    pub fn new(book: Arc<dyn JobBook>, feed: Feed) -> Self {
        Self { book, feed }
    }

    fn tell_accepted(&self, submitted: &[Submitted]) {
        let new = submitted.iter().filter(|job| !job.existed);
        let new: Vec<JobId> = new.map(|job| job.job).collect();
        let (Some(first), Some(last)) = (new.iter().min(), new.iter().max()) else {
            return;
        };
        self.feed.metrics().submitted(new.len() as u64);
        self.feed.tell(&Event::Jobs {
            accepted: new.len() as u64,
            first: first.to_string(),
            last: last.to_string(),
        });
    }

    fn tell_ended(&self, job: JobId, end: &JobEnd) {
        let status = JobStatus::of_end(end);
        self.feed.metrics().ended(status, end_reason(end));
        self.tell_state(job, job_state(status));
    }

    fn tell_state(&self, job: JobId, state: JobState) {
        self.feed.tell(&Event::Job {
            job: job.to_string(),
            state,
            attempt: None,
            agent: None,
        });
    }
}

#[async_trait]
impl JobBook for WatchedBook {
    async fn submit(&self, jobs: Vec<NewJob>, at: Timestamp) -> Result<Vec<Submitted>, StoreError> {
        let submitted = self.book.submit(jobs, at).await?;
        self.tell_accepted(&submitted);
        Ok(submitted)
    }

    async fn queued(&self, source: &SourceId) -> Result<Vec<QueuedJob>, StoreError> {
        self.book.queued(source).await
    }

    async fn open_jobs(&self, source: &SourceId) -> Result<Vec<OpenJob>, StoreError> {
        self.book.open_jobs(source).await
    }

    async fn told(&self, jobs: Vec<JobId>) -> Result<(), StoreError> {
        self.book.told(jobs).await
    }

    async fn get(&self, job: JobId) -> Result<Option<JobRecord>, StoreError> {
        self.book.get(job).await
    }

    async fn list(&self, filter: JobFilter) -> Result<Vec<JobRecord>, StoreError> {
        self.book.list(filter).await
    }

    async fn end(
        &self,
        ends: Vec<(JobId, JobEnd)>,
        at: Timestamp,
    ) -> Result<Vec<JobId>, StoreError> {
        let by_job: BTreeMap<JobId, JobEnd> = ends.iter().cloned().collect();
        let new = self.book.end(ends, at).await?;
        for job in &new {
            if let Some(end) = by_job.get(job) {
                self.tell_ended(*job, end);
            }
        }
        Ok(new)
    }

    async fn requeue(&self, job: JobId, attempts: u32, deliveries: u32) -> Result<(), StoreError> {
        self.book.requeue(job, attempts, deliveries).await?;
        self.tell_state(job, JobState::Queued);
        Ok(())
    }

    async fn counts(&self) -> Result<BTreeMap<JobStatus, u64>, StoreError> {
        self.book.counts().await
    }
}
