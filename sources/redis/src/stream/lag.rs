//! Entries that a group was not given yet, as the server counts them.

use std::sync::Arc;

use headcount_model::Compat;
use redis::Pipeline;

use super::groups::{Standing, Undelivered, find};
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
/// does not know is zero. Ours says what was refused, and counts.
pub(crate) fn read(
    asked: &Asked,
    stream: &str,
    group: &str,
    compat: Compat,
    replies: &[Arc<Reply>],
) -> Result<Undelivered, Fault> {
    let [info, len, groups] = replies else {
        return Err(asked.strange("a pipeline"));
    };
    version(asked, info)?;
    let length = || length::read(asked, stream, len);
    let standing = match (find(asked, stream, group, groups), compat) {
        (Err(_), Compat::Keda) => return length().map(Undelivered::Exactly),
        (standing, _) => standing?,
    };
    let group = match standing {
        Standing::NoStream => return Ok(Undelivered::Exactly(0)),
        Standing::NoGroup => return length().map(Undelivered::Exactly),
        Standing::There(group) => group,
    };
    match compat {
        Compat::Keda => Ok(Undelivered::Exactly(group.lag.unwrap_or(0))),
        Compat::Headcount => Ok(group.undelivered(length().ok())),
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
