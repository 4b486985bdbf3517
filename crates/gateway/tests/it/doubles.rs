//! The gateway's neighbours, in memory, with the same promises: a controller that knows
//! one agent, and a log book.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use headcount_model::{AgentId, Answer, Digest, JobId, LinkEvent, Outcome, Refusal};
use headcount_ports::{LinkInbox, LogBook, LogChunk, LogPage, StoreError, Stream};
use tokio::sync::watch;

pub const AGENT: AgentId = AgentId {
    epoch: 1,
    number: 1,
};

/// A controller that knows [`AGENT`] and lets it run what was offered.
pub struct Controller {
    state: Mutex<State>,
    /// Answers wait while this is false.
    answering: watch::Sender<bool>,
    /// Changes with every event.
    events: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    token: Option<Digest>,
    session: Option<Digest>,
    claimed: Vec<(JobId, u32)>,
    offered: Vec<(JobId, u32)>,
    ended: BTreeMap<(JobId, u32), Outcome>,
    stopping: bool,
    log: Vec<String>,
}

impl Controller {
    pub fn new(token: Digest) -> Self {
        let state = State {
            token: Some(token),
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            answering: watch::Sender::new(true),
            events: watch::Sender::new(0),
        }
    }

    /// From now on `job`'s attempt may be claimed.
    pub fn offer(&self, job: u64, attempt: u32) {
        self.state
            .lock()
            .unwrap()
            .offered
            .push((JobId(job), attempt));
    }

    pub fn hold_answers(&self) {
        self.answering.send_replace(false);
    }

    pub fn answer_again(&self) {
        self.answering.send_replace(true);
    }

    pub fn stop(&self) {
        self.state.lock().unwrap().stopping = true;
    }

    /// One short line per event, in order of answering.
    pub fn log(&self) -> Vec<String> {
        self.state.lock().unwrap().log.clone()
    }

    /// Waits until an event is logged.
    pub async fn saw(&self, line: &str) {
        let mut events = self.events.subscribe();
        let seen = events.wait_for(|_| self.log().iter().any(|seen| seen == line));
        let seen = tokio::time::timeout(std::time::Duration::from_secs(30), seen).await;
        seen.unwrap_or_else(|_| panic!("never: {line} in {:?}", self.log()))
            .unwrap();
    }

    pub fn end_of(&self, job: u64) -> Option<Outcome> {
        self.state
            .lock()
            .unwrap()
            .ended
            .get(&(JobId(job), 1))
            .cloned()
    }
}

#[async_trait]
impl LinkInbox for Controller {
    async fn post(&self, event: LinkEvent) -> Answer {
        let mut answering = self.answering.subscribe();
        answering.wait_for(|answering| *answering).await.unwrap();
        let mut state = self.state.lock().unwrap();
        let (line, answer) = if state.stopping {
            ("stopping".to_owned(), Answer::Refused(Refusal::Stopping))
        } else {
            state.take(event)
        };
        state.log.push(line);
        drop(state);
        self.events.send_modify(|count| *count += 1);
        answer
    }
}

impl State {
    fn take(&mut self, event: LinkEvent) -> (String, Answer) {
        match event {
            LinkEvent::Registered {
                agent,
                token,
                session,
            } => (
                "registered".to_owned(),
                self.register(agent, token, session),
            ),
            LinkEvent::Resumed {
                agent,
                session,
                held,
            } => {
                let known = agent == AGENT && self.session == Some(session);
                let answer = if known {
                    Answer::Applied
                } else {
                    Answer::Refused(Refusal::BadSession)
                };
                (format!("resumed holding {}", held.len()), answer)
            }
            LinkEvent::Claimed { job, attempt, .. } => {
                (format!("claimed {job}"), self.claim(job, attempt))
            }
            LinkEvent::Finished {
                job,
                attempt,
                outcome,
                ..
            } => {
                let known = self.ended.insert((job, attempt), outcome).is_some();
                let answer = if known {
                    Answer::Known
                } else {
                    Answer::Applied
                };
                (format!("finished {job}"), answer)
            }
            LinkEvent::Declined { job, .. } => (format!("declined {job}"), Answer::Applied),
            LinkEvent::Disconnected(_) => ("disconnected".to_owned(), Answer::Applied),
            LinkEvent::Leaving(_) => ("leaving".to_owned(), Answer::Applied),
        }
    }

    fn register(&mut self, agent: AgentId, token: Digest, session: Digest) -> Answer {
        if agent != AGENT {
            return Answer::Refused(Refusal::UnknownAgent);
        }
        if self.token != Some(token) {
            return Answer::Refused(Refusal::BadToken);
        }
        match self.session {
            None => {
                self.session = Some(session);
                Answer::Applied
            }
            Some(known) if known == session => Answer::Known,
            Some(_) => Answer::Refused(Refusal::TokenUsed),
        }
    }

    fn claim(&mut self, job: JobId, attempt: u32) -> Answer {
        let attempt = (job, attempt);
        if self.ended.contains_key(&attempt) {
            Answer::Refused(Refusal::TooLate)
        } else if self.claimed.contains(&attempt) {
            Answer::Known
        } else if self.offered.contains(&attempt) {
            self.claimed.push(attempt);
            Answer::Applied
        } else {
            Answer::Refused(Refusal::NotYours)
        }
    }
}

/// A log book that can be told to fail.
#[derive(Default)]
pub struct Logs {
    state: Mutex<BTreeMap<(JobId, u32), Log>>,
    trouble: Mutex<Option<StoreError>>,
}

#[derive(Default, Clone)]
pub struct Log {
    pub chunks: BTreeMap<u64, LogChunk>,
    pub limit_bytes: u64,
    pub repeats: u64,
}

impl Logs {
    pub fn fail_with(&self, trouble: Option<StoreError>) {
        *self.trouble.lock().unwrap() = trouble;
    }

    pub fn of(&self, job: u64) -> Log {
        let state = self.state.lock().unwrap();
        state.get(&(JobId(job), 1)).cloned().unwrap_or_default()
    }
}

impl Log {
    pub fn bytes(&self, stream: Stream) -> Vec<u8> {
        let chunks = self.chunks.values().filter(|chunk| chunk.stream == stream);
        chunks.flat_map(|chunk| chunk.bytes.clone()).collect()
    }
}

#[async_trait]
impl LogBook for Logs {
    async fn append(
        &self,
        job: JobId,
        attempt: u32,
        limit_bytes: u64,
        chunks: Vec<LogChunk>,
    ) -> Result<u64, StoreError> {
        if let Some(trouble) = self.trouble.lock().unwrap().clone() {
            return Err(trouble);
        }
        let mut state = self.state.lock().unwrap();
        let log = state.entry((job, attempt)).or_default();
        log.limit_bytes = limit_bytes;
        for chunk in chunks {
            let number = chunk.number;
            match log.chunks.get(&number) {
                Some(known) => {
                    assert_eq!(known, &chunk, "a chunk never changes");
                    log.repeats += 1;
                }
                None => {
                    log.chunks.insert(number, chunk);
                }
            }
        }
        let through = (1..).take_while(|number| log.chunks.contains_key(number));
        Ok(through.last().unwrap_or(0))
    }

    async fn read(
        &self,
        _: JobId,
        _: Option<u32>,
        _: u64,
        _: usize,
    ) -> Result<LogPage, StoreError> {
        Ok(LogPage::default())
    }
}
