//! What every part of the queue shares.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headcount_model::{SourceId, Timestamp};
use headcount_ports::{JobBook, SourceInbox};
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
