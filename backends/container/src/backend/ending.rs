//! Destroying: ask, wait, force, remove, and see that it is gone.
//!
//! Promise: success means that the engine has confirmed the absence of the container;
//! whatever could not be confirmed is an unknown outcome. A container that is not ours is
//! not touched and counts as absent.

use std::sync::Arc;
use std::time::Duration;

use bollard::query_parameters::{RemoveContainerOptionsBuilder, StopContainerOptionsBuilder};
use headcount_model::{AgentId, Exit};
use headcount_ports::{BackendError, DestroyRequest};
use tokio::time::{sleep, timeout};

use super::Core;
use super::look::{Found, look};
use headcount_engines::{Client, Fault, Verdict, within};
use headcount_engines::{REMEMBERED_LINES, last_words};

/// For a creation or removal that is under way.
const TURN_WAIT: Duration = Duration::from_secs(150);
/// For the engine to notice the end of a container, on top of the grace.
const STOP_WAIT: Duration = Duration::from_secs(20);
/// For the engine to remove one.
const REMOVE_WAIT: Duration = Duration::from_secs(60);
/// Looks at a removal that somebody else has begun: no event tells that it failed.
const REMOVAL_LOOKS: u32 = 50;
/// Between two of these.
const LOOK_PAUSE: Duration = Duration::from_millis(100);

/// See the port.
pub(super) async fn destroy(core: &Arc<Core>, request: DestroyRequest) -> Result<(), BackendError> {
    let place = core.turns.enter(request.agent);
    place.unwant();
    let Ok(_turn) = timeout(TURN_WAIT, place.turn()).await else {
        return Err(BackendError::Unknown(format!(
            "the container of {} is still being made or removed",
            request.agent
        )));
    };
    let ended = end(core, request.agent, request.grace).await;
    ended.map_err(|fault| fault.as_unknown())
}

async fn end(core: &Core, agent: AgentId, grace: Duration) -> Result<(), Fault> {
    let client = core.engine.client().await?;
    let mut exit = match look(core, &client, agent).await? {
        Found::Nothing | Found::Foreign => return core.fence.withdraw(&client, agent).await,
        Found::Created => Exit::Unknown,
        Found::Ended { exit, .. } => exit,
        Found::Running => {
            // A container that does not stop is removed by force all the same.
            if let Err(fault) = stop(core, &client, agent, grace).await {
                tracing::warn!(%agent, error = fault.message, "removed by force");
            }
            Exit::Unknown
        }
    };
    if let Ok(Found::Ended { exit: last, .. }) = look(core, &client, agent).await {
        exit = last;
    }
    let words = last_words(&client, &core.ours.name(agent), REMEMBERED_LINES).await;
    remove(core, &client, agent).await?;
    core.turns.note_over(agent, exit, words);
    Ok(())
}

async fn stop(core: &Core, client: &Client, agent: AgentId, grace: Duration) -> Result<(), Fault> {
    let seconds = grace.as_secs() + u64::from(grace.subsec_nanos() > 0);
    let options = StopContainerOptionsBuilder::default()
        .t(i32::try_from(seconds).unwrap_or(i32::MAX))
        .build();
    let name = core.ours.name(agent);
    let stopping = client.docker.stop_container(&name, Some(options));
    match within("stop the container", grace + STOP_WAIT, stopping).await {
        Err(fault) if fault.verdict == Verdict::Absent => Ok(()),
        answer => answer,
    }
}

/// Removes a container of ours with its anonymous volumes, running or not, and then its
/// rules; returns once both are absent.
pub(super) async fn remove(core: &Core, client: &Client, agent: AgentId) -> Result<(), Fault> {
    let options = RemoveContainerOptionsBuilder::default()
        .force(true)
        .v(true)
        .build();
    let name = core.ours.name(agent);
    let removing = client.docker.remove_container(&name, Some(options));
    match within("remove the container", REMOVE_WAIT, removing).await {
        Ok(()) => {}
        Err(fault) if fault.verdict == Verdict::Absent => {}
        Err(fault) => confirm_absent(core, client, agent, fault).await?,
    }
    core.fence.withdraw(client, agent).await
}

/// The engine may be removing it already, or have done so before it failed to answer.
async fn confirm_absent(
    core: &Core,
    client: &Client,
    agent: AgentId,
    fault: Fault,
) -> Result<(), Fault> {
    for _ in 0..REMOVAL_LOOKS {
        match look(core, client, agent).await {
            Ok(Found::Nothing | Found::Foreign) => return Ok(()),
            Ok(_) if fault.verdict == Verdict::Conflict => sleep(LOOK_PAUSE).await,
            Ok(_) | Err(_) => break,
        }
    }
    Err(fault)
}
