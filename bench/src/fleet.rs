//! A made-up fleet of any size: what is configured, what is written down of its agents,
//! what its backend lists and what waits. Caps are nearly reached; classes fit several
//! pools each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use headcount_model::{
    AgentId, AgentKind, AgentPhase, AgentRecord, AttemptPhase, AttemptRecord, BackendId, Cap,
    ClassCount, ClassKey, Digest, Fleet, Granted, IdleRule, Instance, InstanceState, JobId, Labels,
    Layer, Layers, LogPressure, Name, PoolName, PoolSpec, ProcessProgram, QueueRule, Reason,
    Recipe, Retry, Roles, ScalerSpec, Selectors, SourceId, Timeouts, Timestamp,
};

/// When everything was made.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_000_000);
/// The session of every registered agent.
pub(crate) const SESSION: Digest = Digest([2; 32]);
/// Agents a scaler may have beyond those it has.
const SPARE: u32 = 10;
/// Pools that a class fits.
const POOLS_PER_GROUP: u32 = 10;

/// How large a fleet is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) agents: u32,
    pub(crate) jobs: u64,
    pub(crate) classes: u32,
    pub(crate) pools: u32,
}

/// Where everything lives.
pub(crate) fn backend() -> BackendId {
    BackendId::new("bare-metal")
}

/// Where everything waits.
pub(crate) fn source() -> SourceId {
    SourceId::new("queue")
}

/// What is configured: one scaler and one pool each.
pub(crate) fn configured(size: &Size) -> Fleet {
    let scalers = (0..size.pools).map(|n| ScalerSpec {
        name: scaler_name(n),
        backend: backend(),
        max_agents: size.agents / size.pools + SPARE,
        resource_cap: Cap {
            max_cpu_millis: Some(10_000_000),
            max_memory_bytes: None,
        },
        machine_pool: None,
        mandatory: Labels::default(),
        roles: Roles::Unrestricted,
        priority: 0,
        reap_others_after: None,
        pools: vec![pool(n)],
    });
    Fleet {
        max_jobs: None,
        recheck_every: Duration::MAX,
        max_agents: size.agents + 500,
        resource_cap: Cap {
            max_cpu_millis: None,
            max_memory_bytes: Some(1 << 60),
        },
        machine_pools: Vec::new(),
        scalers: scalers.collect(),
    }
}

/// One pool of workers that are made by these triggers.
pub(crate) fn fed_by(rule: Arc<QueueRule>) -> Fleet {
    let mut fleet = configured(&Size {
        agents: 100,
        jobs: 0,
        classes: 0,
        pools: 1,
    });
    for pool in fleet.scalers.iter_mut().flat_map(|it| &mut it.pools) {
        pool.kind = AgentKind::Worker;
        pool.queue = Some(Arc::clone(&rule));
        pool.recipe = Arc::new(Recipe::Process {
            program: ProcessProgram::Worker(vec!["worker".into()]),
            env: BTreeMap::new(),
            enforce_cgroups: false,
        });
    }
    fleet
}

fn pool(n: u32) -> PoolSpec {
    PoolSpec {
        name: pool_name(n),
        labels: pool_labels(n),
        system_labels: Labels::new(["kici:os:linux", "kici:arch:x64"]),
        kind: AgentKind::Managed,
        slots: 1,
        max_jobs: Some(1),
        layers: Layers {
            label_set: Layer::default(),
            defaults: Layer::default(),
        },
        idle: IdleRule {
            keep: 0,
            idle_time: Duration::from_secs(24 * 60 * 60),
            max_idle_age: None,
            ..IdleRule::default()
        },
        schedules: Arc::default(),
        max_growth: None,
        queue: None,
        timeouts: Timeouts::default(),
        retry: Retry::default(),
        price: None,
        log_pressure: LogPressure::Pause,
        recipe: Arc::new(Recipe::Process {
            program: ProcessProgram::OwnAgent,
            env: BTreeMap::new(),
            enforce_cgroups: false,
        }),
    }
}

fn pool_labels(n: u32) -> Labels {
    Labels::new([
        "linux".to_owned(),
        format!("group{}", n / POOLS_PER_GROUP),
        format!("pool{n}"),
    ])
}

fn scaler_name(n: u32) -> Name {
    Name::new(&format!("s{n}"))
}

fn pool_name(n: u32) -> PoolName {
    PoolName::new(&format!("s{n}/{}", pool_labels(n).join("+")))
}

/// The agent of this number.
pub(crate) const fn agent_id(n: u32) -> AgentId {
    AgentId {
        epoch: 1,
        number: n,
    }
}

/// What is written down of every agent. `phase` is asked for each.
pub(crate) fn records(size: &Size, phase: impl Fn(u32) -> AgentPhase) -> Vec<AgentRecord> {
    let prints: Vec<u64> = (0..size.pools).map(|n| pool(n).fingerprint()).collect();
    // Names are shared by the records of a pool, as they are where a pool makes them.
    let names: Vec<(PoolName, Name)> = (0..size.pools)
        .map(|n| (pool_name(n), scaler_name(n)))
        .collect();
    let records = (0..size.agents).zip(names.iter().zip(prints).cycle());
    let records = records.map(|(n, ((pool, scaler), print))| AgentRecord {
        pool: pool.clone(),
        scaler: scaler.clone(),
        made_from: print,
        ..record(n, phase(n))
    });
    records.collect()
}

fn record(n: u32, phase: AgentPhase) -> AgentRecord {
    let registered = phase != AgentPhase::Starting;
    AgentRecord {
        id: agent_id(n),
        pool: pool_name(0),
        scaler: scaler_name(0),
        backend: backend(),
        machine_pool: None,
        kind: AgentKind::Managed,
        phase,
        phase_since: NOW,
        created_at: NOW,
        made_for: Reason::DemandWaiting,
        leaves_for: (phase == AgentPhase::Draining).then_some(Reason::SurplusIdle),
        granted: Granted::default(),
        slots: 1,
        made_from: 0,
        jobs_done: 0,
        tokens: Vec::new(),
        used_token: registered.then_some(Digest([1; 32])),
        session: registered.then_some(SESSION),
        account: None,
        cordoned: false,
    }
}

/// A running attempt of an agent, whose number is also the job's.
pub(crate) fn attempt(agent: AgentId) -> AttemptRecord {
    AttemptRecord {
        job: JobId(u64::from(agent.number) + 1),
        attempt: 1,
        source: source(),
        agent,
        phase: AttemptPhase::Running,
        deliveries: 0,
        retries_left: 0,
        timeout: None,
        cancel_requested: false,
        assigned_at: NOW,
        claimed_at: Some(NOW),
        ended_at: None,
        outcome: None,
    }
}

/// What the backend lists.
pub(crate) fn instances(size: &Size) -> Vec<Instance> {
    let names: Vec<PoolName> = (0..size.pools).map(pool_name).collect();
    let instances = (0..size.agents).zip(names.iter().cycle());
    let instances = instances.map(|(n, pool)| Instance {
        agent: agent_id(n),
        pool: pool.clone(),
        state: InstanceState::Running,
    });
    instances.collect()
}

/// What waits: every class fits one group of pools.
pub(crate) fn classes(size: &Size) -> Vec<(ClassKey, ClassCount)> {
    let each = size.jobs / u64::from(size.classes.max(1));
    let groups = (size.pools / POOLS_PER_GROUP).max(1);
    let classes = (0..size.classes).map(|n| {
        let key = ClassKey {
            source: source(),
            runs_on: Selectors::new(["linux".to_owned(), format!("group{}", n % groups)]),
            exclude: Selectors::new([format!("pool{n}")]),
            resources: Layer::default(),
            priority: i32::try_from(n % 3).unwrap_or(0),
        };
        let count = ClassCount {
            waiting: each,
            oldest: Some(NOW),
            next_expiry: None,
        };
        (key, count)
    });
    classes.collect()
}
