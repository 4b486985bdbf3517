//! HTTP on loopback.
//!
//! Promise: one request, one answer; a cut connection is a cut connection. Leaves what is
//! answered to `requests` and `watch`.

use std::io;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::cluster::Shared;
use crate::faults::Trouble;
use crate::path::Asked;
use crate::requests::{Answer, Granted, answer};
use crate::status::Refusal;
use crate::watch::follow;

/// No object is larger.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// Answers until it is cancelled, with every connection.
pub(crate) async fn serve(shared: Arc<Shared>, listener: TcpListener, until: CancellationToken) {
    while let Some(Ok((stream, _))) = until.run_until_cancelled(listener.accept()).await {
        let (shared, until) = (shared.clone(), until.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| respond(shared.clone(), request));
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            // A client may go away at any moment.
            drop(until.run_until_cancelled(connection).await);
        });
    }
}

/// An error cuts the connection.
async fn respond(shared: Arc<Shared>, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let Some(asked) = Asked::read(&parts.method, parts.uri.path(), query) else {
        let message = "the server could not find the requested resource";
        return Ok(refused(&Refusal::new(404, "NotFound", message)));
    };
    let body = to_bytes(Body::new(body), MAX_BODY)
        .await
        .map_err(io::Error::other)?;
    let body: Value = match body.is_empty() {
        true => Value::Null,
        false => match serde_json::from_slice(&body) {
            Ok(body) => body,
            Err(error) => return Ok(refused(&Refusal::bad_request(&error.to_string()))),
        },
    };
    let trouble = shared.note(&asked);
    let name = body["metadata"]["name"].as_str().unwrap_or(&asked.name);
    if let Some(refusal) = trouble.as_ref().and_then(|it| it.refusal(&asked, name)) {
        return Ok(refused(&refusal));
    }
    match trouble {
        Some(Trouble::Cut) => return Err(io::ErrorKind::ConnectionReset.into()),
        Some(Trouble::Held(gate)) => gate.notified().await,
        Some(Trouble::LostAnswer) => {
            drop(shared.change(|state| answer(state, &asked, body)));
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        _ => {}
    }
    Ok(act(&shared, asked, body))
}

fn act(shared: &Arc<Shared>, asked: Asked, body: Value) -> Response<Body> {
    if asked.verb == "watch" {
        return match follow(shared, asked) {
            Ok(lines) => ok(StatusCode::OK, "application/json", lines),
            Err(refusal) => refused(&refusal),
        };
    }
    match shared.change(|state| answer(state, &asked, body)) {
        Ok(Answer::Object(code, object)) => {
            let code = StatusCode::from_u16(code).expect("a status");
            ok(code, "application/json", Body::from(object.to_string()))
        }
        Ok(Answer::Text(text)) => ok(StatusCode::OK, "text/plain", Body::from(text)),
        Err(refusal) => refused(&refusal),
    }
}

fn ok(code: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let response = Response::builder().status(code);
    let response = response.header(header::CONTENT_TYPE, kind);
    response.body(body).expect("a response")
}

fn refused(refusal: &Refusal) -> Response<Body> {
    let code = StatusCode::from_u16(refusal.code).expect("a status");
    let mut response = ok(
        code,
        "application/json",
        Body::from(refusal.body.to_string()),
    );
    if let Some(seconds) = refusal.body["details"]["retryAfterSeconds"].as_u64() {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

impl Shared {
    /// Writes down what is asked, and says what goes wrong with it.
    fn note(&self, asked: &Asked) -> Option<Trouble> {
        let mut state = self.lock();
        let granted = Granted::of(asked);
        *state.counts.entry(granted.clone()).or_default() += 1;
        state.asked.insert(granted);
        let trouble = state.faults.meet(asked);
        drop(state);
        self.ticks.send_modify(|tick| tick.requests += 1);
        trouble
    }
}
