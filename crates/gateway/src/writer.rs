//! What is said to one agent.
//!
//! Promise: words go out in order, each within a deadline; a connection on which nothing
//! was said for a while gets a ping, so that an agent can tell a busy daemon from a dead
//! one, even while its own messages wait to be stored.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use headcount_api::agent::ToAgent;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::options::GatewayOptions;

/// Saying goodbye takes at most this long.
const GOODBYE: Duration = Duration::from_secs(1);

/// The sending half of a connection.
pub(crate) struct Writer {
    sink: SplitSink<WebSocket, Message>,
    options: GatewayOptions,
}

/// The connection cannot be written to.
#[derive(Debug)]
pub(crate) struct Unwritable;

impl Writer {
    pub(crate) const fn new(sink: SplitSink<WebSocket, Message>, options: GatewayOptions) -> Self {
        Self { sink, options }
    }

    /// Says one word.
    pub(crate) async fn say(&mut self, word: &ToAgent) -> Result<(), Unwritable> {
        let text = serde_json::to_string(word).map_err(|error| {
            tracing::error!(%error, "a message to an agent cannot be encoded");
            Unwritable
        })?;
        self.send(Message::text(text)).await
    }

    /// Says what comes, and pings between; returns when it cannot be written any more.
    pub(crate) async fn say_all(&mut self, words: &mut mpsc::Receiver<ToAgent>) -> Unwritable {
        loop {
            let said = match timeout(self.options.heartbeat, words.recv()).await {
                Ok(Some(word)) => self.say(&word).await,
                // The connection itself holds a sender, so this does not happen.
                Ok(None) => return Unwritable,
                Err(_) => self.send(Message::Ping(Default::default())).await,
            };
            if let Err(unwritable) = said {
                return unwritable;
            }
        }
    }

    /// Closes the connection with a code of the WebSocket protocol and a reason.
    pub(crate) async fn close(mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        let goodbye = async {
            self.sink.send(Message::Close(Some(frame))).await?;
            self.sink.close().await
        };
        // Whoever does not listen any more misses only the reason.
        let _ = timeout(GOODBYE, goodbye).await;
    }

    async fn send(&mut self, frame: Message) -> Result<(), Unwritable> {
        match timeout(self.options.silence, self.sink.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Unwritable),
        }
    }
}
