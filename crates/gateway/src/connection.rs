//! One connection, from its upgrade to its end.
//!
//! ```text
//! stranger --greeting--> proposed --accepted--> welcomed --lost--> gone, told
//!    |                      |                      +--replaced, forgotten, stopping--> gone
//!    +------refused---------+
//! ```

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use headcount_api::agent::{MAX_FRAME_BYTES, PATH, PROTOCOL, ToAgent};
use headcount_model::{AgentId, LinkEvent, Refusal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::conversation::{Conversation, Ended};
use crate::gateway::Shared;
use crate::greeting::{self, Greeting};
use crate::refusal::Code;
use crate::seat::{Ends, Goodbye, Seat};
use crate::writer::{Unwritable, Writer};

/// Read ahead per connection: small, because there may be many connections.
const READ_BUFFER_BYTES: usize = 16 * 1024;

/// Where connections of one listener come in.
#[derive(Clone)]
pub(crate) struct Door {
    shared: Arc<Shared>,
    /// Connections that have not said who they are.
    strangers: Arc<Semaphore>,
}

impl Door {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            strangers: Arc::new(Semaphore::new(shared.options.max_strangers)),
        }
    }
}

/// Where nothing else is served.
pub(crate) fn router(door: Door) -> Router {
    Router::new()
        .route(PATH, any(upgrade))
        .fallback(|| async { (StatusCode::NOT_FOUND, [(header::CONNECTION, "close")]) })
        .with_state(door)
}

/// A place among the connections, and one among the strangers until it is known.
struct Places {
    _connection: OwnedSemaphorePermit,
    stranger: OwnedSemaphorePermit,
}

async fn upgrade(State(door): State<Door>, upgrade: WebSocketUpgrade) -> Response {
    let places = find_places(&door).await;
    let shared = door.shared;
    let Some(places) = places else {
        shared.counters.refused(Code::Full);
        let close = [(header::CONNECTION, "close")];
        return (StatusCode::SERVICE_UNAVAILABLE, close).into_response();
    };
    upgrade
        .max_message_size(MAX_FRAME_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .read_buffer_size(READ_BUFFER_BYTES)
        .on_upgrade(move |socket| {
            let tracker = shared.tracker.clone();
            tracker.track_future(async move { attend(&shared, socket, places).await })
        })
}

/// Waits a little for strangers to become known; in a burst that takes milliseconds.
async fn find_places(door: &Door) -> Option<Places> {
    let shared = &door.shared;
    let connection = Arc::clone(&shared.connections).try_acquire_owned().ok()?;
    let stranger = Arc::clone(&door.strangers).acquire_owned();
    let stranger = timeout(shared.options.greeting, stranger)
        .await
        .ok()?
        .ok()?;
    Some(Places {
        _connection: connection,
        stranger,
    })
}

async fn attend(shared: &Shared, socket: WebSocket, places: Places) {
    let (sink, mut stream) = socket.split();
    let writer = Writer::new(sink, shared.options);
    let greeting = tokio::select! {
        greeting = timeout(shared.options.greeting, greeting::read(&mut stream)) => greeting,
        () = shared.stopping.cancelled() => return writer.close(1001, STOPPING).await,
    };
    let Places {
        _connection,
        stranger,
    } = places;
    drop(stranger);
    match greeting.unwrap_or(Err(Code::NoGreeting)) {
        Ok(greeting) => attend_agent(shared, greeting, writer, stream).await,
        Err(code) => refuse(shared, writer, code).await,
    }
}

const STOPPING: &str = "the daemon is stopping; come back when it is up again";

async fn refuse(shared: &Shared, mut writer: Writer, code: Code) {
    shared.counters.refused(code);
    tracing::warn!(code = code.word(), "an agent connection is refused");
    // Whoever does not listen any more misses only the reason.
    let _ = writer.say(&code.message()).await;
    writer.close(1008, code.word()).await;
}

async fn attend_agent(
    shared: &Shared,
    greeting: Greeting,
    writer: Writer,
    stream: SplitStream<WebSocket>,
) {
    let Greeting { agent, event } = greeting;
    let seat = shared.seats.enter(agent);
    let introduced = timeout(shared.options.answer, introduce(shared, &seat, event)).await;
    match introduced.unwrap_or(Err(Code::NotAnswered)) {
        Ok(ends) => {
            tracing::debug!(%agent, "agent is connected");
            let welcomed = Welcomed {
                shared,
                agent,
                seat: &seat,
            };
            welcomed.serve(writer, stream, ends).await;
            tracing::debug!(%agent, "agent is disconnected");
        }
        Err(code) => {
            tracing::warn!(%agent, code = code.word(), "agent is refused");
            refuse(shared, writer, code).await;
        }
    }
    shared.seats.vacate(agent, seat);
}

/// Asks the controller who this is; afterwards the connection is the agent's, or not.
async fn introduce(shared: &Shared, seat: &Seat, event: LinkEvent) -> Result<Ends, Code> {
    let _gate = seat.gate.lock().await;
    let proposal = Proposal {
        seat,
        ends: Some(seat.propose()),
    };
    match shared.ask(event).await {
        Ok(()) => proposal.accept(),
        Err(Some(refusal)) => Err(Code::from(refusal)),
        Err(None) => Err(Code::from(Refusal::Stopping)),
    }
}

/// A connection that is proposed; unless it is accepted, it is withdrawn.
struct Proposal<'a> {
    seat: &'a Seat,
    ends: Option<Ends>,
}

impl Proposal<'_> {
    fn accept(mut self) -> Result<Ends, Code> {
        let ends = self.ends.take().ok_or(Code::Refused)?;
        self.seat.accept();
        Ok(ends)
    }
}

impl Drop for Proposal<'_> {
    fn drop(&mut self) {
        if let Some(ends) = self.ends.take() {
            self.seat.reject(ends);
        }
    }
}

/// A connection of a known agent.
struct Welcomed<'a> {
    shared: &'a Shared,
    agent: AgentId,
    seat: &'a Seat,
}

/// Why it ended.
enum End {
    Ended(Ended),
    Unwritable,
    Goodbye(Goodbye),
    Stopping,
}

impl Welcomed<'_> {
    async fn serve(&self, mut writer: Writer, mut stream: SplitStream<WebSocket>, mut ends: Ends) {
        let counters = &self.shared.counters;
        counters.welcomed.fetch_add(1, Ordering::Relaxed);
        counters.connected.fetch_add(1, Ordering::Relaxed);
        let end = self.talk(&mut writer, &mut stream, &mut ends).await;
        counters.connected.fetch_sub(1, Ordering::Relaxed);
        drop(stream);
        self.say_goodbye(writer, &end).await;
        if matches!(end, End::Ended(_) | End::Unwritable) {
            self.depart(&ends).await;
        }
    }

    async fn talk(
        &self,
        writer: &mut Writer,
        stream: &mut SplitStream<WebSocket>,
        ends: &mut Ends,
    ) -> End {
        let protocol = PROTOCOL;
        if writer.say(&ToAgent::Welcome { protocol }).await.is_err() {
            return End::Unwritable;
        }
        let conversation = Conversation {
            shared: self.shared,
            agent: self.agent,
            seat: self.seat,
            answers: &ends.answers,
        };
        tokio::select! {
            ended = conversation.listen(stream) => End::Ended(ended),
            Unwritable = writer.say_all(&mut ends.words) => End::Unwritable,
            // A seat that is gone has no connection any more.
            goodbye = &mut ends.goodbye => End::Goodbye(goodbye.unwrap_or(Goodbye::Forgotten)),
            () = self.shared.stopping.cancelled() => End::Stopping,
        }
    }

    async fn say_goodbye(&self, mut writer: Writer, end: &End) {
        match end {
            End::Unwritable => {}
            End::Stopping => writer.close(1001, STOPPING).await,
            End::Goodbye(Goodbye::Replaced) => {
                writer
                    .close(4000, "a newer connection of this agent took its place")
                    .await;
            }
            End::Goodbye(Goodbye::Forgotten) => {
                // Whoever does not listen any more misses only the reason.
                let _ = writer.say(&Code::AgentLeaving.message()).await;
                writer.close(1008, Code::AgentLeaving.word()).await;
            }
            End::Ended(ended) => {
                if *ended == Ended::Misunderstood {
                    self.shared.counters.refused(Code::BadMessage);
                    tracing::warn!(agent = %self.agent, "agent said something that is not understood");
                }
                let (code, reason) = ended.close_reason();
                writer.close(code, reason).await;
            }
        }
    }

    /// Tells the controller, unless a newer connection took its place meanwhile.
    async fn depart(&self, ends: &Ends) {
        let _gate = self.seat.gate.lock().await;
        if self.seat.depart(&ends.answers) && !self.shared.stopping.is_cancelled() {
            // Whatever the answer: there is nobody to tell.
            self.shared
                .inbox
                .post(LinkEvent::Disconnected(self.agent))
                .await;
        }
    }
}
