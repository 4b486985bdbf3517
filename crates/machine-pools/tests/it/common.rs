//! A directory, a clock that is stepped, and daemons by name.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use headcount_machine_pools::{Host, MachineLedger, Options, Places};
use headcount_model::{AgentId, Cap, MachinePool, Name, OwnerId, Resources};
use headcount_ports::{Booking, MachinePoolError, MachinePools};

pub const GIB: u64 = 1 << 30;

/// A host on which daemons share one directory.
pub struct TestHost {
    dir: tempfile::TempDir,
    clock: Arc<AtomicU64>,
    boot: &'static str,
}

/// A daemon with a name.
pub struct TestDaemon {
    pub ledger: MachineLedger,
}

impl TestHost {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            clock: Arc::new(AtomicU64::new(1_000_000)),
            boot: "this-boot",
        }
    }

    pub fn booted_anew(mut self) -> Self {
        self.boot = "next-boot";
        self
    }

    pub fn wait(&self, seconds: u64) {
        self.clock.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub fn file(&self) -> PathBuf {
        self.dir.path().join("host.json")
    }

    pub fn path(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub fn text(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap()
    }

    /// A daemon that configures pool `host` with this many CPUs. Its timers never fire
    /// within a test: what is renewed, `TestDaemon::renew` renews.
    pub async fn daemon(&self, name: &str, cpus: u64) -> TestDaemon {
        let clock = self.clock.clone();
        let host = Host::with(self.boot, move || clock.load(Ordering::SeqCst));
        let places = Places::only(self.dir.path());
        let options = Options {
            lease: Duration::from_secs(60),
            ..Options::new(OwnerId::new(name), host, places)
        };
        let ledger = MachineLedger::open(options);
        let daemon = TestDaemon { ledger };
        daemon.cap(cpus).await.unwrap();
        daemon
    }
}

impl TestDaemon {
    pub async fn cap(&self, cpus: u64) -> Result<(), MachinePoolError> {
        self.ledger.configure(vec![pool(cpus)]).await
    }

    pub async fn reserve(&self, number: u32, cpus: u64) -> Result<(), MachinePoolError> {
        self.ledger.reserve(booking(number, cpus)).await
    }

    pub async fn release(&self, number: u32) -> Result<(), MachinePoolError> {
        self.ledger.release(&Name::new("host"), agent(number)).await
    }

    /// As its timer does: it says again what it holds.
    pub async fn renew(&self, cpus: u64) -> Result<(), MachinePoolError> {
        self.cap(cpus).await
    }

    pub async fn held(&self) -> Vec<u32> {
        let held = self.ledger.held().await;
        held.into_iter().map(|it| it.agent.number).collect()
    }
}

pub fn pool(cpus: u64) -> MachinePool {
    MachinePool {
        name: Name::new("host"),
        cap: Cap {
            max_cpu_millis: Some(cpus * 1000),
            max_memory_bytes: None,
        },
    }
}

pub fn agent(number: u32) -> AgentId {
    AgentId { epoch: 1, number }
}

pub fn booking(number: u32, cpus: u64) -> Booking {
    Booking {
        pool: Name::new("host"),
        agent: agent(number),
        amount: Resources {
            cpu_millis: cpus * 1000,
            memory_bytes: GIB,
        },
    }
}

pub fn words(answer: Result<(), MachinePoolError>) -> String {
    match answer {
        Ok(()) => "yes".into(),
        Err(error) => error.to_string(),
    }
}
