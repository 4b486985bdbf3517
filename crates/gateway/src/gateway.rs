//! The handle of the gateway: words to agents, and counters.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use axum::Router;
use headcount_api::agent::{AttemptRef, ToAgent};
use headcount_model::{AgentId, JobId};
use headcount_ports::{AgentLink, AssignRequest, LinkError, LinkInbox, LogBook};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::{self, Door};
use crate::convert;
use crate::listen::AgentListener;
use crate::options::GatewayOptions;
use crate::seat::Seats;
use crate::serve;
use crate::stats::{Counters, GatewayStats};

/// The agents' own listener.
///
/// Made once by the binary; given to the controller's executor as its
/// [`AgentLink`](headcount_ports::AgentLink).
pub struct Gateway {
    shared: Arc<Shared>,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) options: GatewayOptions,
    pub(crate) inbox: Arc<dyn LinkInbox>,
    pub(crate) logs: Arc<dyn LogBook>,
    pub(crate) seats: Seats,
    pub(crate) counters: Counters,
    /// Connections in all.
    pub(crate) connections: Arc<Semaphore>,
    /// The daemon is stopping.
    pub(crate) stopping: CancellationToken,
    pub(crate) tracker: TaskTracker,
}

impl Gateway {
    /// A gateway that asks `inbox` and keeps output in `logs`. Nothing listens yet.
    #[must_use]
    pub fn new(
        inbox: Arc<dyn LinkInbox>,
        logs: Arc<dyn LogBook>,
        options: GatewayOptions,
    ) -> Arc<Self> {
        let shared = Shared {
            options,
            inbox,
            logs,
            seats: Seats::default(),
            counters: Counters::default(),
            connections: Arc::new(Semaphore::new(options.max_connections)),
            stopping: CancellationToken::new(),
            tracker: TaskTracker::new(),
        };
        Arc::new(Self {
            shared: Arc::new(shared),
        })
    }

    /// The one route, [`PATH`](headcount_api::agent::PATH). Anything else is 404.
    pub fn router(&self) -> Router {
        connection::router(Door::new(&self.shared))
    }

    /// Accepts agents on all of these until `shutdown`, then closes their connections (they come back by
    /// themselves) and returns within two seconds. Nothing is told to the controller about
    /// connections that end this way. Call it once per gateway.
    pub async fn serve(
        &self,
        listeners: Vec<AgentListener>,
        shutdown: impl Future<Output = ()> + Send,
    ) {
        serve::serve(&self.shared, listeners, shutdown).await;
    }

    /// What happened so far.
    #[must_use]
    pub fn stats(&self) -> GatewayStats {
        self.shared.counters.snapshot()
    }

    fn say(&self, agent: AgentId, word: ToAgent) -> Result<(), LinkError> {
        let seat = self.shared.seats.find(agent);
        seat.ok_or(LinkError::NotConnected)?.say(word)
    }
}

#[async_trait]
impl AgentLink for Gateway {
    async fn assign(&self, request: AssignRequest) -> Result<(), LinkError> {
        let seat = self.shared.seats.find(request.agent);
        let seat = seat.ok_or(LinkError::NotConnected)?;
        let attempt = attempt_ref(request.work.job, request.attempt);
        seat.offered(attempt, request.work.log_limit_bytes);
        seat.say(convert::assign(request))
    }

    async fn cancel(&self, agent: AgentId, job: JobId, attempt: u32) -> Result<(), LinkError> {
        self.say(agent, ToAgent::Cancel(attempt_ref(job, attempt)))
    }

    async fn drain(&self, agent: AgentId) -> Result<(), LinkError> {
        self.say(agent, ToAgent::Drain)
    }

    async fn forget(&self, agent: AgentId) {
        self.shared.seats.forget(agent);
    }
}

impl Shared {
    pub(crate) fn count_output(&self, bytes: usize) {
        let counter = &self.counters.output_bytes;
        counter.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_store_retry(&self) {
        self.counters.store_retries.fetch_add(1, Ordering::Relaxed);
    }
}

const fn attempt_ref(job: JobId, attempt: u32) -> AttemptRef {
    AttemptRef {
        job: job.0,
        attempt,
    }
}
