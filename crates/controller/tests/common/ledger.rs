//! A ledger that keeps what a real one keeps, and can be slow or full.

use std::sync::Mutex;

use async_trait::async_trait;
use headcount_model::{AgentRecord, Changes, OwnerId, Timestamp};
use headcount_ports::conformance::memory::MemoryStore;
use headcount_ports::{DecisionRow, Ledger, Recovered, StoreError};
use tokio::sync::watch;
use tokio::time::Instant;

pub struct TestLedger {
    store: MemoryStore,
    open: watch::Sender<bool>,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    /// Commits that still fail.
    failures: u32,
    /// When each commit was asked for.
    attempts: Vec<Instant>,
    written: Vec<Changes>,
    prunes: usize,
}

impl TestLedger {
    pub fn new() -> Self {
        Self {
            store: MemoryStore::new(OwnerId::new("owner"), 1),
            open: watch::Sender::new(true),
            told: Mutex::default(),
        }
    }

    /// Commits wait until [`Self::open`].
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// The next `n` commits find the disk full.
    pub fn fail(&self, n: u32) {
        self.told.lock().unwrap().failures = n;
    }

    /// When commits were asked for, in milliseconds after the first that is counted.
    pub fn attempts_since(&self, start: Instant) -> Vec<u128> {
        let told = self.told.lock().unwrap();
        let since = told.attempts.iter().filter(|at| **at >= start);
        since
            .map(|at| at.duration_since(start).as_millis())
            .collect()
    }

    pub fn commits(&self) -> usize {
        self.told.lock().unwrap().attempts.len()
    }

    pub fn prunes(&self) -> usize {
        self.told.lock().unwrap().prunes
    }

    /// Everything that was ever written, as text.
    pub fn text(&self) -> String {
        format!("{:?}", self.told.lock().unwrap().written)
    }

    pub async fn agents(&self) -> Vec<AgentRecord> {
        self.store.load().await.unwrap().agents
    }
}

#[async_trait]
impl Ledger for TestLedger {
    async fn load(&self) -> Result<Recovered, StoreError> {
        self.store.load().await
    }

    async fn commit(
        &self,
        changes: Changes,
        decision: Option<DecisionRow>,
    ) -> Result<(), StoreError> {
        self.told.lock().unwrap().attempts.push(Instant::now());
        let mut open = self.open.subscribe();
        open.wait_for(|open| *open).await.unwrap();
        {
            let mut told = self.told.lock().unwrap();
            if told.failures > 0 {
                told.failures -= 1;
                return Err(StoreError::Full("no room".to_owned()));
            }
            told.written.push(changes.clone());
        }
        self.store.commit(changes, decision).await
    }

    async fn prune(&self, now: Timestamp) -> Result<(), StoreError> {
        self.told.lock().unwrap().prunes += 1;
        self.store.prune(now).await
    }

    async fn decisions(&self, limit: usize) -> Result<Vec<DecisionRow>, StoreError> {
        self.store.decisions(limit).await
    }
}
