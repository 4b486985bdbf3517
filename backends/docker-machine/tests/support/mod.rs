//! A backend over the stand-in, whose machines are on a real engine.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "only tests use it")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use headcount_backend_docker_machine::{DockerMachineBackend, DockerMachineOptions, Pace};
use headcount_calls::Writer;
use headcount_engines::Anonymous;
use headcount_model::{
    AgentId, AgentKind, DockerMachineAddress, DockerMachineRecipe, Granted, Instance,
    InstanceState, LogPressure, MachineOption, OwnerId, PoolName, PullPolicy, Recipe, Secret,
};
use headcount_ports::agent_env::CallBack;
use headcount_ports::conformance::backend::{Events, Life, Rig, SHORT_EXIT};
use headcount_ports::{Backend, BackendError, BackendInbox, CreateRequest, DestroyRequest};
use headcount_test_engines::{Engine, Kind, skip};
use headcount_test_machine::StandIn;
use tempfile::TempDir;

/// Its containers live until they are ended.
pub const LONG: &str = "headcount.test/long:1";
/// Its containers end at once.
const SHORT: &str = "headcount.test/short:1";

/// An engine, if this machine can run one.
pub fn engine() -> Option<Engine> {
    if skip(Kind::Docker) {
        return None;
    }
    let engine = Engine::start(Kind::Docker);
    prepare(&engine);
    Some(engine)
}

pub fn instance(number: u32, state: InstanceState) -> Instance {
    Instance {
        agent: agent(number),
        pool: PoolName::new("tests/linux+x"),
        state,
    }
}

/// The name of the machine of an agent, as its place tells it.
pub fn name(number: u32) -> String {
    format!("auto-scale-{}-00000001-{number:08x}", digits())
}

/// Of the first owner.
fn digits() -> String {
    // FNV-1a of `one`, folded.
    let hash = b"one".iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{:08x}", (hash >> 32) ^ (hash & 0xffff_ffff))
}

/// Gives the engine the images of [`Place`].
pub fn prepare(engine: &Engine) {
    engine.import_running(LONG, "sleep 600");
    engine.import_running(SHORT, &format!("exit {SHORT_EXIT}"));
}

/// One tool with one store, and the state directories of its owners.
pub struct Place<'a> {
    pub engine: &'a Engine,
    pub stand_in: StandIn,
    pub dir: TempDir,
}

impl<'a> Place<'a> {
    pub fn new(engine: &'a Engine) -> Self {
        Self {
            stand_in: StandIn::new(&engine.socket()),
            engine,
            dir: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    pub fn address(&self) -> DockerMachineAddress {
        DockerMachineAddress {
            program: Some(self.stand_in.program().display().to_string()),
            store: Some(self.stand_in.store().display().to_string()),
        }
    }

    pub fn state_dir(&self, owner: &OwnerId) -> PathBuf {
        self.dir.path().join(owner.as_str())
    }

    pub fn options(&self, owner: &OwnerId) -> DockerMachineOptions {
        options(self.address(), owner, self.state_dir(owner))
    }

    /// The backend of the first owner, and what it tells.
    pub fn open(&self) -> (Arc<DockerMachineBackend>, Arc<Events>) {
        self.open_with(|_| {})
    }

    pub fn open_with(
        &self,
        change: impl FnOnce(&mut DockerMachineOptions),
    ) -> (Arc<DockerMachineBackend>, Arc<Events>) {
        let events = Arc::new(Events::default());
        let mut options = self.options(&owner());
        change(&mut options);
        (DockerMachineBackend::new(options, events.clone()), events)
    }

    pub fn recipe(&self, image: &str) -> DockerMachineRecipe {
        recipe(self.address(), image)
    }

    pub fn long(&self, agent: AgentId) -> CreateRequest {
        self.wanted(&owner(), agent, self.recipe(LONG))
    }

    pub fn short(&self, agent: AgentId) -> CreateRequest {
        self.wanted(&owner(), agent, self.recipe(SHORT))
    }

    pub fn wanted(
        &self,
        owner: &OwnerId,
        agent: AgentId,
        recipe: DockerMachineRecipe,
    ) -> CreateRequest {
        wanted(owner, agent, recipe)
    }

    /// The files in which the first owner has written down its machines.
    pub fn deeds(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let folders = std::fs::read_dir(self.state_dir(&owner()).join("docker-machine"));
        for folder in folders.into_iter().flatten().flatten() {
            let files = std::fs::read_dir(folder.path()).into_iter().flatten();
            let files = files.flatten().map(|file| file.path());
            found.extend(files.filter(|path| path.extension().is_some_and(|it| it == "json")));
        }
        found.sort();
        found
    }

    /// The records of machines, by name, in order.
    pub fn records(&self) -> Vec<String> {
        let machines = std::fs::read_dir(self.stand_in.store().join("machines"));
        let entries = machines.into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    pub fn record(&self, name: &str) -> PathBuf {
        self.stand_in.store().join("machines").join(name)
    }
}

#[async_trait]
impl Rig for Place<'_> {
    async fn backend(&self, owner: &OwnerId, inbox: Arc<dyn BackendInbox>) -> Arc<dyn Backend> {
        DockerMachineBackend::new(self.options(owner), inbox)
    }

    fn request(&self, owner: &OwnerId, agent: AgentId, life: Life) -> CreateRequest {
        let image = match life {
            Life::Long => LONG,
            Life::Short => SHORT,
        };
        self.wanted(owner, agent, self.recipe(image))
    }

    /// Machines that cost money.
    async fn running(&self, agent: AgentId) -> usize {
        let end = format!("-{:08x}-{:08x}", agent.epoch, agent.number);
        let names = self.stand_in.machines();
        names.iter().filter(|name| name.ends_with(&end)).count()
    }
}

/// Whatever the tool is doing for the only machine of a place.
impl Place<'_> {
    /// A daemon that has a machine made, and is gone once the tool has said this.
    pub async fn former(&self, request: CreateRequest, until: &str) {
        let options = self.options(&owner());
        let starting = std::thread::spawn(move || {
            // A runtime of its own, which ends as a daemon does.
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .unwrap();
            let backend = {
                let _inside = runtime.enter();
                DockerMachineBackend::new(options, Arc::new(Events::default()))
            };
            runtime.spawn(async move { drop(backend.create(request).await) });
            runtime
        });
        let runtime = starting.join().unwrap();
        self.until_tool_says(until).await;
        until_it_says(&self.deed(), "\"maker\"").await;
        runtime.shutdown_background();
    }

    /// Returns once the tool has said this of the only machine.
    pub async fn until_tool_says(&self, words: &str) {
        let noted = async {
            while self.deeds().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let noted = tokio::time::timeout(Duration::from_secs(60), noted).await;
        assert!(noted.is_ok(), "no machine is written down");
        until_it_says(&self.deed().with_extension("log"), words).await;
    }

    /// The only note of a machine.
    pub fn deed(&self) -> PathBuf {
        self.deeds().pop().unwrap()
    }

    /// Somebody kills the tool that makes the only machine.
    pub async fn kill_tool(&self) {
        let deed = self.deed();
        until_it_says(&deed, "\"maker\"").await;
        let text = std::fs::read_to_string(deed).unwrap();
        let (_, rest) = text.split_once("\"maker\":\"").unwrap();
        let pid = rest.split(' ').next().unwrap();
        let killed = std::process::Command::new("kill").arg(pid).status();
        assert!(killed.unwrap().success());
    }

    /// Returns once nobody writes into the log of the only machine any more.
    pub async fn until_tool_has_ended(&self) {
        let log = self.deed().with_extension("log");
        let ended = async {
            while Writer::of(&log).unwrap() != Writer::None {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(60), ended).await;
        assert!(ended.is_ok(), "the tool does not end");
    }

    /// Writes into the only note what another daemon, or another moment, would have written.
    pub fn rewrite(&self, change: impl FnOnce(&mut serde_json::Value)) {
        let deed = self.deed();
        let mut note = serde_json::from_slice(&std::fs::read(&deed).unwrap()).unwrap();
        change(&mut note);
        std::fs::write(&deed, note.to_string()).unwrap();
    }
}

pub fn owner() -> OwnerId {
    OwnerId::new("one")
}

pub fn agent(number: u32) -> AgentId {
    AgentId { epoch: 1, number }
}

pub async fn destroy(backend: &dyn Backend, agent: AgentId) -> Result<(), BackendError> {
    let grace = Duration::ZERO;
    backend.destroy(DestroyRequest { agent, grace }).await
}

/// Returns once these words are in a file.
pub async fn until_it_says(file: &Path, words: &str) {
    let looking = async {
        while !std::fs::read_to_string(file).is_ok_and(|text| text.contains(words)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let said = tokio::time::timeout(Duration::from_secs(60), looking).await;
    assert!(said.is_ok(), "`{}` never says {words:?}", file.display());
}

/// The text of an error, and what kind it is.
pub fn told(error: BackendError) -> (&'static str, String) {
    match error {
        BackendError::Transient(message) => ("transient", message),
        BackendError::Capacity { message, .. } => ("capacity", message),
        BackendError::Throttled { message, .. } => ("throttled", message),
        BackendError::Invalid(message) => ("invalid", message),
        BackendError::Unknown(message) => ("unknown", message),
    }
}

/// A program that is not the stand-in.
pub fn script(dir: &Path, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = dir.join("other-machine");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn address(program: &str, store: &Path) -> DockerMachineAddress {
    DockerMachineAddress {
        program: Some(program.to_owned()),
        store: Some(store.display().to_string()),
    }
}

/// Without an engine: nothing can be made.
pub fn options_of(program: &str, store: &Path, dir: &Path) -> DockerMachineOptions {
    options(address(program, store), &owner(), dir.join("state"))
}

pub fn wanted_of(program: &str, store: &Path) -> CreateRequest {
    wanted(&owner(), agent(1), recipe(address(program, store), LONG))
}

fn options(
    tool: DockerMachineAddress,
    owner: &OwnerId,
    state_dir: PathBuf,
) -> DockerMachineOptions {
    let path = std::env::var("PATH").expect("a path");
    DockerMachineOptions {
        tool,
        owner: owner.clone(),
        state_dir,
        host_env: BTreeMap::from([("PATH".to_owned(), path)]),
        own_binary: PathBuf::from("/bin/busybox"),
        call_back: CallBack::new(Ok("wss://127.0.0.1:7118".into())),
        forwarded: BTreeMap::new(),
        known: BTreeMap::new(),
        credentials: Arc::new(Anonymous),
        pace: Pace {
            create: Duration::from_secs(20),
            engine: Duration::from_secs(5),
            ..Pace::default()
        },
    }
}

fn recipe(tool: DockerMachineAddress, image: &str) -> DockerMachineRecipe {
    DockerMachineRecipe {
        tool,
        driver: "stand-in".into(),
        name: "auto-scale-%s".into(),
        options: vec![MachineOption::Plain("stand-in-size=a b".into())],
        options_with_name: vec!["stand-in-tag=%s".into()],
        image: image.into(),
        pull: PullPolicy::Never,
        agent_of_image: true,
        env: BTreeMap::new(),
        secret_env: Vec::new(),
        volumes: Vec::new(),
        privileged: false,
        agent_url: None,
    }
}

fn wanted(owner: &OwnerId, agent: AgentId, recipe: DockerMachineRecipe) -> CreateRequest {
    CreateRequest {
        agent,
        owner: owner.clone(),
        pool: "tests/linux+x".into(),
        scaler: "tests".into(),
        kind: AgentKind::Managed,
        labels: "linux,x".into(),
        granted: Granted::default(),
        slots: 1,
        log_pressure: LogPressure::Pause,
        deadline: std::time::Duration::from_secs(60),
        recipe: Arc::new(Recipe::DockerMachine(recipe)),
        token: Some(Secret::new("the-t0ken".into())),
    }
}
