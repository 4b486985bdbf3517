//! Watching: each machine's engine tells when the container on it ends.
//!
//! Promise: an engine that cannot be asked says nothing, and is asked ever more seldom; the
//! end of an agent is told once. Leaves to others: removing the machine (the planner).

use std::sync::Arc;
use std::time::Duration;

use headcount_engines::Verdict;
use headcount_model::{AgentId, BackendEvent, Exit};
use tokio::time::sleep;

use super::Core;
use crate::agent;
use crate::deeds::Endpoint;

const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// What it means that there is no such container.
#[derive(Clone, Copy)]
pub(super) enum Absence {
    /// There was one.
    IsAnEnd,
    /// A former daemon may not have come to making it.
    SaysNothing,
}

/// Waits for the end of an agent, for as long as the backend lives.
pub(super) fn begin(core: &Arc<Core>, agent: AgentId, endpoint: &Endpoint, absence: Absence) {
    let (weak, engine) = (Arc::downgrade(core), agent::engine(endpoint));
    let name = agent::name(&core.ours, agent);
    let waiting = async move {
        let mut pause = FIRST_PAUSE;
        let exit = loop {
            match agent::ended(&engine, &name).await {
                Ok(exit) => break exit,
                Err(fault) if fault.verdict == Verdict::Absent => match absence {
                    Absence::IsAnEnd => break Exit::Unknown,
                    Absence::SaysNothing => return,
                },
                Err(fault) => {
                    tracing::debug!(%agent, error = fault.message, "cannot be waited for");
                    engine.forget().await;
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        };
        if let Some(core) = weak.upgrade() {
            core.watched().ended.insert(agent, exit);
            core.tell(BackendEvent::Missed).await;
        }
    };
    let watcher = tokio::spawn(waiting).abort_handle();
    let earlier = core.watched().watchers.insert(agent, watcher);
    if let Some(earlier) = earlier {
        earlier.abort();
    }
}

/// Nobody waits for it any more.
pub(super) fn cease(core: &Core, agent: AgentId) {
    let mut watched = core.watched();
    watched.ended.remove(&agent);
    if let Some(watcher) = watched.watchers.remove(&agent) {
        watcher.abort();
    }
}
