//! The backend: creates, lists, destroys, and tells what becomes of agents.
//!
//! Promise: see the crate. What exists is asked of the cluster each time; what is
//! remembered here serves only to tell news once. Leaves to others: deadlines and retries
//! (`controller`).

mod birth;
mod ending;
mod history;
mod look;
mod watch;
mod words;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use headcount_model::{AgentId, BackendEvent, BackendId, Listing};
use headcount_ports::turns::Turns;
use headcount_ports::{
    Backend, BackendError, BackendInbox, BackendPromises, CreateRequest, DestroyRequest,
};
use tokio::sync::{Notify, watch as signal};
use tokio::task::AbortHandle;

use crate::access::Access;
use crate::census::{Census, Turn};
use crate::marks::Ours;
use crate::options::KubernetesOptions;
use crate::standing::End;
use words::Words;

/// Agents as Jobs in one namespace of one cluster.
///
/// Dropping it ends nothing: the Jobs go on, and the next one for the same owner and place
/// finds them by `list`.
pub struct KubernetesBackend {
    core: Arc<Core>,
    helpers: Vec<AbortHandle>,
}

/// What the futures of all instances share.
struct Core {
    options: KubernetesOptions,
    ours: Ours,
    access: Access,
    census: Mutex<Census>,
    turns: Turns,
    words: Words,
    /// Something in the cluster has changed.
    changed: signal::Sender<u64>,
    /// There may be finished Jobs beyond what is kept.
    finished: Notify,
    inbox: Arc<dyn BackendInbox>,
}

impl KubernetesBackend {
    /// Starts to look for the cluster and to watch it. That it is away now is no error
    /// here: `list` and `create` say so. Must be called inside a tokio runtime.
    #[must_use]
    pub fn new(options: KubernetesOptions, inbox: Arc<dyn BackendInbox>) -> Arc<Self> {
        let ours = Ours {
            owner: options.owner.clone(),
            backend: options.cluster.backend_id(),
        };
        let core = Arc::new(Core {
            access: Access::new(options.cluster.clone(), options.pace),
            ours,
            census: Mutex::default(),
            turns: Turns::default(),
            words: Words::default(),
            changed: signal::Sender::default(),
            finished: Notify::new(),
            inbox,
            options,
        });
        let helpers = vec![
            tokio::spawn(watch::watch_jobs(core.clone())).abort_handle(),
            tokio::spawn(watch::watch_pods(core.clone())).abort_handle(),
            tokio::spawn(watch::watch_refusals(core.clone())).abort_handle(),
            tokio::spawn(history::keep(core.clone())).abort_handle(),
        ];
        Arc::new(Self { core, helpers })
    }
}

impl Drop for KubernetesBackend {
    fn drop(&mut self) {
        for helper in &self.helpers {
            helper.abort();
        }
    }
}

impl Core {
    fn census(&self) -> MutexGuard<'_, Census> {
        self.census.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn tell(&self, event: BackendEvent) {
        self.inbox.post(&self.ours.backend, event).await;
    }

    /// Tells what is new.
    async fn take(&self, turns: Vec<Turn>) {
        self.changed.send_modify(|changes| *changes += 1);
        for turn in turns {
            match turn {
                Turn::Over(agent, end) => {
                    let end = look::certain(self, agent, end).await;
                    self.conclude(agent, end).await;
                }
                turn => {
                    if let Some(event) = turn.event() {
                        self.tell(event).await;
                    }
                }
            }
        }
    }

    /// Tells that an agent is over, once, and before that that it ran.
    async fn conclude(&self, agent: AgentId, end: End) {
        let left = self.census().conclude(agent);
        if !left.tell_over {
            return;
        }
        if left.tell_running && end.ran {
            self.tell(BackendEvent::Running(agent)).await;
        }
        self.tell(BackendEvent::Gone(agent, end.exit)).await;
        self.finished.notify_one();
    }
}

#[async_trait]
impl Backend for KubernetesBackend {
    fn id(&self) -> BackendId {
        self.core.ours.backend.clone()
    }

    fn promises(&self) -> BackendPromises {
        BackendPromises {
            caller_names: true,
            complete_marked_list: true,
            reports_death: true,
            enforces_limits: true,
        }
    }

    /// See the port. An agent whose Job is finished is not made again: the call succeeds,
    /// and its end is told (again).
    async fn create(&self, request: CreateRequest) -> Result<(), BackendError> {
        birth::create(&self.core, request).await
    }

    /// See the port. Finished Jobs that stay as history are no instances; the end of one
    /// that nobody was told of is told before this answers.
    async fn list(&self) -> Result<Listing, BackendError> {
        Ok(look::list(&self.core).await?)
    }

    /// See the port. A finished Job stays: it is history, not an instance.
    async fn destroy(&self, request: DestroyRequest) -> Result<(), BackendError> {
        ending::destroy(&self.core, request).await
    }

    async fn last_output(&self, agent: AgentId, max_lines: usize) -> Vec<String> {
        words::last(&self.core, agent, max_lines).await
    }
}
