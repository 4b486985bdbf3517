//! Hands events to the inbox, in order, without making anybody wait.
//!
//! Promise: an instance's events are told in the order they happened. When the inbox stays
//! full for so long that the queue is full too, events are dropped and `Missed` is told
//! instead, which asks for a list.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use headcount_model::{BackendEvent, BackendId};
use headcount_ports::BackendInbox;
use tokio::sync::mpsc;

/// Events that wait for the inbox.
const QUEUE: usize = 16 * 1024;

pub(super) struct Teller {
    queue: mpsc::Sender<BackendEvent>,
    missed: Arc<AtomicBool>,
}

impl Teller {
    /// Starts telling; it stops when the teller is dropped and all is told.
    pub(super) fn start(backend: BackendId, inbox: Arc<dyn BackendInbox>) -> Self {
        Self::with_queue(QUEUE, backend, inbox)
    }

    fn with_queue(size: usize, backend: BackendId, inbox: Arc<dyn BackendInbox>) -> Self {
        let (queue, mut events) = mpsc::channel(size);
        let missed = Arc::new(AtomicBool::new(false));
        let flag = missed.clone();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                inbox.post(&backend, event).await;
                if events.is_empty() && flag.swap(false, Ordering::AcqRel) {
                    inbox.post(&backend, BackendEvent::Missed).await;
                }
            }
        });
        Self { queue, missed }
    }

    pub(super) fn tell(&self, event: BackendEvent) {
        if self.queue.try_send(event).is_err() {
            self.missed.store(true, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headcount_model::{AgentId, Exit};
    use headcount_ports::conformance::backend::Events;

    fn running(number: u32) -> BackendEvent {
        BackendEvent::Running(AgentId { epoch: 1, number })
    }

    #[tokio::test]
    async fn order_is_kept_and_an_overflow_is_told_as_missed() {
        let events = Arc::new(Events::default());
        let teller = Teller::with_queue(2, BackendId::new("x"), events.clone());
        // The future that tells does not run before the first await.
        let gone = BackendEvent::Gone(
            AgentId {
                epoch: 1,
                number: 1,
            },
            Exit::Unknown,
        );
        for event in [running(1), gone.clone(), running(2)] {
            teller.tell(event);
        }
        events.wait_for(BackendEvent::Missed).await;
        assert_eq!(events.all(), [running(1), gone, BackendEvent::Missed]);
        teller.tell(running(3));
        events.wait_for(running(3)).await;
        assert_eq!(events.all().len(), 4);
    }
}
