//! How events from the edges reach the controller. The controller implements these;
//! sources, backends and links are given one when they are built.

use async_trait::async_trait;

use headcount_model::{Answer, BackendEvent, BackendId, LinkEvent, SourceEvent, SourceId};

/// Takes what sources tell.
#[async_trait]
pub trait SourceInbox: Send + Sync {
    /// Waits while the inbox is full; returns once the event is in it.
    async fn post(&self, source: &SourceId, event: SourceEvent);
}

/// Takes what backends tell.
#[async_trait]
pub trait BackendInbox: Send + Sync {
    /// Waits while the inbox is full; returns once the event is in it.
    async fn post(&self, backend: &BackendId, event: BackendEvent);
}

/// Takes what agents tell.
#[async_trait]
pub trait LinkInbox: Send + Sync {
    /// Waits until the round that took the event in is durable, and returns its answer.
    /// [`Refusal::Stopping`](headcount_model::Refusal::Stopping) when the controller ends before that: nothing is promised.
    async fn post(&self, event: LinkEvent) -> Answer;
}
