//! Connections: bounded in number, with deadlines, ended politely.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Connections open at once; further ones wait to be accepted.
pub const MAX_CONNECTIONS: usize = 2048;
/// A client that has not sent its headers by then is gone, and so is a connection that
/// has been kept alive for so long without a request.
const HEADER_DEADLINE: Duration = Duration::from_secs(30);
/// What is being answered when the daemon ends has so long to be finished.
const CLOSING_DEADLINE: Duration = Duration::from_secs(5);
/// After the host refused to accept, because it has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves `router` until `closing` is cancelled; then finishes what is being answered, up
/// to a bound.
pub async fn serve(listener: TcpListener, router: Router, closing: CancellationToken) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let next = next(&listener, Arc::clone(&places));
        let Some((stream, place)) = closing.run_until_cancelled(next).await else {
            break;
        };
        tokio::spawn(connection(stream, place, router.clone(), closing.clone()));
    }
    drop(listener);
    let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
    // Every place free means every connection ended; the rest is cut off.
    let _ = tokio::time::timeout(CLOSING_DEADLINE, places.acquire_many(all)).await;
}

/// The next connection and its place.
async fn next(
    listener: &TcpListener,
    places: Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let place = places.acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

async fn connection(
    stream: TcpStream,
    place: Option<OwnedSemaphorePermit>,
    router: Router,
    closing: CancellationToken,
) {
    // Small answers must not wait for more.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection has no TCP_NODELAY");
    }
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        router.clone().oneshot(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_DEADLINE)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = match closing.run_until_cancelled(connection.as_mut()).await {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
    drop(place);
}
