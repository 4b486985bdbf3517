//! What every route shares, and the routes together.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use headcount_api::Event;
use headcount_controller::{Clock, Handle};
use headcount_ports::{JobBook, LogBook, TimeBook};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::access::{Access, guard};
use crate::feed::{Feed, pump};
use crate::needs::{Daemon, Grammar, Queue, ReloadRefused, Reloaded};
use crate::refused::{Answer, Kind, Refused};
use crate::routes;

/// Streams (events, followed logs, waits) open at once; fewer than connections, so that
/// ordinary requests always get through.
pub const MAX_STREAMS: usize = 1024;

/// Everything a server is built from.
pub struct Parts {
    /// The running controller.
    pub handle: Handle,
    /// The daemon's clock.
    pub clock: Clock,
    /// Jobs, for reading.
    pub jobs: Arc<dyn JobBook>,
    /// Output, for reading.
    pub logs: Arc<dyn LogBook>,
    /// The time of agents, for reading.
    pub time: Arc<dyn TimeBook>,
    /// The built-in queue.
    pub queue: Arc<dyn Queue>,
    /// The configuration and the past.
    pub daemon: Arc<dyn Daemon>,
    /// The grammar of small texts.
    pub grammar: Arc<dyn Grammar>,
    /// The feed that the queue's book tells.
    pub feed: Feed,
    /// Who may talk to the API.
    pub access: Access,
    /// Cancelled when the daemon ends: streams end with it.
    pub closing: CancellationToken,
}

/// What every route shares. Cheap to clone.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    streams: Arc<Semaphore>,
    refuses_jobs: AtomicBool,
}

impl Server {
    /// Begins to pass on what the loop tells. Call it inside the runtime, once.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let events = parts.handle.events();
        let pump = pump(parts.feed.clone(), Arc::clone(&parts.jobs), events);
        let closing = parts.closing.clone();
        tokio::spawn(closing.run_until_cancelled_owned(pump));
        Self {
            inner: Arc::new(Inner {
                parts,
                streams: Arc::new(Semaphore::new(MAX_STREAMS)),
                refuses_jobs: AtomicBool::new(false),
            }),
        }
    }

    /// Refuses new jobs from now on, because the daemon is stopping. What is there can
    /// still be looked at and followed.
    pub fn stop_taking(&self) {
        self.inner.refuses_jobs.store(true, Ordering::Relaxed);
    }

    /// Reads the configuration again, for a route or a signal, and tells whoever watches.
    ///
    /// # Errors
    /// Nothing has changed.
    pub async fn reload(&self) -> Result<Reloaded, ReloadRefused> {
        let result = self.daemon().reload().await;
        let word = match &result {
            Ok(reloaded) => {
                let changes = reloaded.changes.len() as u64;
                self.feed().tell(&Event::Config { changes });
                "ok"
            }
            Err(ReloadRefused::Invalid(_)) => "invalid",
            Err(ReloadRefused::Stopping) => "stopping",
        };
        self.feed().metrics().reloaded(word);
        result
    }

    pub(crate) fn check_taking(&self) -> Answer<()> {
        if self.inner.refuses_jobs.load(Ordering::Relaxed) {
            return Err(Refused::stopping());
        }
        Ok(())
    }

    /// A place among the streams, given back when it is dropped.
    pub(crate) fn stream_place(&self) -> Answer<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.inner.streams).try_acquire_owned();
        place.map_err(|_| {
            let detail = format!("{MAX_STREAMS} streams are open, and no more are served");
            Refused::new(Kind::TooManyStreams, detail).hint("close others, or try again")
        })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.inner.parts.handle
    }

    pub(crate) fn clock(&self) -> Clock {
        self.inner.parts.clock
    }

    pub(crate) fn jobs(&self) -> &dyn JobBook {
        &*self.inner.parts.jobs
    }

    pub(crate) fn logs(&self) -> &dyn LogBook {
        &*self.inner.parts.logs
    }

    pub(crate) fn time(&self) -> &dyn TimeBook {
        &*self.inner.parts.time
    }

    pub(crate) fn queue(&self) -> &dyn Queue {
        &*self.inner.parts.queue
    }

    pub(crate) fn daemon(&self) -> &Arc<dyn Daemon> {
        &self.inner.parts.daemon
    }

    pub(crate) fn grammar(&self) -> &dyn Grammar {
        &*self.inner.parts.grammar
    }

    pub(crate) fn feed(&self) -> &Feed {
        &self.inner.parts.feed
    }

    pub(crate) fn access(&self) -> &Access {
        &self.inner.parts.access
    }

    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.inner.parts.closing
    }
}

/// All routes of the API and the page, guarded and counted. Routers that are merged into
/// it afterwards bring their own guards.
pub fn router(server: &Server) -> Router {
    routes::all()
        .layer(from_fn_with_state(server.clone(), guard))
        .layer(from_fn_with_state(server.clone(), count))
        .with_state(server.clone())
}

/// Counts requests by the pattern of their route, and marks every answer as not to be
/// guessed at and not to be framed.
async fn count(State(server): State<Server>, request: Request, next: Next) -> Response {
    let method = method_word(request.method());
    let path = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    let route = path.as_ref().map_or("other", MatchedPath::as_str);
    let status = response.status().as_u16();
    server.feed().metrics().requested(method, route, status);
    let headers = response.headers_mut();
    for (name, value) in HARDENING {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    response
}

const HARDENING: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
];

/// A closed list: a client may make up methods.
const fn method_word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}
