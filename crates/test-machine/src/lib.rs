//! A stand-in for `docker-machine`, for tests: named so in every file it writes, so that
//! nobody takes it for the real one.
//!
//! Promise: [`StandIn`] offers a program with the tool's verbs, exit codes, store layout,
//! records and certificates; each machine is a TLS port in front of a real engine of this
//! host, and takes its containers with it when it is removed. Faults are set by the test,
//! which also sees every call. The machines live in the test process: they end with it, and
//! outlive a daemon that is killed, as machines of a cloud do.
//!
//! Leaves to others: what is tested, and the engine (`headcount-test-engines`).
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "only tests use it")]

mod authority;
mod cloud;
mod store;
mod verbs;
mod wire;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Runtime;

use cloud::Cloud;

/// What goes wrong, until it is set otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The check before anything is made fails: code 3, nothing is left.
    PreCreate,
    /// The cloud refuses: code 1, the record stays, no machine.
    Quota,
    /// Code 1 after the machine was made.
    LateFailure,
    /// `create` hangs before anything is made.
    HangInCheck,
    /// `create` makes the machine and hangs before the record says which it is.
    HangBeforeSaving,
    /// `create` makes the machine and then says nothing for ever.
    HangAfterMaking,
    /// `create` makes the machine and goes on once this is mended.
    PauseAfterMaking,
    /// `rm -y` fails with code 1, the record stays; `rm -f` succeeds and forgets.
    RefuseRemove,
    /// `config` fails: the engine does not answer.
    Unreachable,
    /// `url` prints something else.
    Garbage,
}

/// One call of the program.
#[derive(Clone, Debug)]
pub struct Call {
    /// Without the program.
    pub arguments: Vec<String>,
    /// All of its variables.
    pub environment: BTreeMap<String, String>,
}

/// The program, its cloud and its store.
pub struct StandIn {
    dir: TempDir,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

/// What the program's calls share.
struct Shared {
    engine: PathBuf,
    cloud: Cloud,
    state: Mutex<State>,
    changed: tokio::sync::Notify,
}

#[derive(Default)]
struct State {
    faults: Vec<Fault>,
    calls: Vec<Call>,
    /// Creations that found no authority although another was making it.
    raced: usize,
    bootstrapping: usize,
}

impl StandIn {
    /// With machines on the engine behind this socket.
    #[must_use]
    pub fn new(engine: &Path) -> Self {
        let dir = tempfile::Builder::new().prefix("hc-machine-").tempdir();
        let dir = dir.expect("a temporary directory");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let shared = Arc::new(Shared {
            engine: engine.to_owned(),
            cloud: Cloud::default(),
            state: Mutex::default(),
            changed: tokio::sync::Notify::new(),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its number").port();
        listener.set_nonblocking(true).expect("it can wait");
        runtime.spawn(wire::serve(listener, shared.clone()));
        let program = dir.path().join("docker-machine");
        std::fs::write(&program, wire::script(port)).expect("a file");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&program, mode).expect("it can be run");
        std::fs::create_dir(dir.path().join("store")).expect("a folder");
        Self {
            dir,
            shared,
            runtime: Some(runtime),
        }
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.dir.path().join("docker-machine")
    }

    /// A store of its own; another may be named to the program.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// Has this go wrong from now on.
    pub fn set(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Nothing goes wrong any more; what hangs goes on hanging.
    pub fn mend(&self) {
        self.state().faults.clear();
        self.shared.changed.notify_waiters();
    }

    /// The machines that cost money now, by name, in order.
    #[must_use]
    pub fn machines(&self) -> Vec<String> {
        self.shared.cloud.names()
    }

    /// Somebody removes a machine in the cloud itself, past the tool.
    pub async fn end_in_cloud(&self, name: &str) {
        self.shared.cloud.end(name, &self.shared.engine).await;
        self.shared.changed.notify_waiters();
    }

    /// Every call so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The arguments of every call with this verb, the global ones left out.
    #[must_use]
    pub fn calls_of(&self, verb: &str) -> Vec<Vec<String>> {
        let calls = self.calls().into_iter().map(|call| call.arguments);
        let calls = calls.map(|words| {
            let words = words.into_iter().skip_while(|word| word.starts_with("--"));
            words.collect::<Vec<_>>()
        });
        calls
            .filter(|words| words.first().is_some_and(|it| it == verb))
            .collect()
    }

    /// Creations that made an authority at the same time as another did, which spoils both
    /// with the real tool.
    #[must_use]
    pub fn raced(&self) -> usize {
        self.state().raced
    }

    /// Returns once the machines are as the test wants them.
    ///
    /// # Panics
    /// After a minute.
    pub async fn until(&self, what: &str, is_so: impl Fn(&[String]) -> bool) {
        let waiting = async {
            loop {
                let changed = self.shared.changed.notified();
                if is_so(&self.machines()) {
                    return;
                }
                changed.await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        assert!(waited.is_ok(), "never: {what}: {:?}", self.machines());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, fault: Fault) -> bool {
        self.state().faults.contains(&fault)
    }

    /// Returns once this does not go wrong any more.
    async fn until_mended(&self, fault: Fault) {
        loop {
            let changed = self.changed.notified();
            if !self.has(fault) {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
