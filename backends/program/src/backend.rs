//! The backend: creates, lists, destroys, and watches.
//!
//! Promise: see the crate. Leaves to others: deadlines and retries (`controller`).

mod asking;
mod batch;
mod birth;
mod by_id;
mod ending;
mod lease;
mod look;
mod others;
mod outlived;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use headcount_model::{AgentId, BackendEvent, BackendId, LeasedInstance, Listing, OtherEnd};
use headcount_ports::{
    Backend, BackendError, BackendInbox, BackendPromises, CreateRequest, DestroyRequest,
    ReapOtherRequest,
};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::options::ProgramOptions;
use crate::provisioner::Provisioner;
use batch::Batches;
use headcount_ports::census::Census;
use headcount_ports::turns::Turns;
use lease::Leases;
use look::Desk;

/// Agents on machines that one program makes.
///
/// Dropping it ends nothing: the machines go on, and the next one for the same owner and
/// program finds them by `list`.
pub struct ProgramBackend {
    core: Arc<Core>,
    /// What it does by itself.
    chores: [AbortHandle; 3],
}

/// What the futures of all machines share.
struct Core {
    id: BackendId,
    provisioner: Provisioner,
    turns: Turns,
    batches: Batches,
    /// Of machines of other owners, by their agents: two owners may have equal ones, which
    /// then wait for each other.
    other_turns: Turns,
    leases: Leases,
    desk: Desk,
    census: Mutex<Census>,
    /// Somebody may be there who was not, or is missing.
    changed: Notify,
    /// A list lacked somebody, who may have to be asked for by name.
    unseen: Notify,
    inbox: Arc<dyn BackendInbox>,
}

impl ProgramBackend {
    /// Starts to watch the agents that are known. Calls nothing while there are none. Must
    /// be called inside a tokio runtime.
    #[must_use]
    pub fn new(options: ProgramOptions, inbox: Arc<dyn BackendInbox>) -> Arc<Self> {
        let mut census = Census::default();
        for (agent, pool) in &options.known {
            census.expect(*agent, pool, Instant::now());
        }
        let core = Arc::new(Core {
            id: options.provisioner.backend_id(),
            provisioner: Provisioner::new(options),
            turns: Turns::default(),
            batches: Batches::default(),
            other_turns: Turns::default(),
            leases: Leases::default(),
            desk: Desk::default(),
            census: Mutex::new(census),
            changed: Notify::new(),
            unseen: Notify::new(),
            inbox,
        });
        outlived::wait_for_all(&core);
        let chores = [
            tokio::spawn(watch::watch(core.clone())).abort_handle(),
            tokio::spawn(lease::keep(core.clone())).abort_handle(),
            tokio::spawn(asking::keep_asking(core.clone())).abort_handle(),
        ];
        Arc::new(Self { core, chores })
    }
}

impl Drop for ProgramBackend {
    fn drop(&mut self) {
        self.chores.iter().for_each(AbortHandle::abort);
    }
}

impl Core {
    fn census(&self) -> MutexGuard<'_, Census> {
        self.census.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn tell(&self, event: BackendEvent) {
        self.inbox.post(&self.id, event).await;
    }
}

#[async_trait]
impl Backend for ProgramBackend {
    fn id(&self) -> BackendId {
        self.core.id.clone()
    }

    fn promises(&self) -> BackendPromises {
        BackendPromises {
            caller_names: true,
            complete_marked_list: true,
            reports_death: false,
            enforces_limits: false,
        }
    }

    async fn create(&self, request: CreateRequest) -> Result<(), BackendError> {
        birth::create(&self.core, request).await
    }

    /// See the port. A machine that the program does not show is listed as it was until its
    /// absence is confirmed by asking for it.
    async fn list(&self) -> Result<Listing, BackendError> {
        let looked = look::refresh(&self.core).await;
        looked.map_err(|fault| fault.as_unlisted())?;
        Ok(self.core.census().listing())
    }

    async fn destroy(&self, request: DestroyRequest) -> Result<(), BackendError> {
        ending::destroy(&self.core, request).await
    }

    async fn list_others(&self) -> Result<Vec<LeasedInstance>, BackendError> {
        let listed = look::others(&self.core).await;
        listed.map_err(|fault| fault.as_unlisted())
    }

    async fn reap_other(&self, request: ReapOtherRequest) -> Result<OtherEnd, BackendError> {
        others::reap(&self.core, request).await
    }

    async fn last_output(&self, agent: AgentId, max_lines: usize) -> Vec<String> {
        let message = self.core.census().message(agent);
        message.into_iter().take(max_lines).collect()
    }
}
