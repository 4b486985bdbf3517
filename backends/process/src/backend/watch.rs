//! Watching for deaths, and removing what the dead leave.
//!
//! Promise: `Gone` is told once nothing of the agent is left, and only then. Where something
//! cannot be removed the entry says so, and whoever destroys the agent next tries again.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Weak};

use headcount_model::{AgentId, BackendEvent};
use headcount_ports::BackendError;
use rustix::process::Signal;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::Core;
use crate::output;
use crate::record::AgentDir;
use crate::remove::remove_dir;
use crate::sweep::{Target, sweep};
use crate::table::{Body, Input};

/// Lines of output remembered of an agent that ended.
const LAST_WORDS: usize = 50;

/// Watches a live process until it ends, and then removes what it left. Does not keep the
/// backend alive: an agent outlives its daemon.
pub(super) fn watch(core: &Arc<Core>, agent: AgentId, body: Arc<Body>) {
    let core = Arc::downgrade(core);
    tokio::spawn(async move {
        ended(agent, &body).await;
        if let Some(core) = Weak::upgrade(&core) {
            bury(&core, agent, body, true).await;
        }
    });
}

/// Enters a live process that this daemon did not make, and watches it.
pub(super) fn adopt(core: &Arc<Core>, agent: AgentId, body: Body) {
    let body = Arc::new(body);
    if core.table.adopt(agent, &body) {
        watch(core, agent, body);
    }
}

/// Returns once the process has ended.
async fn ended(agent: AgentId, body: &Arc<Body>) {
    if let Err(error) = until_ended(body).await {
        // Rather none than one whose death nobody would notice.
        tracing::error!(%agent, %error, "an agent cannot be watched and is ended");
        if let Err(error) = body.main.signal(Signal::KILL) {
            tracing::error!(%agent, %error, "and cannot be killed");
        }
    }
}

async fn until_ended(body: &Arc<Body>) -> io::Result<()> {
    let watched = register(body)?;
    loop {
        let mut woken = watched.readable().await?;
        if body.main.has_ended()? {
            return Ok(());
        }
        woken.clear_ready();
    }
}

#[expect(unsafe_code, reason = "tokio offers no safe way to watch a descriptor")]
fn register(body: &Arc<Body>) -> io::Result<AsyncFd<Watched>> {
    let watched = Watched(body.clone());
    // SAFETY: `Watched` shares the body, whose pidfd is owned, open and never replaced for
    // as long as the body lives.
    let registered = unsafe { AsyncFd::register_with_interest(watched, Interest::READABLE) };
    registered.map_err(|error| error.into_parts().1)
}

struct Watched(Arc<Body>);

impl AsRawFd for Watched {
    fn as_raw_fd(&self) -> RawFd {
        self.0.main.as_raw_fd()
    }
}

/// Removes all that an ended process left, and tells that it is gone.
pub(super) async fn bury(core: &Arc<Core>, agent: AgentId, body: Arc<Body>, just_died: bool) {
    // Never closed.
    let permit = core.sweepers.acquire().await;
    let burying = core.clone();
    let buried = tokio::task::spawn_blocking(move || {
        // While a child of ours is not collected, its number stays its own.
        burying.table.apply(agent, Input::Died(body.main.exit()));
        let target = Target::of_body(&burying.options.owner, &body, just_died);
        let buried = burying.remove(&target);
        body.main.collect();
        buried
    });
    let buried = buried.await;
    drop(permit);
    let buried = buried.unwrap_or_else(|error| Err(io::Error::other(error)));
    settle(core, agent, buried);
}

/// Removes what an agent left that ended before this daemon looked, and tells that it is
/// gone. Its entry says that it ended.
pub(super) async fn clear(core: &Arc<Core>, agent: AgentId) {
    // Never closed.
    let permit = core.sweepers.acquire().await;
    let clearing = core.clone();
    let cleared = tokio::task::spawn_blocking(move || clearing.clear_leftover(agent)).await;
    drop(permit);
    let cleared = cleared.unwrap_or_else(|error| Err(io::Error::other(error)));
    settle(core, agent, cleared);
}

fn settle(core: &Core, agent: AgentId, removed: io::Result<Vec<String>>) {
    match removed {
        Ok(output) => {
            if let Some(exit) = core.table.swept(agent, output) {
                core.teller.tell(BackendEvent::Gone(agent, exit));
            }
        }
        Err(error) => {
            tracing::warn!(%agent, %error, "what an agent left cannot be removed");
            let error = BackendError::Unknown(error.to_string());
            core.table.failed(agent, Input::SweepFailed, error);
        }
    }
}

impl Core {
    /// Ends and removes all that belongs to a target; returns its last words.
    fn remove(&self, target: &Target<'_>) -> io::Result<Vec<String>> {
        sweep(&self.scans, target)?;
        let output = output::tail(&target.dir.path, LAST_WORDS);
        remove_dir(&target.dir.path)?;
        Ok(output)
    }

    fn clear_leftover(&self, agent: AgentId) -> io::Result<Vec<String>> {
        let dir = AgentDir::new(&self.agents, agent);
        match self.find_record(&dir, agent)? {
            Some(record) => self.remove(&Target::of_record(&self.options.owner, &dir, &record)),
            None => remove_dir(&dir.path).map(|()| Vec::new()),
        }
    }
}
