//! HTTP up to the upgrade, within bounds.
//!
//! Promise: a connection that does not get through TLS and its request in time is closed,
//! and while many such are open on a listener no further one is accepted there: the others
//! wait in the kernel's queue. Strangers at one listener keep nobody out of another. With no
//! connection no timer runs.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use futures_util::future::join_all;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower::ServiceExt;

use crate::connection::{self, Door};
use crate::gateway::Shared;
use crate::listen::{Accepted, AgentListener, Stream};
use crate::refusal::Code;
use crate::tls::HandshakeError;

/// A request has a few short headers.
const MAX_HEADER_BYTES: usize = 16 * 1024;
/// Closing all connections takes at most this long.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// Accepts connections until `shutdown`, then closes them all.
pub(crate) async fn serve(
    shared: &Arc<Shared>,
    listeners: Vec<AgentListener>,
    shutdown: impl Future<Output = ()>,
) {
    let accepting = listeners.iter().map(|it| accept_all(shared, it));
    tokio::select! {
        _ = join_all(accepting) => {}
        () = shutdown => {}
    }
    shared.stopping.cancel();
    drop(listeners);
    shared.tracker.close();
    if timeout(CLOSE_LIMIT, shared.tracker.wait()).await.is_err() {
        tracing::info!("some agent connections did not close in time");
    }
}

async fn accept_all(shared: &Arc<Shared>, listener: &AgentListener) {
    let router = connection::router(Door::new(shared));
    let requests = Arc::new(Semaphore::new(shared.options.max_strangers));
    // The semaphore is never closed, so this goes on until it is dropped.
    while let Ok(place) = Arc::clone(&requests).acquire_owned().await {
        let accepted = listener.accept().await;
        let (shared, router) = (shared.clone(), router.clone());
        let tracker = shared.tracker.clone();
        tracker.spawn(async move {
            tokio::select! {
                () = answer(&shared, accepted, router) => {}
                () = shared.stopping.cancelled() => {}
            }
            drop(place);
        });
    }
}

/// One connection up to its upgrade.
async fn answer(shared: &Shared, accepted: Accepted, router: Router) {
    let refused = match timeout(shared.options.greeting, accepted.open()).await {
        Ok(Ok(stream)) => return answer_requests(shared, stream, router).await,
        Ok(Err(HandshakeError::NotTls)) => Code::NoTls,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a connection ended before TLS was agreed on");
            Code::BadHandshake
        }
        Err(_) => Code::SlowHandshake,
    };
    shared.counters.refused(refused);
    tracing::debug!(code = refused.word(), "a connection is refused");
}

async fn answer_requests(shared: &Shared, stream: Box<dyn Stream>, router: Router) {
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
