//! A backend over a real engine, and a look at that engine from outside.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "only tests use it")]

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use bollard::query_parameters::ListContainersOptionsBuilder;
use headcount_backend_container::{Anonymous, ContainerBackend, ContainerOptions, Nft};
use headcount_model::{
    AgentId, AgentKind, ContainerNetwork, ContainerProgram, ContainerRecipe, EngineAddress,
    Granted, LogPressure, OwnerId, PullPolicy, Recipe,
};
use headcount_ports::agent_env::CallBack;
use headcount_ports::conformance::backend::{Events, Life, Rig, SHORT_EXIT};
use headcount_ports::{Backend, BackendInbox, CreateRequest};
use headcount_test_engines::{Engine, IMAGE};
use tempfile::TempDir;

/// One engine, used by owners that no other place has.
pub struct Place<'a> {
    pub engine: &'a Engine,
    pub dir: TempDir,
    tag: u32,
}

static PLACES: AtomicU32 = AtomicU32::new(0);

impl<'a> Place<'a> {
    pub fn new(engine: &'a Engine) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(dir.path().join("run")).expect("a folder");
        Self {
            engine,
            dir,
            tag: PLACES.fetch_add(1, Ordering::Relaxed),
        }
    }

    pub fn owner(&self, name: &str) -> OwnerId {
        OwnerId::new(&format!("{}-{name}", self.tag))
    }

    pub fn address(&self) -> EngineAddress {
        EngineAddress::Socket(self.engine.socket().display().to_string())
    }

    pub fn options(&self, owner: &OwnerId) -> ContainerOptions {
        ContainerOptions {
            engine: self.address(),
            owner: owner.clone(),
            state_dir: self.dir.path().to_owned(),
            own_binary: PathBuf::from("/bin/busybox"),
            agent_socket: self.dir.path().join("run/agents.sock"),
            call_back: CallBack::default(),
            forwarded: [].into(),
            runtime_dir: None,
            nft: self.nft(),
            credentials: Arc::new(Anonymous),
        }
    }

    /// Changes the rules of the engine's own network namespace.
    pub fn nft(&self) -> Nft {
        let namespace = format!("--net={}", self.engine.network().display());
        Nft::through(["nsenter", &namespace, "nft"])
    }

    pub fn open(&self) -> (Arc<ContainerBackend>, Arc<Events>) {
        let events = Arc::new(Events::default());
        let options = self.options(&self.owner("one"));
        (ContainerBackend::new(options, events.clone()), events)
    }

    /// A worker that runs this shell text.
    pub fn worker(&self, agent: AgentId, script: &str) -> CreateRequest {
        self.request_of(&self.owner("one"), agent, &["sh", "-c", script])
    }

    fn request_of(&self, owner: &OwnerId, agent: AgentId, argv: &[&str]) -> CreateRequest {
        let argv = argv.iter().map(|word| (*word).to_owned()).collect();
        CreateRequest {
            agent,
            owner: owner.clone(),
            pool: "tests/linux+x".into(),
            scaler: "tests".into(),
            kind: AgentKind::Worker,
            labels: "linux,x".into(),
            granted: Granted::default(),
            slots: 1,
            log_pressure: LogPressure::Pause,
            deadline: std::time::Duration::from_secs(60),
            recipe: Arc::new(Recipe::Container(ContainerRecipe {
                engine: self.address(),
                image: IMAGE.to_owned(),
                pull: PullPolicy::Never,
                program: ContainerProgram::Worker(argv),
                env: [].into(),
                volumes: Vec::new(),
                engine_socket: false,
                extra_hosts: Vec::new(),
                network: ContainerNetwork::Open,
            })),
            token: None,
        }
    }

    /// The names of all containers of this agent in this place, as the engine tells them.
    pub async fn names(&self, agent: AgentId, running_only: bool) -> Vec<String> {
        let filters = vec![format!("headcount.agent={agent}")];
        let options = ListContainersOptionsBuilder::default()
            .all(!running_only)
            .filters(&HashMap::from([("label", filters)]))
            .build();
        let listed = self.engine.docker().list_containers(Some(options)).await;
        let names = listed.expect("it lists").into_iter();
        let names = names.flat_map(|container| container.names.unwrap_or_default());
        let own = format!("-{}-", self.tag);
        names.filter(|name| name.contains(&own)).collect()
    }
}

#[async_trait]
impl Rig for Place<'_> {
    async fn backend(&self, owner: &OwnerId, inbox: Arc<dyn BackendInbox>) -> Arc<dyn Backend> {
        ContainerBackend::new(self.options(&self.owner(owner.as_str())), inbox)
    }

    fn request(&self, owner: &OwnerId, agent: AgentId, life: Life) -> CreateRequest {
        let short = format!("exit {SHORT_EXIT}");
        let argv: &[&str] = match life {
            Life::Long => &["sleep", "600"],
            Life::Short => &["sh", "-c", &short],
        };
        self.request_of(&self.owner(owner.as_str()), agent, argv)
    }

    async fn running(&self, agent: AgentId) -> usize {
        self.names(agent, true).await.len()
    }
}

pub fn agent(number: u32) -> AgentId {
    AgentId { epoch: 1, number }
}
