//! How many members a list, set, sorted set or hash has.
//!
//! The type and every count are asked for together, so that neither a script nor a second
//! round trip is needed: the type says which of the counts is meant, the others are refused.

use std::sync::Arc;

use redis::Pipeline;

use crate::fault::{Asked, Fault};
use crate::reply::{Reply, count, text};

pub(crate) fn commands(key: &str) -> Pipeline {
    let mut commands = redis::pipe();
    for name in ["TYPE", "LLEN", "SCARD", "ZCARD", "HLEN"] {
        commands.cmd(name).arg(key);
    }
    commands
}

/// The replies are those to [`commands`], in order. A key that does not exist has none.
pub(crate) fn read(asked: &Asked, key: &str, replies: &[Arc<Reply>]) -> Result<u64, Fault> {
    let [kind, list, set, sorted, hash] = replies else {
        return Err(asked.strange("a pipeline"));
    };
    let kind = match &**kind {
        Ok(kind) => text(kind).ok_or_else(|| asked.strange("TYPE"))?,
        Err(refusal) => return Err(asked.refusal(refusal)),
    };
    let (name, reply) = match kind.as_str() {
        "none" => return Ok(0),
        "list" => ("LLEN", list),
        "set" => ("SCARD", set),
        "zset" => ("ZCARD", sorted),
        "hash" => ("HLEN", hash),
        _ => {
            return Err(Fault::UnsupportedType {
                server: asked.server.clone(),
                key: key.to_owned(),
                kind,
            });
        }
    };
    match &**reply {
        Ok(members) => count(members).ok_or_else(|| asked.strange(name)),
        Err(refusal) => Err(asked.refusal(refusal)),
    }
}
