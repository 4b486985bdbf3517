//! What `XINFO GROUPS` says of one group.

use redis::Value;

use super::id::EntryId;
use crate::fault::{Asked, Fault};
use crate::reply::{Reply, count, field, members, text};

/// One consumer group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Group {
    /// Given and not acknowledged.
    pub(crate) pending: u64,
    /// The newest entry it was given.
    pub(crate) last_delivered: EntryId,
    /// Entries it was not given yet. Servers before 7 have no such number, and later ones
    /// do not know it after some deletions.
    pub(crate) lag: Option<u64>,
    /// Entries it was ever given, where the server knows.
    read: Option<u64>,
}

impl Group {
    /// What is known of the entries it was not given yet, in a stream that had `length`
    /// entries just before; `None` where that may not be asked.
    ///
    /// A server's lag is everything that was ever added without what was read: it is right
    /// where nothing was ever removed. Of what was removed it does not know what was unread,
    /// and goes on counting that; so then it is an estimate, to be counted where it matters.
    pub(crate) fn undelivered(&self, length: Option<u64>) -> Undelivered {
        match (self.lag, self.read, length) {
            (_, _, Some(length)) if self.last_delivered == EntryId::ZERO => {
                Undelivered::Exactly(length)
            }
            (Some(lag), Some(read), Some(length)) if read.saturating_add(lag) <= length => {
                Undelivered::Exactly(lag)
            }
            (about, _, length) => Undelivered::After {
                last: self.last_delivered,
                about: about.map(|lag| lag.min(length.unwrap_or(lag))),
            },
        }
    }
}

/// What is known after one round trip.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Undelivered {
    /// So many.
    Exactly(u64),
    /// As many as there are after an entry.
    After {
        last: EntryId,
        /// What the server believes.
        about: Option<u64>,
    },
}

/// How a group stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    NoStream,
    NoGroup,
    There(Group),
}

/// Reads the answer to `XINFO GROUPS`.
pub(crate) fn find(
    asked: &Asked,
    stream: &str,
    group: &str,
    reply: &Reply,
) -> Result<Standing, Fault> {
    let strange = || asked.strange("XINFO GROUPS");
    let groups = match reply {
        Ok(groups) => members(groups).ok_or_else(strange)?,
        Err(refusal) if refusal.line.contains("no such key") => return Ok(Standing::NoStream),
        Err(refusal) => return Err(asked.about_stream(refusal, stream)),
    };
    let name = group.as_bytes();
    let named =
        |row: &&Value| matches!(field(row, "name"), Some(Value::BulkString(n)) if n == name);
    match groups.iter().find(named) {
        None => Ok(Standing::NoGroup),
        Some(row) => parse(row).map(Standing::There).ok_or_else(strange),
    }
}

fn parse(row: &Value) -> Option<Group> {
    let last = field(row, "last-delivered-id").and_then(text)?;
    Some(Group {
        pending: field(row, "pending").and_then(count)?,
        last_delivered: EntryId::parse(&last)?,
        lag: field(row, "lag").and_then(count),
        read: field(row, "entries-read").and_then(count),
    })
}
