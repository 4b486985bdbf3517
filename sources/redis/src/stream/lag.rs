//! Entries that a group was not given yet, as the server counts them: KEDA's reading. Ours
//! is part of the backlog.

use std::sync::Arc;

use redis::Pipeline;

use super::groups::{Standing, find};
use super::length;
use crate::fault::{Asked, Fault};
use crate::reply::{Reply, text};

/// The first version that counts them.
const FIRST_VERSION: u64 = 7;

pub(crate) fn commands(stream: &str) -> Pipeline {
    let mut commands = redis::pipe();
    commands.cmd("INFO").arg("server");
    commands.cmd("XLEN").arg(stream);
    commands.cmd("XINFO").arg("GROUPS").arg(stream);
    commands
}

/// The replies are those to [`commands`], in order.
///
/// As KEDA has it, whatever `XINFO` refuses is answered by the length, and what the server
/// does not know is zero.
pub(crate) fn read(
    asked: &Asked,
    stream: &str,
    group: &str,
    replies: &[Arc<Reply>],
) -> Result<u64, Fault> {
    let [info, len, groups] = replies else {
        return Err(asked.strange("a pipeline"));
    };
    version(asked, info)?;
    match find(asked, stream, group, groups) {
        Err(_) | Ok(Standing::NoGroup) => length::read(asked, stream, len),
        Ok(Standing::NoStream) => Ok(0),
        Ok(Standing::There(group)) => Ok(group.lag.unwrap_or(0)),
    }
}

fn version(asked: &Asked, info: &Reply) -> Result<(), Fault> {
    let fault = |why| Fault::Version {
        server: asked.server.clone(),
        why,
    };
    let Some(info) = info.as_ref().ok().and_then(text) else {
        return Err(fault("could not find Redis version"));
    };
    let mut lines = info.lines();
    let version = lines.find_map(|line| line.strip_prefix("redis_version:"));
    let version = version.ok_or_else(|| fault("could not find Redis version number"))?;
    let major = version.trim().split('.').next().unwrap_or_default();
    let major: u64 = major
        .parse()
        .map_err(|_| fault("redis version could not be converted to number"))?;
    if major < FIRST_VERSION {
        return Err(fault("redis version 7+ required for lag"));
    }
    Ok(())
}
