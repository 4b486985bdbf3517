//! The port, as writes and reads.

use std::collections::BTreeMap;

use async_trait::async_trait;
use headcount_model::{JobEnd, JobId, SourceId, Timestamp};
use headcount_ports::{
    JobBook, JobFilter, JobRecord, JobStatus, NewJob, OpenJob, QueuedJob, StoreError, Submitted,
};

use super::change::{End, Requeue, Told};
use super::submit::Submit;
use super::{find, status};
use crate::store::SqliteStore;

#[async_trait]
impl JobBook for SqliteStore {
    async fn submit(&self, jobs: Vec<NewJob>, at: Timestamp) -> Result<Vec<Submitted>, StoreError> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        self.write(Submit { jobs, at }).await
    }

    async fn queued(&self, source: &SourceId) -> Result<Vec<QueuedJob>, StoreError> {
        let source = source.clone();
        self.read(move |db| find::queued(db, &source)).await
    }

    async fn open_jobs(&self, source: &SourceId) -> Result<Vec<OpenJob>, StoreError> {
        let source = source.clone();
        self.read(move |db| find::open(db, &source)).await
    }

    async fn told(&self, jobs: Vec<JobId>) -> Result<(), StoreError> {
        if jobs.is_empty() {
            return Ok(());
        }
        self.write(Told { jobs }).await
    }

    async fn get(&self, job: JobId) -> Result<Option<JobRecord>, StoreError> {
        self.read(move |db| find::job(db, job)).await
    }

    async fn list(&self, filter: JobFilter) -> Result<Vec<JobRecord>, StoreError> {
        self.read(move |db| find::jobs(db, &filter)).await
    }

    async fn end(
        &self,
        ends: Vec<(JobId, JobEnd)>,
        at: Timestamp,
    ) -> Result<Vec<JobId>, StoreError> {
        if ends.is_empty() {
            return Ok(Vec::new());
        }
        self.write(End { ends, at }).await
    }

    async fn requeue(&self, job: JobId, attempts: u32, deliveries: u32) -> Result<(), StoreError> {
        let requeue = Requeue {
            job,
            attempts,
            deliveries,
        };
        self.write(requeue).await
    }

    async fn counts(&self) -> Result<BTreeMap<JobStatus, u64>, StoreError> {
        self.read(status::counts).await
    }
}
