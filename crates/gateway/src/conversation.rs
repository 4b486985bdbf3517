//! What one welcomed agent says: claims, output, results.
//!
//! Promise: messages are taken in order, one at a time; each is answered only when what it
//! says is durable. Output is taken only for attempts that the controller granted to this
//! agent. While the store has no room the agent's messages wait.

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use headcount_api::agent::{AttemptRef, Chunk, FromAgent, ToAgent};
use headcount_model::{AgentId, Answer, JobId, LinkEvent, Refusal};
use headcount_ports::{LogChunk, StoreError};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError;

use crate::convert;
use crate::gateway::Shared;
use crate::seat::Seat;

/// One agent's side of the conversation.
pub(crate) struct Conversation<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) agent: AgentId,
    pub(crate) seat: &'a Seat,
    pub(crate) answers: &'a mpsc::Sender<ToAgent>,
}

/// Why a conversation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ended {
    /// The agent closed it, or it broke.
    Lost,
    /// Nothing was heard for too long.
    Silent,
    /// Something was said that cannot be understood.
    Misunderstood,
    /// The controller gave no answer: the agent must ask again later.
    Unanswered,
}

/// What the controller said, when it said anything.
enum Verdict {
    Yes,
    No(Refusal),
}

impl Conversation<'_> {
    /// Listens until the connection ends.
    pub(crate) async fn listen(&self, stream: &mut SplitStream<WebSocket>) -> Ended {
        loop {
            let frame = match timeout(self.shared.options.silence, stream.next()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return broken(error),
                Ok(None) => return Ended::Lost,
                Err(_) => return Ended::Silent,
            };
            let handled = match frame {
                Message::Text(text) => match serde_json::from_str(&text) {
                    Ok(message) => self.hear(message).await,
                    Err(_) => Err(Ended::Misunderstood),
                },
                Message::Ping(_) | Message::Pong(_) => Ok(()),
                Message::Binary(_) => Err(Ended::Misunderstood),
                Message::Close(_) => Err(Ended::Lost),
            };
            if let Err(ended) = handled {
                return ended;
            }
        }
    }

    async fn hear(&self, message: FromAgent) -> Result<(), Ended> {
        match message {
            FromAgent::Claim(attempt) => self.claim(attempt).await,
            FromAgent::Decline(attempt) => self.decline(attempt).await,
            FromAgent::Output { attempt, chunks } => self.output(attempt, chunks).await,
            FromAgent::Finished { attempt, outcome } => {
                let event = convert::finished(self.agent, attempt, outcome);
                self.finish(attempt, event).await
            }
            FromAgent::Leaving => self.ask(LinkEvent::Leaving(self.agent)).await.map(drop),
            FromAgent::Register { .. } | FromAgent::Resume { .. } => Err(Ended::Misunderstood),
        }
    }

    async fn claim(&self, attempt: AttemptRef) -> Result<(), Ended> {
        if self.is_granted(attempt).await? {
            self.answer(ToAgent::Granted(attempt)).await?;
        }
        Ok(())
    }

    async fn decline(&self, attempt: AttemptRef) -> Result<(), Ended> {
        self.ask(convert::declined(self.agent, attempt)).await?;
        self.seat.over(attempt);
        Ok(())
    }

    async fn finish(&self, attempt: AttemptRef, event: LinkEvent) -> Result<(), Ended> {
        let verdict = self.ask(event).await?;
        self.seat.over(attempt);
        match verdict {
            Verdict::Yes => self.answer(ToAgent::Recorded(attempt)).await,
            Verdict::No(refusal) => self.deny(attempt, refusal).await,
        }
    }

    async fn output(&self, attempt: AttemptRef, chunks: Vec<Chunk>) -> Result<(), Ended> {
        let chunks = understand(chunks)?;
        let limit = match self.seat.log_limit(attempt) {
            Some(limit) => limit,
            // Granted by an earlier run of this daemon, or not at all: a claim that was
            // granted is granted again.
            None if self.is_granted(attempt).await? => {
                let limit = self.seat.log_limit(attempt);
                limit.unwrap_or(self.shared.options.default_log_limit)
            }
            None => return Ok(()),
        };
        let through = self.store(attempt, limit, chunks).await;
        self.answer(ToAgent::Stored { attempt, through }).await
    }

    /// Asks whether the attempt is this agent's; if not, the agent is told to drop it.
    async fn is_granted(&self, attempt: AttemptRef) -> Result<bool, Ended> {
        match self.ask(convert::claimed(self.agent, attempt)).await? {
            Verdict::Yes => {
                let default = self.shared.options.default_log_limit;
                self.seat.granted(attempt, default);
                Ok(true)
            }
            Verdict::No(refusal) => {
                self.seat.over(attempt);
                self.deny(attempt, refusal).await?;
                Ok(false)
            }
        }
    }

    /// Stores chunks, however long it takes, and returns through which number.
    async fn store(&self, attempt: AttemptRef, limit: u64, chunks: Vec<LogChunk>) -> u64 {
        let last = chunks.last().map_or(0, |chunk| chunk.number);
        let bytes: usize = chunks.iter().map(|chunk| chunk.bytes.len()).sum();
        let (mut delay, longest) = self.shared.options.store_retry;
        loop {
            let logs = &self.shared.logs;
            let job = JobId(attempt.job);
            match logs
                .append(job, attempt.attempt, limit, chunks.clone())
                .await
            {
                Ok(through) => {
                    self.shared.count_output(bytes);
                    return through;
                }
                Err(StoreError::Conflict(problem)) => {
                    tracing::warn!(agent = %self.agent, %job, problem, "output is refused by the store and dropped");
                    return last;
                }
                Err(error) => {
                    self.shared.count_store_retry();
                    tracing::warn!(agent = %self.agent, %job, %error, "output cannot be stored now; trying again");
                }
            }
            sleep(delay).await;
            delay = delay
                .saturating_mul(2)
                .min(longest.max(Duration::from_millis(1)));
        }
    }

    async fn ask(&self, event: LinkEvent) -> Result<Verdict, Ended> {
        match self.shared.ask(event).await {
            Ok(()) => Ok(Verdict::Yes),
            Err(Some(refusal)) => Ok(Verdict::No(refusal)),
            Err(None) => Err(Ended::Unanswered),
        }
    }

    async fn deny(&self, attempt: AttemptRef, refusal: Refusal) -> Result<(), Ended> {
        let code = refusal.code().to_owned();
        tracing::info!(agent = %self.agent, job = attempt.job, attempt = attempt.attempt, code, "attempt denied");
        self.answer(ToAgent::Denied { attempt, code }).await
    }

    async fn answer(&self, word: ToAgent) -> Result<(), Ended> {
        // The writer gives up on an agent that does not read, which ends this wait too.
        self.answers.send(word).await.map_err(|_| Ended::Lost)
    }
}

impl Shared {
    /// Asks the controller. `Err(None)`: nothing is promised.
    pub(crate) async fn ask(&self, event: LinkEvent) -> Result<(), Option<Refusal>> {
        match timeout(self.options.answer, self.inbox.post(event)).await {
            Ok(Answer::Applied | Answer::Known) => Ok(()),
            Ok(Answer::Refused(Refusal::Stopping)) | Err(_) => Err(None),
            Ok(Answer::Refused(refusal)) => Err(Some(refusal)),
        }
    }
}

/// Chunks count upwards and hold base64, else nothing of them is taken.
fn understand(chunks: Vec<Chunk>) -> Result<Vec<LogChunk>, Ended> {
    let rising = chunks.is_sorted_by(|one, next| one.number < next.number);
    if !rising || chunks.first().is_none_or(|first| first.number == 0) {
        return Err(Ended::Misunderstood);
    }
    let chunks: Option<Vec<_>> = chunks.into_iter().map(convert::chunk).collect();
    chunks.ok_or(Ended::Misunderstood)
}

/// A frame that is too large or malformed is the agent's fault; the rest is the network's.
fn broken(error: axum::Error) -> Ended {
    tracing::debug!(%error, "connection of an agent broke");
    match error.into_inner().downcast_ref() {
        // Whoever is killed says no goodbye.
        Some(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => Ended::Lost,
        Some(Error::Capacity(_) | Error::Utf8(_) | Error::Protocol(_)) => Ended::Misunderstood,
        _ => Ended::Lost,
    }
}

impl Ended {
    /// The close code and reason that tell the agent.
    pub(crate) const fn close_reason(self) -> (u16, &'static str) {
        match self {
            Self::Lost => (1000, ""),
            Self::Silent => (1001, "nothing was heard for too long"),
            Self::Misunderstood => (
                1008,
                "a message is not one of the agent protocol's, is too large, or comes at the wrong time",
            ),
            Self::Unanswered => (1013, "the daemon cannot answer now; come back later"),
        }
    }
}
