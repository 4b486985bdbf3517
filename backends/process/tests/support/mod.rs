//! A state directory of its own, real processes, and a look at /proc from outside.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "only tests use it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use headcount_backend_process::{CgroupMode, CgroupSupport, ProcessBackend, ProcessOptions};
use headcount_model::{
    AgentId, AgentKind, Granted, LogPressure, OwnerId, ProcessProgram, Recipe, Secret,
};
use headcount_ports::conformance::backend::{Events, Life, PATIENCE, Rig, SHORT_EXIT};
use headcount_ports::{Backend, BackendInbox, CreateRequest, DestroyRequest};
use tempfile::TempDir;

/// The example that stands for the binary; cargo builds it beside the tests.
pub fn host_binary() -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let profile = test.parent().and_then(Path::parent).expect("target folder");
    let host = profile.join("examples/host");
    assert!(
        host.is_file(),
        "`{}` is missing: run `cargo build -p headcount-backend-process --examples`",
        host.display()
    );
    host
}

/// A place for processes, removed with everything in it when dropped.
pub struct Place {
    pub dir: TempDir,
    /// Not the name of any other test's owner: processes are host-wide.
    pub tag: String,
    pub cgroups: CgroupMode,
}

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let name = dir.path().file_name().expect("it has a name");
        let letters = name
            .to_string_lossy()
            .replace(|c: char| !c.is_alphanumeric(), "");
        Self {
            tag: format!("{letters}{}", std::process::id()),
            dir,
            cgroups: CgroupMode::Use(CgroupSupport::Missing {
                why: "this test does without".into(),
            }),
        }
    }

    pub fn owner(&self, name: &str) -> OwnerId {
        OwnerId::new(&format!("{name}-{}", self.tag))
    }

    pub fn options(&self, owner: &OwnerId) -> ProcessOptions {
        ProcessOptions {
            state_dir: self.dir.path().to_owned(),
            owner: owner.clone(),
            own_binary: host_binary(),
            agent_url: "unix:/none/agents.sock".into(),
            forwarded: BTreeMap::new(),
            host_env: std::env::vars().collect(),
            output_limit: 64 * 1024,
            cgroups: self.cgroups.clone(),
        }
    }

    pub fn agent_dir(&self, agent: AgentId) -> PathBuf {
        self.dir.path().join("agents").join(agent.to_string())
    }

    pub fn open(&self) -> (Arc<ProcessBackend>, Arc<Events>) {
        let events = Arc::new(Events::default());
        let options = self.options(&self.owner("one"));
        let backend = ProcessBackend::new(options, events.clone()).expect("it starts");
        (backend, events)
    }

    /// A worker that runs this shell text.
    pub fn worker(&self, agent: AgentId, script: &str) -> CreateRequest {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        self.request(&self.owner("one"), agent, ProcessProgram::Worker(argv))
    }

    /// Our own agent program, which the example plays with this shell text.
    pub fn managed(&self, agent: AgentId, script: &str) -> CreateRequest {
        let mut request = self.request(&self.owner("one"), agent, ProcessProgram::OwnAgent);
        request.kind = AgentKind::Managed;
        request.token = Some(Secret::new("the-one-time-token".into()));
        request.recipe = Arc::new(Recipe::Process {
            program: ProcessProgram::OwnAgent,
            env: BTreeMap::from([("PROBE_SCRIPT".to_owned(), script.to_owned())]),
            enforce_cgroups: false,
        });
        request
    }

    fn request(&self, owner: &OwnerId, agent: AgentId, program: ProcessProgram) -> CreateRequest {
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
            recipe: Arc::new(Recipe::Process {
                program,
                env: BTreeMap::new(),
                enforce_cgroups: false,
            }),
            token: None,
        }
    }

    /// All processes of this place, as `(pid, environment)`.
    pub fn processes(&self) -> Vec<(i32, String)> {
        let pids = fs::read_dir("/proc").expect("/proc").filter_map(|entry| {
            let name = entry.ok()?.file_name();
            name.to_str()?.parse::<i32>().ok()
        });
        let environments = pids.filter_map(|pid| {
            let bytes = fs::read(format!("/proc/{pid}/environ")).ok()?;
            Some((pid, String::from_utf8_lossy(&bytes).into_owned()))
        });
        environments
            .filter(|(_, environment)| environment.contains(&self.tag))
            .collect()
    }

    /// Waits until no process of this place lives.
    pub fn wait_until_empty(&self) {
        wait_until("no process is left", || self.processes().is_empty());
    }
}

impl Drop for Place {
    /// A failed test leaves nothing running either.
    fn drop(&mut self) {
        for (pid, _) in self.processes() {
            if let Some(pid) = rustix::process::Pid::from_raw(pid) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

#[async_trait]
impl Rig for Place {
    async fn backend(&self, owner: &OwnerId, inbox: Arc<dyn BackendInbox>) -> Arc<dyn Backend> {
        let options = self.options(&self.owner(owner.as_str()));
        ProcessBackend::new(options, inbox).expect("it starts")
    }

    fn request(&self, owner: &OwnerId, agent: AgentId, life: Life) -> CreateRequest {
        let argv = match life {
            Life::Long => vec!["sleep".to_owned(), "600".to_owned()],
            Life::Short => ["sh", "-c", &format!("exit {SHORT_EXIT}")]
                .map(str::to_owned)
                .to_vec(),
        };
        let owner = self.owner(owner.as_str());
        self.request(&owner, agent, ProcessProgram::Worker(argv))
    }

    async fn running(&self, agent: AgentId) -> usize {
        let end = format!("/{agent}\0");
        let processes = self.processes();
        let marked = processes.iter().filter(|(_, environment)| {
            let mut marks = environment.split_inclusive('\0');
            marks.any(|mark| mark.starts_with("HEADCOUNT_INSTANCE_MARK=") && mark.ends_with(&end))
        });
        marked.count()
    }
}

pub fn agent(number: u32) -> AgentId {
    AgentId { epoch: 1, number }
}

pub fn destroy(agent: AgentId, grace: Duration) -> DestroyRequest {
    DestroyRequest { agent, grace }
}

/// Where the operating system tells nobody: looks again until it is so.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until a script has written this file, whole.
pub fn wait_for_file(file: &Path) -> String {
    let mut text = String::new();
    wait_until(&format!("`{}` is written", file.display()), || {
        text = fs::read_to_string(file).unwrap_or_default();
        text.ends_with('\n')
    });
    text
}
