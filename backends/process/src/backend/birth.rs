//! Creating: at most one process an agent, whoever asks how often.

use std::sync::Arc;

use headcount_model::{AgentId, BackendEvent, Exit};
use headcount_ports::{BackendError, CreateRequest};
use tokio::sync::watch;

use super::survey::{self, Found};
use super::{Core, watch as watching};
use crate::make::Maker;
use crate::record::AgentDir;
use crate::remove::remove_dir;
use crate::table::{Body, Claim, Input, Life, Status};

/// What making comes to.
enum Birth {
    /// It executes.
    Alive(Box<Body>),
    /// It had been made before, and ended while nobody watched.
    Over,
}

/// See the port. The making itself goes on when this is dropped, and is then found in the
/// table.
pub(super) async fn create(core: &Arc<Core>, request: CreateRequest) -> Result<(), BackendError> {
    let agent = request.agent;
    let status = match core.table.claim(agent, &request.pool) {
        Claim::New(status) => {
            tokio::spawn(bear(core.clone(), request));
            status
        }
        Claim::Known(status) => status,
        Claim::Over(exit) => {
            core.teller.tell(BackendEvent::Gone(agent, exit));
            return Ok(());
        }
    };
    settled(status).await
}

async fn settled(mut status: watch::Receiver<Status>) -> Result<(), BackendError> {
    let is_settled = |status: &Status| !matches!(status.life, Life::Starting | Life::Unwanted);
    let Ok(status) = status.wait_for(is_settled).await else {
        return Err(BackendError::Unknown("the daemon is ending".into()));
    };
    match (status.life, &status.error) {
        (Life::Absent, Some(error)) => Err(error.clone()),
        _ => Ok(()),
    }
}

/// Makes it on a thread that may block, and settles its entry whatever happens.
async fn bear(core: Arc<Core>, request: CreateRequest) {
    let agent = request.agent;
    // Never closed.
    let permit = core.makers.acquire().await;
    if core.table.view(agent).map(|view| view.life()) == Some(Life::Unwanted) {
        let error = BackendError::Transient(format!("{agent} was destroyed before it was made"));
        core.table.failed(agent, Input::NotMade, error);
        return;
    }
    let making = core.clone();
    let born = tokio::task::spawn_blocking(move || making.make(&request)).await;
    drop(permit);
    match born {
        Ok(Ok(Birth::Alive(body))) => {
            let body = Arc::new(*body);
            core.table.made(agent, &body);
            core.teller.tell(BackendEvent::Running(agent));
            watching::watch(&core, agent, body);
        }
        Ok(Ok(Birth::Over)) => {
            core.table.apply(agent, Input::Died(Exit::Unknown));
            watching::clear(&core, agent).await;
        }
        Ok(Err(error)) => core.table.failed(agent, Input::NotMade, error),
        Err(error) => {
            let error = BackendError::Unknown(format!("making {agent} was cut short: {error}"));
            core.table.failed(agent, Input::NotMade, error);
        }
    }
}

impl Core {
    fn make(&self, request: &CreateRequest) -> Result<Birth, BackendError> {
        let dir = AgentDir::new(&self.agents, request.agent);
        if dir.path.exists()
            && let Some(birth) = self.made_before(&dir, request.agent)?
        {
            return Ok(birth);
        }
        let maker = Maker {
            options: &self.options,
            support: &self.support,
            boot: &self.boot,
        };
        let body = maker.make(dir, request)?;
        Ok(Birth::Alive(Box::new(body)))
    }

    /// What an earlier daemon made of this agent, if anything; a directory in which nothing
    /// was started is removed.
    fn made_before(&self, dir: &AgentDir, agent: AgentId) -> Result<Option<Birth>, BackendError> {
        match survey::look(self, agent)? {
            Found::Alive(body) => Ok(Some(Birth::Alive(body))),
            Found::Over(_) => Ok(Some(Birth::Over)),
            Found::Foreign(owner) => Err(BackendError::Invalid(format!(
                "`{}` belongs to another owner ({owner}); give this daemon a state directory \
                 of its own",
                dir.path.display()
            ))),
            Found::Unfinished | Found::Nothing => match remove_dir(&dir.path) {
                Ok(()) => Ok(None),
                Err(error) => Err(BackendError::Transient(format!(
                    "cannot remove what an earlier start left in `{}`: {error}",
                    dir.path.display()
                ))),
            },
        }
    }
}
