//! The tool at work for a daemon that is gone: whether it is, and its end.
//!
//! Promise: a tool of which nothing could be noted any more is found by the file it writes;
//! one that takes longer than a creation may is ended, whoever started it; one of an earlier
//! start of the host is never looked for. Leaves what it has made to `birth` and `ending`.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use headcount_calls::{Maker, Writer, last_words};
use headcount_model::AgentId;
use tokio::time::timeout;

use super::Core;
use crate::deeds::{Deed, Phase};

/// For the kernel to end what was killed.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// How a tool came to its end.
pub(super) enum Waited {
    /// It is not at work, or not any more.
    Ended,
    /// It had its time and was ended; a sentence.
    Late(String),
}

/// Whether the tool still makes it. What cannot be told counts as being made. Reads files.
pub(super) fn is_at_work(core: &Core, agent: AgentId, deed: &Deed) -> bool {
    maker(core, agent, deed).map_or(true, |writer| writer != Writer::None)
}

fn maker(core: &Core, agent: AgentId, deed: &Deed) -> io::Result<Writer> {
    if core.deeds.is_of_another_boot(deed) {
        return Ok(Writer::None);
    }
    let noted: Option<Maker> = deed.maker.as_deref().and_then(|text| text.parse().ok());
    match noted {
        Some(maker) if maker.is_alive() => Ok(Writer::Known(maker)),
        Some(_) => Ok(Writer::None),
        None if deed.phase == Phase::Making => Writer::of(&core.deeds.log(agent)),
        None => Ok(Writer::None),
    }
}

/// Returns once no tool makes it any more. One that has had its time is ended.
///
/// # Errors
/// A sentence: it is at work after `patience`, or that cannot be told.
pub(super) async fn ended(
    core: &Arc<Core>,
    agent: AgentId,
    deed: &Deed,
    patience: Duration,
) -> Result<Waited, String> {
    let of = deed.clone();
    let looked = core.aside(move |core| maker(core, agent, &of)).await?;
    await_end(core, agent, &deed.name, looked, patience).await
}

/// The same of a machine that nobody wrote down.
pub(super) async fn ended_unnoted(
    core: &Arc<Core>,
    agent: AgentId,
    patience: Duration,
) -> Result<Waited, String> {
    let looked = core.aside(move |core| Writer::of(&core.deeds.log(agent)));
    let looked = looked.await?;
    let name = agent.to_string();
    await_end(core, agent, &name, looked, patience).await
}

async fn await_end(
    core: &Core,
    agent: AgentId,
    name: &str,
    looked: io::Result<Writer>,
    patience: Duration,
) -> Result<Waited, String> {
    let log = core.deeds.log(agent);
    let untold =
        |error: io::Error| format!("the tool makes `{name}` and cannot be watched: {error}");
    let maker = match looked.map_err(untold)? {
        Writer::None => return Ok(Waited::Ended),
        Writer::Known(maker) => maker,
        Writer::Unknown => return Err(unfound(name, &log)),
    };
    let given = core.tool.pace.create;
    let left = given.saturating_sub(maker.age());
    match timeout(left.min(patience), maker.ended()).await {
        Ok(ended) => ended.map(|()| Waited::Ended).map_err(untold),
        Err(_) if patience < left => Err(format!("the tool is still making `{name}`")),
        Err(_) => {
            end(&maker).await.map_err(untold)?;
            Ok(Waited::Late(late(given, &last_words(&log))))
        }
    }
}

async fn end(maker: &Maker) -> io::Result<()> {
    maker.kill()?;
    let ended = timeout(KILL_WAIT, maker.ended()).await;
    ended.unwrap_or_else(|_| Err(io::Error::other("it cannot be killed")))
}

fn late(given: Duration, words: &str) -> String {
    let words = match words.is_empty() {
        true => String::new(),
        false => format!("; it said: {words}"),
    };
    let seconds = given.as_secs_f32();
    format!("`docker-machine create` did not end within {seconds} s and was ended{words}")
}

fn unfound(name: &str, log: &Path) -> String {
    format!(
        "somebody who cannot be found makes `{name}`: end whoever writes `{}`, or wait for it",
        log.display()
    )
}
