//! Live events (server-sent events).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event as Sent, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use futures_util::stream;
use headcount_api::{Event, Problem};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::feed::Told;
use crate::refused::Answer;
use crate::server::Server;

/// A quiet stream sends a comment this often, so that proxies keep it open and a dead
/// client is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Everything that changes, as it changes. The first event is `hello`; `missed` says that
/// something was left out, and that the client should fetch everything again.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    operation_id = "watchEvents",
    tag = "events",
    params(("last-event-id" = Option<String>, Header, description = "Sent by browsers that come back")),
    responses(
        (status = 200, description = "Server-sent events whose data is an `Event`", body = Event, content_type = "text/event-stream"),
        (status = 503, description = "Too many streams are open", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn events(State(server): State<Server>, headers: HeaderMap) -> Answer<Response> {
    let place = server.stream_place()?;
    let (reader, last) = server.feed().follow();
    let known = headers.get(LAST_EVENT_ID).map(HeaderValue::as_bytes);
    let now = server.feed().id_of(last);
    let missed = known.is_some_and(|known| known != now.as_bytes());
    let mut greeting = vec![sent(&now, &hello())];
    if missed {
        greeting.push(sent(&now, &Event::Missed { count: None }));
    }
    greeting.reverse();
    let follower = Follower {
        _place: place,
        server,
        reader,
        greeting,
        last,
    };
    let events = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(events).keep_alive(keep_alive).into_response())
}

struct Follower {
    _place: OwnedSemaphorePermit,
    server: Server,
    reader: Receiver<Arc<Told>>,
    /// Sent first, last one first.
    greeting: Vec<Sent>,
    /// The number of the last event sent.
    last: u64,
}

impl Follower {
    /// The next event; `None` when the daemon ends.
    async fn next(&mut self) -> Option<Sent> {
        if let Some(greeting) = self.greeting.pop() {
            return Some(greeting);
        }
        let closing = self.server.closing();
        match closing.run_until_cancelled(self.reader.recv()).await? {
            Ok(told) => {
                self.last = told.number;
                let id = self.server.feed().id_of(told.number);
                Some(Sent::default().id(id).event(told.name).data(&told.data))
            }
            Err(RecvError::Lagged(count)) => {
                self.last += count;
                let id = self.server.feed().id_of(self.last);
                Some(sent(&id, &Event::Missed { count: Some(count) }))
            }
            Err(RecvError::Closed) => None,
        }
    }
}

fn hello() -> Event {
    Event::Hello {
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn sent(id: &str, event: &Event) -> Sent {
    // Only texts and numbers, which always can be written as JSON.
    let data = serde_json::to_string(event).unwrap_or_default();
    Sent::default().id(id).event(event.name()).data(data)
}
