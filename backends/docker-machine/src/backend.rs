//! The backend: creates, lists, destroys, and watches.
//!
//! Promise: see the crate. Leaves to others: deadlines and retries (`controller`).

mod birth;
mod ending;
mod look;
mod toolwork;
mod watch;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use headcount_model::{AgentId, BackendEvent, BackendId, Exit, Listing};
use headcount_ports::turns::Turns;
use headcount_ports::{
    Backend, BackendError, BackendInbox, BackendPromises, CreateRequest, DestroyRequest,
};
use tokio::sync::OnceCell;
use tokio::task::AbortHandle;

use crate::agent;
use crate::deeds::{Deeds, Phase};
use crate::gate::Gate;
use crate::marks::Ours;
use crate::options::DockerMachineOptions;
use crate::store::Store;
use crate::tool::Tool;
use watch::Absence;

/// Agents on machines of one `docker-machine` with one store.
///
/// Dropping it ends nothing: the machines go on, and the next one for the same owner, tool
/// and state directory finds them.
pub struct DockerMachineBackend {
    core: Arc<Core>,
}

/// What the futures of all machines share.
struct Core {
    options: DockerMachineOptions,
    ours: Ours,
    tool: Tool,
    store: Store,
    deeds: Deeds,
    gate: Gate,
    turns: Turns,
    /// Our own agent, packed once.
    program: OnceCell<Bytes>,
    watched: Mutex<Watched>,
    inbox: Arc<dyn BackendInbox>,
}

/// The agents whose containers are waited for, those that have ended, and those that nobody
/// has come for yet.
#[derive(Default)]
struct Watched {
    watchers: HashMap<AgentId, AbortHandle>,
    ended: HashMap<AgentId, Exit>,
    /// A former daemon was having them made, and this one was asked for nothing about them.
    left: HashSet<AgentId>,
}

impl DockerMachineBackend {
    /// Starts to watch the agents whose machines are known. Calls the tool for nothing. Must
    /// be called inside a tokio runtime.
    #[must_use]
    pub fn new(options: DockerMachineOptions, inbox: Arc<dyn BackendInbox>) -> Arc<Self> {
        let ours = Ours {
            owner: options.owner.clone(),
            backend: options.tool.backend_id(),
        };
        let store = Store::new(options.tool.store.as_deref(), &options.host_env);
        let core = Arc::new(Core {
            tool: Tool::new(&options, store.root()),
            deeds: Deeds::load(&options.state_dir, ours.fingerprint()),
            ours,
            store,
            gate: Gate::default(),
            turns: Turns::default(),
            program: OnceCell::new(),
            watched: Mutex::default(),
            inbox,
            options,
        });
        for (agent, deed) in core.deeds.all().unwrap_or_default() {
            if let Phase::Making | Phase::Settling = deed.phase {
                core.watched().left.insert(agent);
            }
            match (deed.phase, deed.engine) {
                (Phase::Made, Some(engine)) => {
                    watch::begin(&core, agent, &engine, Absence::IsAnEnd);
                }
                (Phase::Settling, Some(engine)) => {
                    watch::begin(&core, agent, &engine, Absence::SaysNothing);
                }
                _ => {}
            }
        }
        Arc::new(Self { core })
    }
}

impl Drop for DockerMachineBackend {
    fn drop(&mut self) {
        for watcher in self.core.watched().watchers.values() {
            watcher.abort();
        }
    }
}

impl Core {
    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at files, or writes them, where a disk that hangs holds up nobody. The error is
    /// a sentence: the runtime is ending.
    async fn aside<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Self>) -> T + Send + 'static,
    ) -> Result<T, String> {
        let core = self.clone();
        let working = tokio::task::spawn_blocking(move || work(&core)).await;
        working.map_err(|_| "the daemon is ending".to_owned())
    }

    async fn tell(&self, event: BackendEvent) {
        self.inbox.post(&self.ours.backend, event).await;
    }
}

#[async_trait]
impl Backend for DockerMachineBackend {
    fn id(&self) -> BackendId {
        self.core.ours.backend.clone()
    }

    fn promises(&self) -> BackendPromises {
        BackendPromises {
            caller_names: true,
            complete_marked_list: true,
            reports_death: false,
            enforces_limits: true,
        }
    }

    async fn create(&self, request: CreateRequest) -> Result<(), BackendError> {
        birth::create(&self.core, request).await
    }

    /// See the port. A machine whose record is missing from the store is listed as it was.
    async fn list(&self) -> Result<Listing, BackendError> {
        look::list(&self.core).await
    }

    async fn destroy(&self, request: DestroyRequest) -> Result<(), BackendError> {
        ending::destroy(&self.core, request).await
    }

    async fn last_output(&self, agent: AgentId, max_lines: usize) -> Vec<String> {
        if let Some(words) = self.core.turns.words(agent, max_lines) {
            return words;
        }
        let deed = self.core.deeds.of(agent).ok().flatten();
        match deed.and_then(|deed| deed.engine) {
            Some(engine) => {
                let name = agent::name(&self.core.ours, agent);
                agent::words(&engine, &name, max_lines).await
            }
            None => Vec::new(),
        }
    }
}
