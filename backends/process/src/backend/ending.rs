//! Destroying: ask, wait, force, wait.
//!
//! Promise: success means that nothing of the agent is left. It asks at most once (a second
//! TERM means something else to an agent), so repeating it is safe, and dropping it leaves
//! an agent that may still be ending. Leaves to others: removing (`watch`).

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use headcount_model::AgentId;
use headcount_ports::{BackendError, DestroyRequest};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::sync::watch::Receiver;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::timeout;

use super::survey::{Found, look};
use super::{Core, watch};
use crate::sweep::{Target, descendants, strike};
use crate::table::{Body, Input, Life, Status, View};

/// For killed processes to end and what they left to be removed.
const END_WAIT: Duration = Duration::from_secs(20);
/// A destroy that finds the agent in another state than it left it looks again; more often
/// than this means that somebody makes it anew all the time.
const MAX_LOOKS: u32 = 8;

/// See the port.
pub(super) async fn destroy(core: &Arc<Core>, request: DestroyRequest) -> Result<(), BackendError> {
    let DestroyRequest { agent, grace } = request;
    for _ in 0..MAX_LOOKS {
        let Some(view) = core.table.view(agent) else {
            if find(core, agent).await? {
                continue;
            }
            return Ok(());
        };
        match view.life() {
            Life::Starting | Life::Unwanted => born_or_not(core, agent, view.status).await?,
            Life::Running => end(core, agent, view, grace).await?,
            Life::Ended(_) => absent(agent, view.status).await?,
            Life::Stuck(_) => sweep_again(core, agent, view).await?,
            Life::Absent => {}
        }
        if core.table.view(agent).is_none() {
            return Ok(());
        }
    }
    Err(BackendError::Unknown(format!(
        "{agent} is made anew while it is destroyed"
    )))
}

/// Enters what exists of an agent that nobody knows of; false when nothing does.
async fn find(core: &Arc<Core>, agent: AgentId) -> Result<bool, BackendError> {
    let looking = core.clone();
    let found = spawn_blocking(move || look(&looking, agent)).await;
    let pool = match found.map_err(|error| cut_short(agent, &error))?? {
        Found::Nothing | Found::Foreign(_) => return Ok(false),
        Found::Alive(body) => {
            watch::adopt(core, agent, *body);
            return Ok(true);
        }
        Found::Over(record) => record.mark.pool,
        Found::Unfinished => "".into(),
    };
    if core.table.enter_ended(agent, &pool) {
        let core = core.clone();
        tokio::spawn(async move { watch::clear(&core, agent).await });
    }
    Ok(true)
}

async fn born_or_not(
    core: &Arc<Core>,
    agent: AgentId,
    mut status: Receiver<Status>,
) -> Result<(), BackendError> {
    core.table.apply(agent, Input::Unwant);
    let settled = |status: &Status| !matches!(status.life, Life::Starting | Life::Unwanted);
    match timeout(END_WAIT, status.wait_for(settled)).await {
        Ok(_) => Ok(()),
        Err(_) => Err(BackendError::Unknown(format!(
            "{agent} is still being made"
        ))),
    }
}

async fn end(
    core: &Arc<Core>,
    agent: AgentId,
    view: View,
    grace: Duration,
) -> Result<(), BackendError> {
    // Whatever runs has a body.
    let Some(body) = view.body else {
        return Ok(());
    };
    let mut status = view.status;
    if !body.asked.swap(true, Ordering::AcqRel) {
        let (asking, asked) = (core.clone(), body.clone());
        let asked = spawn_blocking(move || asking.ask(&asked)).await;
        asked.map_err(|error| cut_short(agent, &error))?;
    }
    if timeout(grace, status.wait_for(is_settled)).await.is_ok() {
        return Ok(());
    }
    let forcing = core.clone();
    let forced = spawn_blocking(move || forcing.force(&body)).await;
    let forced = forced.map_err(|error| cut_short(agent, &error))?;
    forced.map_err(|error| BackendError::Unknown(error.to_string()))?;
    absent(agent, status).await
}

/// Returns once nothing is left, or what is left cannot be removed.
async fn absent(agent: AgentId, mut status: Receiver<Status>) -> Result<(), BackendError> {
    match timeout(END_WAIT, status.wait_for(is_settled)).await {
        Ok(_) => Ok(()),
        Err(_) => Err(BackendError::Unknown(format!(
            "{agent} was killed and has not ended after {} s; look for processes in state D",
            END_WAIT.as_secs()
        ))),
    }
}

async fn sweep_again(core: &Arc<Core>, agent: AgentId, view: View) -> Result<(), BackendError> {
    let mut status = view.status;
    if core.table.apply(agent, Input::SweepAgain) {
        let (core, body) = (core.clone(), view.body);
        tokio::spawn(async move {
            match body {
                Some(body) => watch::bury(&core, agent, body, false).await,
                None => watch::clear(&core, agent).await,
            }
        });
    }
    let settled = timeout(END_WAIT, status.wait_for(is_settled)).await;
    let error = match settled {
        Ok(Ok(status)) => status.error.clone(),
        Ok(Err(_)) => None,
        Err(_) => Some(BackendError::Unknown(format!(
            "{agent} is still being removed"
        ))),
    };
    error.map_or(Ok(()), Err)
}

fn is_settled(status: &Status) -> bool {
    matches!(status.life, Life::Absent | Life::Stuck(_))
}

fn cut_short(agent: AgentId, error: &JoinError) -> BackendError {
    BackendError::Unknown(format!("ending {agent} was cut short: {error}"))
}

impl Core {
    /// Asks the process and its group to end, remembering what descends from it, because
    /// children of a dead process are nobody's.
    fn ask(&self, body: &Body) {
        self.capture(body);
        if let Err(error) = term(body) {
            tracing::warn!(pid = body.main.key().pid, %error, "cannot be asked to end");
        }
    }

    /// Ends it and all that is known to be its own.
    fn force(&self, body: &Body) -> io::Result<()> {
        self.capture(body);
        let target = Target::of_body(&self.options.owner, body, true);
        match strike(&self.scans, &target) {
            Ok(_) => Ok(()),
            // One of them refused; what matters now is the process that is watched.
            Err(error) => body.main.signal(Signal::KILL).map_err(|_| error),
        }
    }

    fn capture(&self, body: &Body) {
        match descendants(&self.scans, body.main.key()) {
            Ok(found) => body.captured().extend(found),
            Err(error) => tracing::warn!(%error, "descendants cannot be seen"),
        }
    }
}

/// While the leader of a group is held and has not ended, its number is the group's.
fn term(body: &Body) -> io::Result<()> {
    if body.main.has_ended()? {
        return Ok(());
    }
    let grouped = Pid::from_raw(body.main.key().pid)
        .is_some_and(|group| kill_process_group(group, Signal::TERM).is_ok());
    match grouped {
        true => Ok(()),
        // It has put itself into another group.
        false => body.main.signal(Signal::TERM),
    }
}
