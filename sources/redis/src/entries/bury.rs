//! Dead letters: entries that are given up, with the reason.

use headcount_model::RedisServers;
use headcount_ports::SourceError;
use redis::{Pipeline, Value};

use super::{Entries, Entry, again};
use crate::fault::Fault;
use crate::reply::Reply;

/// Added to the fields of a dead letter, before its own.
const REASON: &str = "headcount-reason";
const STREAM: &str = "headcount-stream";
const ENTRY: &str = "headcount-entry";
const DELIVERIES: &str = "headcount-deliveries";

/// Unlike a transaction it ends at the first command that fails: what could not be written
/// is not acknowledged.
const SCRIPT: &str = "\
local group, id = ARGV[1], ARGV[2]
if #redis.call('XPENDING', KEYS[1], group, id, id, 1) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 3))
redis.call('XACK', KEYS[1], group, id)
return 1";
/// A script takes no more arguments on its stack than this.
const MOST_ARGUMENTS: usize = 4_000;

impl Entries {
    /// Moves an entry to the dead letters and acknowledges it, both or nothing. Where
    /// scripts are not allowed, and in a cluster, where the two streams may be on different
    /// servers, it is the first and then the second: a crash between them makes a second
    /// letter, and loses nothing. Idempotent: an entry that is not pending any more is left
    /// alone, and the answer is no.
    ///
    /// # Errors
    /// Perhaps it is still pending.
    pub async fn bury(&self, entry: &Entry, reason: &str) -> Result<bool, SourceError> {
        let letter = self.letter(entry, reason);
        let cluster = matches!(self.group.connection.servers, RedisServers::Cluster(_));
        if !cluster && letter.len() <= MOST_ARGUMENTS {
            let reply = self
                .one(&self.script(entry, &letter))
                .await
                .map_err(again)?;
            if !forbidden(&reply) {
                return self.buried(reply).map_err(again);
            }
        }
        self.one_after_the_other(entry, &letter).await
    }

    fn buried(&self, reply: Reply) -> Result<bool, Fault> {
        match reply {
            Ok(Value::Int(buried)) => Ok(buried == 1),
            Ok(_) => Err(self.asked.strange("EVAL")),
            Err(refusal) => Err(self.about(&refusal)),
        }
    }

    fn script(&self, entry: &Entry, letter: &[Vec<u8>]) -> Pipeline {
        let mut script = redis::pipe();
        let command = script.cmd("EVAL").arg(SCRIPT).arg(2);
        command
            .arg(&self.group.stream)
            .arg(&self.group.dead_letters);
        command.arg(&self.group.group).arg(entry.id.to_string());
        command.arg(letter);
        script
    }

    async fn one_after_the_other(
        &self,
        entry: &Entry,
        letter: &[Vec<u8>],
    ) -> Result<bool, SourceError> {
        if !self.is_pending(entry).await.map_err(again)? {
            return Ok(false);
        }
        let mut add = redis::pipe();
        let command = add.cmd("XADD").arg(&self.group.dead_letters);
        command.arg("*").arg(letter);
        self.value_once(&add).await.map_err(again)?;
        self.acknowledge(&[entry.id]).await?;
        Ok(true)
    }

    async fn is_pending(&self, entry: &Entry) -> Result<bool, Fault> {
        let id = entry.id.to_string();
        let mut look = redis::pipe();
        let command = look.cmd("XPENDING").arg(&self.group.stream);
        command.arg(&self.group.group).arg(&id).arg(&id).arg(1);
        let rows = self.value(&look).await?;
        Ok(!self.pending(&rows)?.is_empty())
    }

    /// Names and values in turn.
    fn letter(&self, entry: &Entry, reason: &str) -> Vec<Vec<u8>> {
        let id = entry.id.to_string();
        let deliveries = entry.deliveries.to_string();
        let ours = [
            (REASON, reason),
            (STREAM, &self.group.stream),
            (ENTRY, &id),
            (DELIVERIES, &deliveries),
        ];
        let ours = ours.into_iter();
        let ours = ours.flat_map(|(name, value)| [name.as_bytes().to_vec(), value.into()]);
        let own = entry.fields.iter().flatten();
        let own = own.flat_map(|(name, value)| [name.clone(), value.clone()]);
        ours.chain(own).collect()
    }
}

/// Whether it is the script that may not run, rather than what it does.
fn forbidden(reply: &Reply) -> bool {
    let Err(refusal) = reply else {
        return false;
    };
    refusal.line.contains("'eval'") || refusal.line.contains("unknown command")
}
