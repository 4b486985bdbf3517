//! What every part of the queue shares, and how a call is carried out to its end.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headcount_model::{SourceId, Timestamp};
use headcount_ports::{JobBook, SourceError, SourceInbox, StoreError};
use tokio::sync::Notify;

use crate::index::Index;
use crate::options::Options;

pub(crate) struct Shared {
    pub(crate) id: SourceId,
    pub(crate) book: Arc<dyn JobBook>,
    pub(crate) inbox: Arc<dyn SourceInbox>,
    pub(crate) options: Options,
    index: Mutex<Index>,
    /// Something is to be posted, or the queue closes.
    pub(crate) news: Notify,
    closed: AtomicBool,
}

impl Shared {
    pub(crate) fn new(
        id: SourceId,
        book: Arc<dyn JobBook>,
        inbox: Arc<dyn SourceInbox>,
        options: Options,
        index: Index,
    ) -> Self {
        Self {
            id,
            book,
            inbox,
            options,
            index: Mutex::new(index),
            news: Notify::new(),
            closed: AtomicBool::new(false),
        }
    }

    /// The index. Never held across an await.
    pub(crate) fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the index and has what changed posted.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Index) -> T) -> T {
        let result = change(&mut self.index());
        self.news.notify_one();
        result
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.options.clock)()
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.news.notify_one();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

/// Carries a call out to its end even if its caller is dropped: what the book was told
/// must also reach the index.
pub(crate) async fn to_the_end<T: Send + 'static>(
    call: impl Future<Output = T> + Send + 'static,
) -> Result<T, Interrupted> {
    tokio::spawn(call).await.map_err(|_| Interrupted)
}

/// The runtime ended under a call.
pub(crate) struct Interrupted;

impl From<Interrupted> for SourceError {
    fn from(_: Interrupted) -> Self {
        Self::Unknown("the queue is stopping".to_string())
    }
}

/// Every call of the queue can be repeated, so any trouble of the book is "try again".
pub(crate) fn try_again(error: StoreError) -> SourceError {
    SourceError::Transient(error.to_string())
}
