//! What every part of a stream's source shares, and how a call is carried out to its end.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headcount_model::{JobEnd, JobId, StreamSource, Timestamp};
use headcount_ports::{JobBook, SourceError, SourceInbox, StoreError};
use tokio::sync::Notify;

use super::draft::Owed;
use super::fetch::Reader;
use super::index::Index;
use super::stats::Counters;
use crate::entries::Entries;
use crate::link::Link;
use crate::signals::Clock;

pub(super) struct Shared {
    pub(super) source: StreamSource,
    pub(super) book: Arc<dyn JobBook>,
    pub(super) inbox: Arc<dyn SourceInbox>,
    pub(super) clock: Clock,
    pub(super) entries: Entries,
    /// For looking at the stream, apart from what is read of it.
    pub(super) link: Arc<Link>,
    pub(super) counters: Counters,
    index: Mutex<Index>,
    /// Whoever reads the stream or counts it has this, so that no number is older than an
    /// entry that was taken.
    pub(super) reader: tokio::sync::Mutex<Reader>,
    /// Something is to be posted.
    pub(super) news: Notify,
    /// The stream may have changed.
    pub(super) changed: Arc<Notify>,
    /// Ends are to be acknowledged, or to become dead letters.
    pub(super) acks: Notify,
    pub(super) letters: Notify,
}

impl Shared {
    pub(super) fn new(
        source: StreamSource,
        entries: Entries,
        (book, inbox): (Arc<dyn JobBook>, Arc<dyn SourceInbox>),
        clock: Clock,
        index: Index,
    ) -> Self {
        Self {
            link: Arc::new(Link::new(Arc::clone(&source.connection))),
            source,
            book,
            inbox,
            clock,
            entries,
            counters: Counters::default(),
            index: Mutex::new(index),
            reader: tokio::sync::Mutex::default(),
            news: Notify::new(),
            changed: Arc::default(),
            acks: Notify::new(),
            letters: Notify::new(),
        }
    }

    /// The index. Never held across an await.
    pub(super) fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the index and has what changed posted.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Index) -> T) -> T {
        let result = change(&mut self.index());
        self.news.notify_one();
        result
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Records ends, and then has Redis told of them.
    pub(super) async fn end(
        &self,
        ends: Vec<(Owed, JobEnd)>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let rows = ends.iter();
        let rows: Vec<(JobId, JobEnd)> = rows.map(|(owed, end)| (owed.job, end.clone())).collect();
        self.book.end(rows, at).await?;
        self.change(|index| {
            for (owed, _) in ends {
                index.owe(owed);
            }
        });
        self.acks.notify_one();
        self.letters.notify_one();
        Ok(())
    }
}

/// Carries a call out to its end even if its caller is dropped: what the book or Redis was
/// told must also reach the index.
pub(super) async fn to_the_end<T: Send + 'static>(
    call: impl Future<Output = T> + Send + 'static,
) -> Result<T, Interrupted> {
    tokio::spawn(call).await.map_err(|_| Interrupted)
}

/// The runtime ended under a call.
pub(super) struct Interrupted;

impl From<Interrupted> for SourceError {
    fn from(_: Interrupted) -> Self {
        Self::Unknown("the source is stopping".to_owned())
    }
}

/// Every call can be repeated, so any trouble of the book is "try again".
pub(super) fn try_again(error: StoreError) -> SourceError {
    SourceError::Transient(error.to_string())
}
