//! One way to each distinct server, shared by every pool that reads there.
//!
//! What is asked at the same time goes out together, and what is asked twice goes out once:
//! fifty pools that read the groups of one stream are one command and one answer. A command
//! is never sent before it was asked for, so no answer is older than its question.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use headcount_model::{RedisConnection, RedisServers};
use redis::{Cmd, Pipeline};
use tokio::sync::oneshot;

use crate::fault::{Asked, Fault};
use crate::reply::Reply;
use crate::wire::Wire;

/// A way to a server.
pub(crate) struct Link {
    /// Where to, and as whom.
    pub(crate) to: Arc<RedisConnection>,
    /// For texts.
    pub(crate) asked: Asked,
    wire: Arc<Wire>,
    gathering: Arc<Mutex<Gathering>>,
}

/// Each command's answer; whoever asked the same shares it.
pub(crate) type Answers = Result<Vec<Arc<Reply>>, Fault>;

/// What goes out together next.
#[derive(Default)]
struct Gathering {
    commands: Vec<Cmd>,
    /// Where a command is, by its bytes.
    places: HashMap<Vec<u8>, usize>,
    askers: Vec<Asker>,
}

struct Asker {
    /// Which of the commands are its own.
    places: Vec<usize>,
    answers: oneshot::Sender<Answers>,
}

impl Link {
    pub(crate) fn new(to: Arc<RedisConnection>) -> Self {
        Self {
            asked: Asked::at(&to),
            wire: Arc::new(Wire::new(Arc::clone(&to))),
            gathering: Arc::default(),
            to,
        }
    }

    /// Sends commands together and gives the answer of each. In a cluster they must be
    /// about one key.
    pub(crate) async fn ask(&self, commands: &Pipeline) -> Answers {
        if matches!(self.to.servers, RedisServers::Cluster(_)) {
            let replies = self.wire.send(commands).await?;
            return Ok(replies.into_iter().map(Arc::new).collect());
        }
        let answers = self.gather(commands).await;
        // The sender is dropped only with the whole runtime.
        answers.unwrap_or_else(|_| {
            Err(Fault::Unreachable {
                server: self.asked.server.clone(),
                why: "this program is ending".to_owned(),
            })
        })
    }

    /// The answer to a single command.
    pub(crate) async fn ask_one(&self, command: &Pipeline) -> Result<Arc<Reply>, Fault> {
        let mut replies = self.ask(command).await?;
        let last = replies.pop();
        last.ok_or_else(|| self.asked.strange("a pipeline"))
    }

    /// What is asked from now on goes to whoever is to be asked now.
    pub(crate) async fn reconnect(&self) {
        self.wire.reconnect().await;
    }

    fn gather(&self, commands: &Pipeline) -> oneshot::Receiver<Answers> {
        let (answers, receiver) = oneshot::channel();
        let mut gathering = lock(&self.gathering);
        let first = gathering.askers.is_empty();
        let places = commands
            .cmd_iter()
            .map(|cmd| gathering.place(cmd))
            .collect();
        gathering.askers.push(Asker { places, answers });
        if first {
            // Runs once whoever is asking now has asked. It is not the first asker that
            // sends, because that one may be given up while others wait.
            tokio::spawn(send(Arc::clone(&self.wire), Arc::clone(&self.gathering)));
        }
        receiver
    }
}

impl Gathering {
    fn place(&mut self, command: &Cmd) -> usize {
        let next = self.commands.len();
        let place = *self
            .places
            .entry(command.get_packed_command())
            .or_insert(next);
        if place == next {
            self.commands.push(command.clone());
        }
        place
    }
}

async fn send(wire: Arc<Wire>, gathering: Arc<Mutex<Gathering>>) {
    let gathered = std::mem::take(&mut *lock(&gathering));
    let mut pipeline = redis::pipe();
    for command in gathered.commands {
        pipeline.add_command(command);
    }
    let replies = wire.send(&pipeline).await;
    let replies: Answers = replies.map(|all| all.into_iter().map(Arc::new).collect());
    for asker in gathered.askers {
        let own = |all: &Vec<Arc<Reply>>| {
            let own = asker.places.iter().filter_map(|&place| all.get(place));
            own.cloned().collect()
        };
        // Who does not wait any more needs no answer.
        let _ = asker
            .answers
            .send(replies.as_ref().map(own).map_err(Fault::clone));
    }
}

fn lock(gathering: &Mutex<Gathering>) -> std::sync::MutexGuard<'_, Gathering> {
    gathering.lock().unwrap_or_else(PoisonError::into_inner)
}
