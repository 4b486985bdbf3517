//! The connection to the daemon: opened, greeted, pumped, and opened again.
//!
//! Promise: whoever listens to the events sees `Greet`, then `Up`, then what is heard,
//! then `Down`, again and again, until `Refused` or until they let go of the sender in
//! `Up`. A connection on which nothing arrives is given up; no wait is without a bound.
//!
//! Leaves to others: what is said (`desk`), when to give up for good (`agent`).

use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use headcount_api::agent::{FromAgent, OLDEST_PROTOCOL, PROTOCOL, ToAgent};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::backoff::delay;
use crate::dial::{Dialer, Socket};
use crate::session::{Input, State, Step, transition};
use crate::settings::Timing;

/// Opening a stream and its handshake take at most this long.
const DIAL_LIMIT: Duration = Duration::from_secs(10);
/// Saying goodbye takes at most this long.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// A connection that was up for this long counts as a good one.
const GOOD_WHILE: Duration = Duration::from_secs(10);
/// Messages on their way to the socket.
const MAX_OUTGOING: usize = 4;

/// What happens on the line.
pub(crate) enum Event {
    /// A stream is open: what is the first message?
    Greet(oneshot::Sender<FromAgent>),
    /// Welcomed: messages go here. Dropping the sender closes the line for good.
    Up(mpsc::Sender<FromAgent>),
    /// The daemon said something.
    Heard(ToAgent),
    /// The connection broke; another will be opened.
    Down,
    /// The daemon does not want us; the line is closed for good.
    Refused,
}

/// The line.
pub(crate) struct Line {
    pub(crate) dialer: Dialer,
    pub(crate) timing: Timing,
    pub(crate) events: mpsc::Sender<Event>,
}

/// Nobody listens any more.
struct Unheard;

impl Line {
    /// Keeps the line up until it is refused or let go of.
    pub(crate) async fn run(self) {
        // Whoever let go of the line knows that it ends.
        let _: Result<(), Unheard> = self.keep_up().await;
    }

    async fn keep_up(&self) -> Result<(), Unheard> {
        let mut state = State::Connecting(0);
        let mut step = Step::Connect;
        let mut socket = None;
        loop {
            let input = match step {
                Step::Connect => self.connect(&mut socket).await,
                Step::Greet => self.greet(&mut socket).await?,
                Step::Serve => self.serve(socket.take()).await?,
                Step::Wait(tries) => self.wait(tries, socket.take()).await,
                Step::End => return self.tell(Event::Refused).await,
                Step::Ignore => return Ok(()),
            };
            (state, step) = transition(state, input);
        }
    }

    async fn connect(&self, socket: &mut Option<Socket>) -> Input {
        let problem = match timeout(DIAL_LIMIT, self.dialer.dial()).await {
            Ok(Ok(open)) => {
                *socket = Some(open);
                return Input::Opened;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it takes too long".to_owned(),
        };
        tracing::info!(problem, "daemon cannot be reached");
        Input::Broken
    }

    async fn wait(&self, tries: u32, broken: Option<Socket>) -> Input {
        drop(broken);
        // Without random numbers agents come back at the same moment: no harm.
        let random = getrandom::u32().unwrap_or_default();
        sleep(delay(tries, random)).await;
        Input::Waited
    }

    async fn greet(&self, socket: &mut Option<Socket>) -> Result<Input, Unheard> {
        let Some(socket) = socket else {
            return Ok(Input::Broken);
        };
        let (reply, greeting) = oneshot::channel();
        self.tell(Event::Greet(reply)).await?;
        let greeting = greeting.await.map_err(|_| Unheard)?;
        let exchange = async {
            socket.send(encode(&greeting)?).await.map_err(drop_reason)?;
            loop {
                let frame = socket.next().await.ok_or(())?.map_err(drop_reason)?;
                if let Some(answer) = decode(&frame)? {
                    return Ok::<_, ()>(answer);
                }
            }
        };
        Ok(match timeout(self.timing.silence, exchange).await {
            Ok(Ok(answer)) => judge(&answer),
            Ok(Err(())) | Err(_) => Input::Broken,
        })
    }

    /// Pumps frames until the connection breaks.
    async fn serve(&self, socket: Option<Socket>) -> Result<Input, Unheard> {
        let Some(socket) = socket else {
            return Ok(Input::Broken);
        };
        let (mut sink, mut stream) = socket.split();
        let (outgoing, messages) = mpsc::channel(MAX_OUTGOING);
        self.tell(Event::Up(outgoing)).await?;
        let up_since = Instant::now();
        let input = tokio::select! {
            input = self.hear(&mut stream) => input?,
            said = self.say(&mut sink, messages) => match said {
                Ok(()) => {
                    wait_for_close(&mut stream).await;
                    return Err(Unheard);
                }
                Err(()) => Input::Broken,
            },
        };
        self.tell(Event::Down).await?;
        Ok(match input {
            Input::Broken if up_since.elapsed() >= GOOD_WHILE => Input::Lost,
            other => other,
        })
    }

    async fn hear(&self, stream: &mut SplitStream<Socket>) -> Result<Input, Unheard> {
        loop {
            let frame = match timeout(self.timing.silence, stream.next()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Ok(broken(&error.to_string())),
                Ok(None) => return Ok(broken("the daemon closed it")),
                Err(_) => return Ok(broken("nothing was heard for too long")),
            };
            match decode(&frame) {
                Ok(Some(refused @ ToAgent::Refused { .. })) => return Ok(judge(&refused)),
                Ok(Some(message)) => self.tell(Event::Heard(message)).await?,
                Ok(None) => {}
                Err(()) => return Ok(broken("a message was not understood")),
            }
        }
    }

    /// Sends messages and pings; returns when the sender is let go of.
    async fn say(
        &self,
        sink: &mut SplitSink<Socket, Message>,
        mut messages: mpsc::Receiver<FromAgent>,
    ) -> Result<(), ()> {
        let period = self.timing.heartbeat;
        let mut heartbeat = interval_at(Instant::now() + period, period);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let frame = tokio::select! {
                message = messages.recv() => match message {
                    Some(message) => encode(&message)?,
                    None => break,
                },
                _ = heartbeat.tick() => Message::Ping(Default::default()),
            };
            let sent = timeout(self.timing.silence, sink.send(frame)).await;
            sent.map_err(|_| ())?.map_err(drop_reason)?;
        }
        // The daemon notices a closed socket as well as a goodbye.
        let _ = timeout(CLOSE_LIMIT, sink.close()).await;
        Ok(())
    }

    async fn tell(&self, event: Event) -> Result<(), Unheard> {
        self.events.send(event).await.map_err(|_| Unheard)
    }
}

/// A socket that is closed while the daemon still writes to it may lose what was said
/// last, so the daemon closes first.
async fn wait_for_close(stream: &mut SplitStream<Socket>) {
    let closed = async { while let Some(Ok(_)) = stream.next().await {} };
    // A daemon that does not listen any more misses only the last words.
    let _ = timeout(CLOSE_LIMIT, closed).await;
}

fn judge(answer: &ToAgent) -> Input {
    match answer {
        ToAgent::Welcome { protocol } if (OLDEST_PROTOCOL..=PROTOCOL).contains(protocol) => {
            Input::Welcomed
        }
        ToAgent::Welcome { protocol } => {
            tracing::error!(
                protocol,
                "daemon speaks a protocol version that this agent does not; use the agent of the daemon's version"
            );
            Input::Refused
        }
        ToAgent::Refused {
            code,
            message,
            retry: true,
        } => {
            tracing::info!(code, message, "daemon asks to come back later");
            Input::RefusedForNow
        }
        ToAgent::Refused { code, message, .. } => {
            tracing::error!(code, message, "daemon refuses this agent");
            Input::Refused
        }
        _ => broken("the daemon said something before its welcome"),
    }
}

fn broken(problem: &str) -> Input {
    tracing::info!(problem, "connection to the daemon is lost");
    Input::Broken
}

fn encode(message: &FromAgent) -> Result<Message, ()> {
    serde_json::to_string(message)
        .map(Message::text)
        .map_err(|error| tracing::error!(%error, "a message cannot be encoded"))
}

/// `None` for frames that carry no message; the library answers pings.
fn decode(frame: &Message) -> Result<Option<ToAgent>, ()> {
    match frame {
        Message::Text(text) => serde_json::from_str(text)
            .map(Some)
            .map_err(|error| tracing::error!(%error, "a message of the daemon is not understood")),
        Message::Binary(_) => Err(()),
        Message::Close(reason) => {
            tracing::info!(?reason, "the daemon says goodbye");
            Ok(None)
        }
        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(None),
    }
}

fn drop_reason(error: tokio_tungstenite::tungstenite::Error) {
    tracing::info!(%error, "connection to the daemon is lost");
}
