//! The backend: creates, lists, destroys, and tells of deaths.
//!
//! Promise: see the crate. What exists is asked of the engine each time; nothing here
//! remembers it. Leaves to others: deadlines and retries (`controller`).

mod birth;
mod ending;
mod look;
mod watch;

use std::sync::Arc;

use async_trait::async_trait;
use headcount_model::{AgentId, BackendEvent, BackendId, Listing};
use headcount_ports::turns::Turns;
use headcount_ports::{
    Backend, BackendError, BackendInbox, BackendPromises, CreateRequest, DestroyRequest,
};
use tokio::task::AbortHandle;

use crate::fence::Fence;
use crate::handover::Tokens;
use crate::marks::Ours;
use crate::options::ContainerOptions;
use headcount_engines::Engine;
use headcount_engines::Images;
use headcount_engines::last_words;

/// Agents as containers of one engine.
///
/// Dropping it ends nothing: the containers go on, and the next one for the same owner and
/// engine finds them by `list`.
pub struct ContainerBackend {
    core: Arc<Core>,
    watcher: AbortHandle,
}

/// What the futures of all instances share.
struct Core {
    options: ContainerOptions,
    ours: Ours,
    engine: Arc<Engine>,
    images: Images,
    turns: Turns,
    fence: Fence,
    tokens: Tokens,
    inbox: Arc<dyn BackendInbox>,
}

impl ContainerBackend {
    /// Starts to look for the engine and to watch it. That it is away now is no error here:
    /// `list` and `create` say so. Must be called inside a tokio runtime.
    #[must_use]
    pub fn new(options: ContainerOptions, inbox: Arc<dyn BackendInbox>) -> Arc<Self> {
        let engine = Engine::new(options.engine.clone(), options.runtime_dir.clone());
        let engine = Arc::new(engine);
        let ours = Ours {
            owner: options.owner.clone(),
            backend: engine.address().backend_id(),
        };
        let tokens = Tokens::new(&options.state_dir, &ours);
        tokens.sweep();
        let core = Arc::new(Core {
            tokens,
            fence: Fence::new(ours.clone(), options.nft.clone()),
            ours,
            images: Images::new(engine.clone(), options.credentials.clone()),
            engine,
            turns: Turns::default(),
            inbox,
            options,
        });
        let watcher = tokio::spawn(watch::watch(core.clone())).abort_handle();
        Arc::new(Self { core, watcher })
    }

    /// The bridge of its network, for [`sweep_rules`](crate::sweep_rules).
    #[must_use]
    pub fn bridge(&self) -> String {
        self.core.fence.network()
    }

    /// Removes the network of these containers with its rules, if no container is left.
    /// Called when the daemon ends; what cannot be removed now is found by the next one.
    pub async fn close(&self) {
        let closed = match self.core.engine.client().await {
            Ok(client) => self.core.fence.close(&client).await,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = closed {
            tracing::warn!(backend = %self.core.ours.backend, error = fault.message, "the network stays");
        }
    }
}

impl Drop for ContainerBackend {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

impl Core {
    async fn tell(&self, event: BackendEvent) {
        self.inbox.post(&self.ours.backend, event).await;
    }
}

#[async_trait]
impl Backend for ContainerBackend {
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

    /// See the port. An agent that has ended is not made again: the call succeeds, and its
    /// end is told (again).
    async fn create(&self, request: CreateRequest) -> Result<(), BackendError> {
        birth::create(&self.core, request).await
    }

    async fn list(&self) -> Result<Listing, BackendError> {
        Ok(look::list(&self.core).await?)
    }

    async fn destroy(&self, request: DestroyRequest) -> Result<(), BackendError> {
        ending::destroy(&self.core, request).await
    }

    async fn last_output(&self, agent: AgentId, max_lines: usize) -> Vec<String> {
        if let Some(words) = self.core.turns.words(agent, max_lines) {
            return words;
        }
        match self.core.engine.client().await {
            Ok(client) => last_words(&client, &self.core.ours.name(agent), max_lines).await,
            Err(_) => Vec::new(),
        }
    }
}
