//! The queue as a source.

use std::sync::Arc;

use async_trait::async_trait;
use headcount_model::{ClassKey, Demand, JobEnd, JobId, JobWork, SourceId, Taken, Timestamp};
use headcount_ports::source_calls::{to_the_end, try_again};
use headcount_ports::{JobBook, Source, SourceError, SourceInbox, StoreError};

use crate::give_back::give_back;
use crate::index::{Entry, Index, Position};
use crate::options::{Options, SOURCE};
use crate::poster::post_all;
use crate::shared::Shared;
use crate::weed::{expire, fail_class};

/// The built-in queue. Closes when it is dropped.
pub struct QueueSource {
    pub(crate) shared: Arc<Shared>,
}

impl QueueSource {
    /// Loads what waits and starts to post. Jobs that an unsettled attempt holds count as
    /// taken: the controller will give them back or complete them. Needs a tokio runtime.
    ///
    /// # Errors
    /// The book cannot be read: the daemon must not start.
    pub async fn open(
        book: Arc<dyn JobBook>,
        inbox: Arc<dyn SourceInbox>,
        options: Options,
    ) -> Result<Self, StoreError> {
        let id = SourceId::new(SOURCE);
        let mut index = Index::default();
        for job in book.queued(&id).await? {
            index.wait(job.job, Entry::queued(&id, job));
        }
        let shared = Arc::new(Shared::new(id, book, inbox, options, index));
        tokio::spawn(post_all(Arc::clone(&shared)));
        Ok(Self { shared })
    }

    /// Where a waiting job stands; `None` when it does not wait. For explaining.
    #[must_use]
    pub fn position(&self, job: JobId) -> Option<Position> {
        self.shared.index().position(job)
    }
}

impl Drop for QueueSource {
    fn drop(&mut self) {
        self.shared.close();
    }
}

#[async_trait]
impl Source for QueueSource {
    fn id(&self) -> SourceId {
        self.shared.id.clone()
    }

    async fn refresh(&self) -> Result<Demand, SourceError> {
        Ok(self.shared.index().demand())
    }

    /// Has no await point: what is handed out cannot be lost half-way.
    async fn take(&self, class: &ClassKey, n: u32) -> Result<Taken, SourceError> {
        Ok(self.shared.change(|index| index.take(class, n)))
    }

    async fn work(&self, job: JobId) -> Result<JobWork, SourceError> {
        let record = self.shared.book.get(job).await.map_err(try_again)?;
        let record = record.filter(|record| !record.status.is_ended());
        let record = record.ok_or_else(|| SourceError::Gone(job.to_string()))?;
        Ok(record.work())
    }

    async fn give_back(
        &self,
        job: JobId,
        attempts: u32,
        deliveries: u32,
    ) -> Result<(), SourceError> {
        let shared = Arc::clone(&self.shared);
        to_the_end(async move { give_back(&shared, job, attempts, deliveries).await }).await?
    }

    async fn complete(&self, job: JobId, end: &JobEnd, at: Timestamp) -> Result<(), SourceError> {
        let shared = Arc::clone(&self.shared);
        let ends = vec![(job, end.clone())];
        to_the_end(async move {
            shared.book.end(ends, at).await.map_err(try_again)?;
            shared.change(|index| index.forget(job));
            Ok(())
        })
        .await?
    }

    async fn expire(&self, class: &ClassKey, now: Timestamp) -> Result<(), SourceError> {
        let (shared, class) = (Arc::clone(&self.shared), class.clone());
        to_the_end(async move { expire(&shared, &class, now).await }).await?
    }

    async fn fail_class(
        &self,
        class: &ClassKey,
        end: &JobEnd,
        now: Timestamp,
    ) -> Result<(), SourceError> {
        let (shared, class, end) = (Arc::clone(&self.shared), class.clone(), end.clone());
        to_the_end(async move { fail_class(&shared, &class, &end, now).await }).await?
    }
}
