//! The entries of a stream, as one consumer of a group sees them: taken, kept, ended.
//!
//! Promise: an entry that was given to us is pending under our name until it is
//! acknowledged or a dead letter, whatever is killed; [`Entries::mine`] finds every such
//! entry again. Nothing is repeated by itself: whoever calls knows what a lost answer
//! means, and `mine` tells what came of it.
//! Leaves to others: which entries are jobs already, and how they ended (decision 11).

mod bury;
mod environment;
mod hold;
mod take;

use std::sync::Arc;
use std::time::Duration;

use headcount_model::RedisConnection;
use headcount_ports::SourceError;
use redis::{Pipeline, Value};

pub use crate::stream::id::EntryId;
pub use environment::{
    FIELD_PREFIX, MAX_ENVIRONMENT_BYTES, MAX_VARIABLE_BYTES, Poisoned, environment,
};
pub use hold::Whereabouts;

use crate::fault::{Asked, Fault};
use crate::reply::Reply;
use crate::wire::Wire;

/// Entries of one call, whatever is asked for.
pub const MAX_ENTRIES: u32 = 1_000;

/// Whose entries, and where they go.
#[derive(Clone, Debug)]
pub struct Group {
    /// Where the stream is.
    pub connection: Arc<RedisConnection>,
    /// The key.
    pub stream: String,
    /// The consumer group.
    pub group: String,
    /// Our name in it: the same after a restart, and nobody else's.
    pub consumer: String,
    /// The stream of those that were given up.
    pub dead_letters: String,
}

/// An entry that is pending under our name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its id in the stream.
    pub id: EntryId,
    /// How often it was given to somebody, this time included.
    pub deliveries: u64,
    /// Names and values, in order; `None` when it was deleted or trimmed meanwhile.
    pub fields: Option<Vec<Field>>,
}

/// A name and a value; any bytes.
pub type Field = (Vec<u8>, Vec<u8>);

/// The way to the entries of one group.
pub struct Entries {
    group: Group,
    wire: Wire,
    asked: Asked,
}

impl Entry {
    /// Bytes of its names and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let fields = self.fields.iter().flatten();
        fields.map(|(name, value)| name.len() + value.len()).sum()
    }
}

impl Entries {
    /// Connects when it is first used.
    #[must_use]
    pub fn new(group: Group) -> Self {
        Self {
            asked: Asked::at(&group.connection),
            wire: Wire::new(Arc::clone(&group.connection)),
            group,
        }
    }

    /// Makes the group where it does not exist, and the stream with it. It begins before
    /// all entries: what waits already is not skipped. Idempotent.
    ///
    /// # Errors
    /// Perhaps it does not exist.
    pub async fn prepare(&self) -> Result<(), SourceError> {
        let mut create = redis::pipe();
        let command = create.cmd("XGROUP").arg("CREATE").arg(&self.group.stream);
        command.arg(&self.group.group).arg("0").arg("MKSTREAM");
        match self.one(&create).await.map_err(again)? {
            Err(refusal) if refusal.code != "BUSYGROUP" => Err(again(self.about(&refusal))),
            _ => Ok(()),
        }
    }

    /// Says that these entries are done. Idempotent; those that were not pending count as
    /// nothing in the answer.
    ///
    /// # Errors
    /// Perhaps some are still pending.
    pub async fn acknowledge(&self, ids: &[EntryId]) -> Result<u64, SourceError> {
        if ids.is_empty() {
            return Ok(0);
        }
        let mut acknowledge = redis::pipe();
        let command = acknowledge.cmd("XACK").arg(&self.group.stream);
        command.arg(&self.group.group).arg(texts(ids));
        let answer = self.value(&acknowledge).await.map_err(again)?;
        crate::reply::count(&answer).ok_or_else(|| again(self.asked.strange("XACK")))
    }

    /// The answer to the last of these commands, which may be sent again.
    async fn one(&self, commands: &Pipeline) -> Result<Reply, Fault> {
        let mut replies = self.wire.send(commands).await?;
        replies
            .pop()
            .ok_or_else(|| self.asked.strange("a pipeline"))
    }

    /// The answer to the last of these commands, which are sent once.
    async fn one_once(&self, commands: &Pipeline) -> Result<Reply, Fault> {
        let mut replies = self.wire.send_once(commands).await?;
        replies
            .pop()
            .ok_or_else(|| self.asked.strange("a pipeline"))
    }

    /// As [`one`](Self::one), where it is not a refusal.
    async fn value(&self, commands: &Pipeline) -> Result<Value, Fault> {
        let reply = self.one(commands).await?;
        reply.map_err(|refusal| self.about(&refusal))
    }

    /// As [`one_once`](Self::one_once), where it is not a refusal.
    async fn value_once(&self, commands: &Pipeline) -> Result<Value, Fault> {
        let reply = self.one_once(commands).await?;
        reply.map_err(|refusal| self.about(&refusal))
    }

    fn about(&self, refusal: &crate::reply::Refusal) -> Fault {
        let (stream, group) = (&self.group.stream, &self.group.group);
        self.asked.about_group(refusal, stream, group)
    }
}

fn texts(ids: &[EntryId]) -> Vec<String> {
    ids.iter().map(EntryId::to_string).collect()
}

/// The longest silence that a command can name.
fn millis(span: Duration) -> u64 {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    millis.min(i64::MAX.unsigned_abs())
}

fn again(fault: Fault) -> SourceError {
    SourceError::Transient(fault.to_string())
}
