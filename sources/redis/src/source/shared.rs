//! What every part of a stream's source shares.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headcount_model::{JobEnd, JobId, StreamSource, Timestamp};
use headcount_ports::{JobBook, SourceInbox, StoreError};
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
    /// Whether others may have taken over what the index holds.
    unsure: AtomicBool,
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
            unsure: AtomicBool::new(true),
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

    /// Notes whether what the index holds is known to be ours.
    pub(super) fn sure(&self, sure: bool) {
        self.unsure.store(!sure, Ordering::Release);
    }

    pub(super) fn is_sure(&self) -> bool {
        !self.unsure.load(Ordering::Acquire)
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
