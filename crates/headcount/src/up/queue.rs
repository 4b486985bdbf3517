//! What the API needs of the built-in queue and of jobs from elsewhere, over the sources
//! and the store.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use headcount_model::{JobId, SourceId};
use headcount_ports::{JobBook, NewJob, StoreError, Submitted};
use headcount_server::{CancelRefused, Cancelled, JobDefaults, JobWatch, Queue, SubmitRefused};
use headcount_source_queue::{
    CancelError, Cancelled as QueueCancelled, DEFAULT_EXPIRY, DEFAULT_GRACE,
    DEFAULT_LOG_LIMIT_BYTES, DEFAULT_MAX_DEPTH, QueueSource, SOURCE, SubmitError,
};
use headcount_store::{LogWatch, SqliteStore};

use super::sources::Streams;

/// When so many jobs wait it is told, unless something else is said.
const DEFAULT_WARNING_DEPTH: u64 = 100;

/// The bounds of the built-in queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueSettings {
    /// Jobs that may wait at once.
    pub(crate) max_depth: u64,
    /// When so many jobs wait for some seconds it is told; `None` for never.
    pub(crate) warning_depth: Option<NonZeroU64>,
    /// How long a job waits that does not say so itself; `None` is for ever.
    pub(crate) expiry: Option<Duration>,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            max_depth: DEFAULT_MAX_DEPTH,
            warning_depth: NonZeroU64::new(DEFAULT_WARNING_DEPTH),
            expiry: Some(DEFAULT_EXPIRY),
        }
    }
}

/// The built-in queue as the API sees it.
pub(super) struct QueueDesk {
    pub(super) queue: Arc<QueueSource>,
    pub(super) streams: Streams,
    pub(super) store: SqliteStore,
}

impl QueueDesk {
    /// Where the job comes from hears of it: the built-in queue, or a stream.
    async fn cancel_at_source(&self, job: JobId) -> Result<QueueCancelled, CancelError> {
        let record = self.store.get(job).await;
        let record = record.map_err(|error| CancelError::Unavailable(error.to_string()))?;
        let source = record.ok_or(CancelError::NotFound(job))?.spec.source;
        match source.as_str() {
            SOURCE => self.queue.cancel(job).await,
            _ => self.streams.cancel(&source, job).await,
        }
    }
}

#[async_trait]
impl Queue for QueueDesk {
    fn source(&self) -> SourceId {
        SourceId::new(SOURCE)
    }

    fn defaults(&self) -> JobDefaults {
        JobDefaults {
            grace: DEFAULT_GRACE,
            log_limit_bytes: DEFAULT_LOG_LIMIT_BYTES,
        }
    }

    async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, SubmitRefused> {
        self.queue.submit(jobs).await.map_err(|error| match error {
            SubmitError::Invalid {
                index,
                field,
                message,
            } => SubmitRefused::Invalid {
                index,
                field: field.to_owned(),
                message,
            },
            SubmitError::KeyConflict(words) => SubmitRefused::KeyConflict(words),
            full @ SubmitError::QueueFull { .. } => SubmitRefused::QueueFull(full.to_string()),
            SubmitError::Unavailable(words) => SubmitRefused::Unavailable(words),
        })
    }

    async fn cancel(&self, job: JobId) -> Result<Cancelled, CancelRefused> {
        match self.cancel_at_source(job).await {
            Ok(QueueCancelled::Requested) => Ok(Cancelled::Requested),
            Ok(QueueCancelled::Ended) | Err(CancelError::AlreadyEnded { .. }) => {
                Ok(Cancelled::Ended)
            }
            Err(CancelError::NotFound(job)) => Err(CancelRefused::NotFound(job)),
            Err(CancelError::Unavailable(words)) => Err(CancelRefused::Unavailable(words)),
        }
    }

    fn ahead_of(&self, job: JobId) -> Option<u64> {
        let own = self.queue.position(job).map(|position| position.ahead);
        own.or_else(|| self.streams.ahead_of(job))
    }

    fn watch(&self, job: JobId) -> Result<Box<dyn JobWatch>, StoreError> {
        Ok(Box::new(Watch(self.store.watch_logs(job)?)))
    }
}

struct Watch(LogWatch);

#[async_trait]
impl JobWatch for Watch {
    async fn changed(&mut self) -> Result<(), StoreError> {
        self.0.changed().await
    }
}
