//! Live events: what the loop tells and what happens at the door, in one numbered stream.
//!
//! Promise: a reader sees events in order or is told that it missed some. Nothing is
//! kept for readers that are not there, and without readers and news nothing runs.

mod book;
mod pump;

use std::sync::{Arc, Mutex, PoisonError};

use headcount_api::Event;
use tokio::sync::broadcast;

pub use book::WatchedBook;
pub(crate) use pump::pump;

use crate::metrics::Metrics;

/// Events kept for a reader that is slow.
const MAX_BEHIND: usize = 4096;

/// Where events are told and followed. Cheap to clone; made before anything else of the
/// daemon, so that books and sources can be built around it.
#[derive(Clone)]
pub struct Feed {
    inner: Arc<Inner>,
}

struct Inner {
    /// Distinguishes the numbers of this run from those of another.
    run: String,
    last: Mutex<u64>,
    readers: broadcast::Sender<Arc<Told>>,
    metrics: Metrics,
}

/// One event, written once for all readers.
pub(crate) struct Told {
    /// Grows by one with each event.
    pub(crate) number: u64,
    /// The event's name.
    pub(crate) name: &'static str,
    /// The event in JSON.
    pub(crate) data: String,
}

impl Feed {
    /// A feed without readers.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each one is another run")]
    pub fn new() -> Self {
        let (readers, _) = broadcast::channel(MAX_BEHIND);
        let started = headcount_controller::Clock::start().now();
        Self {
            inner: Arc::new(Inner {
                run: format!("{:x}", started.as_millis()),
                last: Mutex::new(0),
                readers,
                metrics: Metrics::new(),
            }),
        }
    }

    /// Tells an event to whoever follows.
    pub(crate) fn tell(&self, event: &Event) {
        let mut last = self
            .inner
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *last += 1;
        if self.inner.readers.receiver_count() == 0 {
            return;
        }
        let told = Told {
            number: *last,
            name: event.name(),
            // Only texts and numbers, which always can be written as JSON.
            data: serde_json::to_string(event).unwrap_or_default(),
        };
        // A reader that left in this moment is no loss.
        let _ = self.inner.readers.send(Arc::new(told));
    }

    /// Follows from now on; says the number of the last event before.
    pub(crate) fn follow(&self) -> (broadcast::Receiver<Arc<Told>>, u64) {
        let last = self
            .inner
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        (self.inner.readers.subscribe(), *last)
    }

    /// The id of an event on the wire.
    pub(crate) fn id_of(&self, number: u64) -> String {
        format!("{}-{number}", self.inner.run)
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone(number: u64) -> Event {
        Event::AgentGone {
            agent: format!("a-1-{number}"),
        }
    }

    #[test]
    fn readers_see_numbered_events_in_order() {
        let feed = Feed::new();
        feed.tell(&gone(1));
        let (mut reader, before) = feed.follow();
        assert_eq!(before, 1);
        feed.tell(&gone(2));
        feed.tell(&gone(3));
        let told = [reader.try_recv().unwrap(), reader.try_recv().unwrap()];
        assert_eq!(told.map(|told| told.number), [2, 3]);
    }

    #[test]
    fn a_slow_reader_is_told_how_much_it_missed() {
        let feed = Feed::new();
        let (mut reader, _) = feed.follow();
        for n in 0..=MAX_BEHIND as u64 {
            feed.tell(&gone(n));
        }
        let missed = reader.try_recv().map(|_| ());
        assert_eq!(missed, Err(broadcast::error::TryRecvError::Lagged(1)));
    }
}
