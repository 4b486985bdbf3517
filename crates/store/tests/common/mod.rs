//! What the tests of the store share.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test ends where its world does")]

use std::time::Duration;

use headcount_model::{
    AgentId, AttemptPhase, AttemptRecord, Changes, Command, JobId, Layer, Selectors, SourceId,
    Timestamp,
};
use headcount_ports::{JobBook, Ledger, LogChunk, NewJob, Stream};
use headcount_store::{Options, SqliteStore, StateDir};
use tempfile::TempDir;

/// A store in a directory of its own.
pub struct Place {
    pub dir: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn open(&self) -> SqliteStore {
        self.open_with(Options::default())
    }

    pub fn open_with(&self, options: Options) -> SqliteStore {
        let dir = StateDir::open(self.dir.path()).unwrap();
        SqliteStore::open(&dir, options).unwrap()
    }

    pub fn file(&self) -> std::path::PathBuf {
        self.dir.path().join(headcount_store::FILE_NAME)
    }
}

pub const fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

pub fn job(script: &str) -> NewJob {
    NewJob {
        source: SourceId::new("queue"),
        key: None,
        name: None,
        runs_on: Selectors::new(["linux"]),
        exclude: Selectors::default(),
        resources: Layer::default(),
        priority: 0,
        command: Command::Script(script.to_string()),
        env: [].into(),
        working_dir: None,
        timeout: None,
        grace: Duration::from_secs(10),
        retries: 0,
        expires_at: None,
        log_limit_bytes: 1 << 20,
        log_pressure: None,
    }
}

pub async fn submit(store: &SqliteStore, job: NewJob) -> JobId {
    store.submit(vec![job], at(0)).await.unwrap()[0].job
}

pub fn attempt(job: JobId, attempt: u32, assigned_at: Timestamp) -> AttemptRecord {
    AttemptRecord {
        job,
        attempt,
        source: SourceId::new("queue"),
        agent: AgentId {
            epoch: 1,
            number: 1,
        },
        phase: AttemptPhase::Assigned,
        deliveries: 0,
        retries_left: 0,
        timeout: None,
        cancel_requested: false,
        assigned_at,
        claimed_at: None,
        ended_at: None,
        outcome: None,
    }
}

pub async fn commit(store: &SqliteStore, attempts: Vec<AttemptRecord>) {
    let changes = Changes {
        attempts,
        ..Changes::default()
    };
    store.commit(changes, None).await.unwrap();
}

pub async fn settle(store: &SqliteStore, settled: Vec<(JobId, u32)>) {
    let changes = Changes {
        attempts_settled: settled,
        ..Changes::default()
    };
    store.commit(changes, None).await.unwrap();
}

pub fn chunk(number: u64, bytes: &[u8]) -> LogChunk {
    LogChunk {
        number,
        at: at(number),
        stream: Stream::Out,
        bytes: bytes.to_vec(),
    }
}
