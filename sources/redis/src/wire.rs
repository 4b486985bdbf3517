//! The open connection to a server, opened again when it breaks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use headcount_model::RedisConnection;
use redis::{Pipeline, RedisResult, Value};
use tokio::sync::Mutex;

use crate::connection::{self, Connection};
use crate::fault::{Asked, Fault};
use crate::reply::{Refusal, Reply};

/// For a server to answer a pipeline.
pub const COMMAND_PATIENCE: Duration = Duration::from_secs(2);
/// Before each attempt over a connection that turned out to be broken; reading twice
/// does no harm.
const ATTEMPTS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(20),
    Duration::from_millis(100),
];

/// Connects when it is first asked, and again when that broke.
pub(crate) struct Wire {
    /// Where to, and as whom.
    pub(crate) to: Arc<RedisConnection>,
    /// For texts.
    pub(crate) asked: Asked,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    open: Option<Connection>,
    /// How many were opened: whoever finds one broken must not close its successor.
    number: u64,
    /// When opening one failed last, and why.
    failed: Option<(Instant, Fault)>,
}

impl Wire {
    pub(crate) fn new(to: Arc<RedisConnection>) -> Self {
        let asked = Asked::at(&to);
        let held = Mutex::default();
        Self { to, asked, held }
    }

    /// Sends commands together and gives the answer of each. In a cluster they must be
    /// about one key.
    pub(crate) async fn send(&self, commands: &Pipeline) -> Result<Vec<Reply>, Fault> {
        let mut last = self.asked.slow(COMMAND_PATIENCE);
        for pause in ATTEMPTS {
            // A timer of no time at all still waits for the next millisecond.
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            match self.attempt(commands).await {
                Err(fault @ (Fault::Unreachable { .. } | Fault::Moved { .. })) => last = fault,
                done => return done,
            }
        }
        Err(last)
    }

    /// As [`send`](Self::send), but never twice: for what changes something.
    pub(crate) async fn send_once(&self, commands: &Pipeline) -> Result<Vec<Reply>, Fault> {
        self.attempt(commands).await
    }

    async fn attempt(&self, commands: &Pipeline) -> Result<Vec<Reply>, Fault> {
        let (connection, number) = self.connection().await?;
        let sending = send(connection, commands);
        let fault = match tokio::time::timeout(COMMAND_PATIENCE, sending).await {
            Ok(Ok(replies)) => match self.moved(&replies) {
                None => return Ok(replies),
                Some(fault) => fault,
            },
            Ok(Err(error)) => self.asked.failure(&error),
            Err(_) => self.asked.slow(COMMAND_PATIENCE),
        };
        self.discard(number).await;
        Err(fault)
    }

    /// Where a cluster's connection went to the wrong server although it follows what
    /// moves: what it knows of the cluster is not so any more.
    fn moved(&self, replies: &[Reply]) -> Option<Fault> {
        let refusals = replies.iter().filter_map(|reply| reply.as_ref().err());
        let faults = refusals.map(|refusal| self.asked.refusal(refusal));
        { faults }.find(|fault| matches!(fault, Fault::Moved { .. }))
    }

    /// The open connection and its number. Who comes while one is being opened waits for
    /// it, and shares its failure: many pools do not try one after the other.
    async fn connection(&self) -> Result<(Connection, u64), Fault> {
        let came = Instant::now();
        let mut held = self.held.lock().await;
        if let Some(open) = &held.open {
            return Ok((open.clone(), held.number));
        }
        if let Some((at, fault)) = &held.failed
            && *at > came
        {
            return Err(fault.clone());
        }
        match connection::open(&self.to).await {
            Ok(open) => {
                held.open = Some(open.clone());
                held.number += 1;
                Ok((open, held.number))
            }
            Err(fault) => {
                held.failed = Some((Instant::now(), fault.clone()));
                Err(fault)
            }
        }
    }

    /// What is asked from now on goes to whoever is to be asked now.
    pub(crate) async fn reconnect(&self) {
        self.held.lock().await.open = None;
    }

    async fn discard(&self, number: u64) {
        let mut held = self.held.lock().await;
        if held.number == number {
            held.open = None;
        }
    }
}

async fn send(connection: Connection, commands: &Pipeline) -> RedisResult<Vec<Reply>> {
    let mut commands = commands.clone();
    commands.ignore_errors();
    let answers: Vec<RedisResult<Value>> = match connection {
        Connection::Single(mut single) => commands.query_async(&mut single).await?,
        Connection::Cluster(mut cluster) => commands.query_async(&mut cluster).await?,
    };
    answers.into_iter().map(reply).collect()
}

/// What the server refuses is an answer; anything else is an error of the connection.
fn reply(answer: RedisResult<Value>) -> RedisResult<Reply> {
    match answer {
        Ok(value) => Ok(Ok(value)),
        Err(error) => match Refusal::of(&error) {
            Some(refusal) => Ok(Err(refusal)),
            None => Err(error),
        },
    }
}
