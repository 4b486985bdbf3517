//! The port, as writes and reads.

use async_trait::async_trait;
use headcount_model::JobId;
use headcount_ports::{LogBook, LogChunk, LogPage, StoreError};

use super::append::Append;
use super::page::{Place, page};
use super::watch::LogWatch;
use crate::store::SqliteStore;

#[async_trait]
impl LogBook for SqliteStore {
    async fn append(
        &self,
        job: JobId,
        attempt: u32,
        limit_bytes: u64,
        chunks: Vec<LogChunk>,
    ) -> Result<u64, StoreError> {
        let append = Append::new(job, attempt, limit_bytes, chunks);
        self.write(append).await
    }

    async fn read(
        &self,
        job: JobId,
        attempt: Option<u32>,
        after: u64,
        max_bytes: usize,
    ) -> Result<LogPage, StoreError> {
        let place = Place {
            job,
            attempt,
            after,
        };
        self.read(move |db| page(db, place, max_bytes)).await
    }
}

impl SqliteStore {
    /// Watches the output of a job, so that whoever follows it need not ask again and
    /// again. Everything after this call is noticed: watch first, then read.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when [`MAX_WATCHED_JOBS`](crate::MAX_WATCHED_JOBS) others are watched.
    pub fn watch_logs(&self, job: JobId) -> Result<LogWatch, StoreError> {
        self.followers().watch(job)
    }
}
