//! HTTP up to the upgrade, within bounds.
//!
//! Promise: a connection that does not get through its request in time is closed, and
//! while many such are open no further one is accepted: the others wait in the kernel's
//! queue. With no connection no timer runs.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower::ServiceExt;

use crate::connection;
use crate::gateway::Shared;
use crate::listen::{AgentListener, Stream};

/// A request has a few short headers.
const MAX_HEADER_BYTES: usize = 16 * 1024;
/// Closing all connections takes at most this long.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// Accepts connections until `shutdown`, then closes them all.
pub(crate) async fn serve(
    shared: &Arc<Shared>,
    listener: AgentListener,
    shutdown: impl Future<Output = ()>,
) {
    let router = connection::router(Arc::clone(shared));
    tokio::select! {
        () = accept_all(shared, &listener, &router) => {}
        () = shutdown => {}
    }
    shared.stopping.cancel();
    drop(listener);
    shared.tracker.close();
    if timeout(CLOSE_LIMIT, shared.tracker.wait()).await.is_err() {
        tracing::info!("some agent connections did not close in time");
    }
}

async fn accept_all(shared: &Arc<Shared>, listener: &AgentListener, router: &Router) {
    let requests = Arc::new(Semaphore::new(shared.options.max_strangers));
    // The semaphore is never closed, so this goes on until it is dropped.
    while let Ok(place) = Arc::clone(&requests).acquire_owned().await {
        let stream = listener.accept().await;
        let (shared, router) = (Arc::clone(shared), router.clone());
        let tracker = shared.tracker.clone();
        tracker.spawn(async move {
            tokio::select! {
                () = answer(&shared, stream, router) => {}
                () = shared.stopping.cancelled() => {}
            }
            drop(place);
        });
    }
}

/// One connection up to its upgrade.
async fn answer(shared: &Shared, stream: Box<dyn Stream>, router: Router) {
    let service = service_fn(move |request: Request<Incoming>| {
        router.clone().oneshot(request.map(Body::new))
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.options.greeting)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended before it was an agent's");
    }
}
