//! All entries of a stream, acknowledged ones included.

use redis::Pipeline;

use crate::fault::{Asked, Fault};
use crate::reply::{Reply, count};

pub(crate) fn commands(stream: &str) -> Pipeline {
    let mut commands = redis::pipe();
    commands.cmd("XLEN").arg(stream);
    commands
}

/// A stream that does not exist has no entries.
pub(crate) fn read(asked: &Asked, stream: &str, reply: &Reply) -> Result<u64, Fault> {
    match reply {
        Ok(length) => count(length).ok_or_else(|| asked.strange("XLEN")),
        Err(refusal) => Err(asked.about_stream(refusal, stream)),
    }
}
