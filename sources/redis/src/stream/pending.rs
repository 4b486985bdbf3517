//! Entries that a group was given and has not acknowledged.

use redis::Pipeline;

use crate::fault::{Asked, Fault};
use crate::reply::{Reply, count, members};

pub(crate) fn commands(stream: &str, group: &str) -> Pipeline {
    let mut commands = redis::pipe();
    commands.cmd("XPENDING").arg(stream).arg(group);
    commands
}

/// Neither a stream nor a group that does not exist has a number.
pub(crate) fn read(asked: &Asked, stream: &str, group: &str, reply: &Reply) -> Result<u64, Fault> {
    let summary = match reply {
        Ok(summary) => members(summary),
        Err(refusal) => return Err(asked.about_group(refusal, stream, group)),
    };
    let first = summary.and_then(<[_]>::first).and_then(count);
    first.ok_or_else(|| asked.strange("XPENDING"))
}
