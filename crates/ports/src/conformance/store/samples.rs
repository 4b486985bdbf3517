//! Rows that use every field and every variant.

use std::time::Duration;

use headcount_model::{
    Account, AgentId, AgentKind, AgentPhase, AgentRecord, AttemptPhase, AttemptRecord, BackendId,
    Command, Digest, Granted, JobId, Layer, LogPressure, Name, Partial, PoolName, Price, Reason,
    Resources, Selectors, SourceId, Timestamp, Usage,
};

use crate::{JobBook, LogChunk, NewJob, Stream};

pub(super) const fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

pub(super) const fn agent_id(number: u32) -> AgentId {
    AgentId {
        epoch: 0x65f1_c2a0,
        number,
    }
}

pub(super) fn agent(number: u32, phase: AgentPhase) -> AgentRecord {
    AgentRecord {
        id: agent_id(number),
        pool: PoolName::new("local/linux+x64"),
        scaler: Name::new("local"),
        backend: BackendId::new("bare-metal"),
        machine_pool: Some(Name::new("host")),
        kind: AgentKind::Managed,
        phase,
        phase_since: at(20),
        created_at: at(10),
        made_for: Reason::DemandWaiting,
        leaves_for: Some(Reason::SurplusIdle),
        granted: granted(),
        slots: 2,
        made_from: 0xcbf2_9ce4_8422_2325,
        jobs_done: 1,
        tokens: vec![Digest([1; 32]), Digest([0xfe; 32])],
        used_token: Some(Digest([2; 32])),
        session: Some(Digest([3; 32])),
        account: (number > 1).then_some(Account {
            usage: Usage::Idle,
            since: at(20),
            price: Price::from_micros(u64::from(number) * 1000),
            price_told: number > 2,
        }),
        cordoned: true,
    }
}

fn granted() -> Granted {
    Granted {
        requests: Resources {
            cpu_millis: 1500,
            memory_bytes: 1 << 30,
        },
        limits: Resources {
            cpu_millis: 2000,
            memory_bytes: u64::MAX,
        },
    }
}

pub(super) fn attempt(job: JobId, number: u32, phase: AttemptPhase) -> AttemptRecord {
    AttemptRecord {
        job,
        attempt: number,
        source: SourceId::new("queue"),
        agent: agent_id(7),
        phase,
        deliveries: 1,
        retries_left: 2,
        timeout: Some(Duration::from_millis(1500)),
        cancel_requested: true,
        assigned_at: at(30),
        claimed_at: None,
        ended_at: None,
        outcome: None,
    }
}

pub(super) fn claimed(record: AttemptRecord) -> AttemptRecord {
    AttemptRecord {
        claimed_at: Some(at(40)),
        ..record
    }
}

pub(super) fn plain_job() -> NewJob {
    NewJob {
        source: SourceId::new("queue"),
        key: None,
        name: None,
        runs_on: Selectors::new(["linux"]),
        exclude: Selectors::default(),
        resources: Layer::default(),
        priority: 0,
        command: Command::Argv(vec!["true".to_string()]),
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

pub(super) fn full_job(key: &str) -> NewJob {
    NewJob {
        source: SourceId::new("queue"),
        key: Some(key.to_string()),
        name: Some("büild \"1\"".to_string()),
        runs_on: Selectors::new(["linux", "docker", "node2?", r"/gpu-\d{1,2}/"]),
        exclude: Selectors::new(["gpu", "spot-*"]),
        resources: Layer {
            requests: Partial {
                cpu_millis: Some(500),
                memory_bytes: None,
            },
            limits: Partial {
                cpu_millis: None,
                memory_bytes: Some(u64::MAX),
            },
        },
        priority: -5,
        command: Command::Script("echo \"$A\"\nexit 7".to_string()),
        env: [("A".to_string(), "hunter2".to_string())].into(),
        working_dir: Some("/srv/build".to_string()),
        timeout: Some(Duration::from_micros(1_000_001)),
        grace: Duration::ZERO,
        retries: 3,
        expires_at: Some(at(86_400_000)),
        log_limit_bytes: u64::MAX,
        log_pressure: Some(LogPressure::Drop),
    }
}

/// Submits one job and returns its id.
pub(super) async fn submit(book: &impl JobBook, job: NewJob) -> JobId {
    let submitted = book.submit(vec![job], at(0)).await.expect("submit");
    submitted.first().expect("one answer per job").job
}

pub(super) fn chunk(number: u64, text: &str) -> LogChunk {
    LogChunk {
        number,
        at: at(number),
        stream: match number % 3 {
            0 => Stream::Note,
            1 => Stream::Out,
            _ => Stream::Err,
        },
        bytes: text.as_bytes().to_vec(),
    }
}
