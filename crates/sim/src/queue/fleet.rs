//! One pool of workers with one trigger.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use headcount_model::{
    AgentId, AgentKind, AgentPhase, AgentRecord, BackendId, Cap, Fleet, Granted, IdleRule, Labels,
    Layers, Level, LogPressure, Name, PoolName, PoolSpec, ProcessProgram, QueueRule, Reason,
    Recipe, RedisConnection, RedisServers, Retry, Roles, ScalerSpec, StreamMeasure, Timeouts,
    Timestamp, Trigger, TriggerKind,
};

/// More than any rule of a story allows.
const MANY: u32 = 1000;

pub(crate) fn pool_name() -> PoolName {
    PoolName::new("workers/queue")
}

pub(crate) fn backend() -> BackendId {
    BackendId::new("bare-metal")
}

/// One agent for each entry, from the first on.
pub(crate) fn trigger(measure: StreamMeasure) -> Trigger {
    let connection = Arc::new(RedisConnection {
        servers: RedisServers::Standalone("127.0.0.1:6379".into()),
        username: None,
        password: None,
        database: 0,
        tls: None,
    });
    Trigger {
        name: "stream".into(),
        target: Level(1.0),
        activation: Level(0.0),
        kind: TriggerKind::RedisStream {
            connection,
            stream: "jobs".into(),
            measure,
        },
    }
}

pub(super) fn fleet(rule: &QueueRule) -> Fleet {
    Fleet {
        max_jobs: None,
        recheck_every: Duration::MAX,
        max_agents: MANY,
        resource_cap: Cap::default(),
        machine_pools: Vec::new(),
        scalers: vec![ScalerSpec {
            name: Name::new("workers"),
            backend: backend(),
            max_agents: MANY,
            resource_cap: Cap::default(),
            machine_pool: None,
            mandatory: Labels::default(),
            roles: Roles::default(),
            priority: 0,
            reap_others_after: None,
            pools: vec![pool(pool_name(), rule.clone())],
        }],
    }
}

/// Workers made by triggers alone.
pub(crate) fn pool(name: PoolName, rule: QueueRule) -> PoolSpec {
    PoolSpec {
        name,
        labels: Labels::new(["queue"]),
        system_labels: Labels::default(),
        kind: AgentKind::Worker,
        slots: 1,
        max_jobs: None,
        layers: Layers::default(),
        idle: IdleRule {
            keep: 0,
            idle_time: Duration::ZERO,
            max_idle_age: None,
            ..IdleRule::default()
        },
        schedules: Arc::default(),
        max_growth: None,
        queue: Some(Arc::new(rule)),
        timeouts: Timeouts::default(),
        retry: Retry::default(),
        price: None,
        log_pressure: LogPressure::Pause,
        recipe: Arc::new(Recipe::Process {
            program: ProcessProgram::Worker(vec!["worker".into()]),
            env: BTreeMap::new(),
            enforce_cgroups: false,
        }),
    }
}

/// A worker that runs since before the story.
pub(super) fn running(id: AgentId, since: Timestamp) -> AgentRecord {
    AgentRecord {
        id,
        pool: pool_name(),
        scaler: Name::new("workers"),
        backend: backend(),
        machine_pool: None,
        kind: AgentKind::Worker,
        phase: AgentPhase::Ready,
        phase_since: since,
        created_at: since,
        made_for: Reason::QueueDemand,
        leaves_for: None,
        granted: Granted::default(),
        slots: 1,
        made_from: 0,
        jobs_done: 0,
        tokens: Vec::new(),
        used_token: None,
        session: None,
        account: None,
        cordoned: false,
    }
}
