//! One `plan` over large worlds, labels, caps and reasons included, and how it grows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use headcount_model::{
    AgentId, AgentKind, AgentPhase, AgentRecord, BackendId, Cap, ClassCount, ClassKey, Demand,
    Digest, Fleet, Granted, IdleRule, Instance, InstanceState, Labels, Layer, Layers, Listing,
    LogPressure, Name, PoolName, PoolSpec, ProcessProgram, Reason, Recipe, Retry, Roles,
    ScalerSpec, SourceId, Timeouts, Timestamp,
};
use headcount_planner::{Answered, News, Restored, World, observe, plan};

use crate::table::Line;

/// Each plan is repeated this often; the median counts.
const REPEATS: usize = 15;
const NOW: Timestamp = Timestamp::from_millis(1_000_000);

/// How large a world is.
struct Size {
    agents: u32,
    jobs: u64,
    classes: u32,
    pools: u32,
}

const MEDIUM: Size = Size {
    agents: 10_000,
    jobs: 10_000,
    classes: 100,
    pools: 100,
};
const LARGE: Size = Size {
    agents: 100_000,
    jobs: 1_000_000,
    classes: 1_000,
    pools: 1_000,
};

pub(crate) fn measure() -> Result<Vec<Line>> {
    let medium = median(&MEDIUM);
    let large = median(&LARGE);
    let growth = large.as_secs_f64() / medium.as_secs_f64();
    Ok(vec![
        line("one plan: 10,000 agents, 10,000 jobs, 100 pools", medium, 5),
        line(
            "one plan: 100,000 agents, 1,000,000 jobs in 1,000 classes, 1,000 pools",
            large,
            50,
        ),
        Line {
            what: "growth of a plan for ten times the world".into(),
            budget: "near 10".into(),
            measured: format!("{growth:.1}"),
            holds: growth < 15.0,
        },
    ])
}

fn line(what: &str, took: Duration, budget_ms: u64) -> Line {
    Line {
        what: what.into(),
        budget: format!("≤ {budget_ms} ms"),
        measured: format!("{:.2} ms", took.as_secs_f64() * 1e3),
        holds: took <= Duration::from_millis(budget_ms),
    }
}

fn median(size: &Size) -> Duration {
    let world = world(size);
    let mut took: Vec<Duration> = (0..REPEATS)
        .map(|_| {
            let started = Instant::now();
            let plan = plan(&world, NOW);
            let took = started.elapsed();
            assert!(!plan.report.classes.is_empty());
            took
        })
        .collect();
    took.sort();
    took[REPEATS / 2]
}

/// Half of the agents idle, a quarter starting, a quarter leaving; caps that are nearly
/// reached; classes that fit several pools each.
pub(crate) fn world(size: &Size) -> World {
    let mut world = World::new();
    let source = SourceId::new("queue");
    let restored = Restored {
        epoch: 2,
        sources: vec![source.clone()],
        agents: (0..size.agents).map(|n| agent(n, size.pools)).collect(),
        attempts: Vec::new(),
        drained_pools: Vec::new(),
    };
    observe(&mut world, News::Configured(Box::new(fleet(size))), NOW);
    observe(&mut world, News::Restored(Box::new(restored)), NOW);
    let listing = Listing {
        instances: (0..size.agents).map(|n| instance(n, size.pools)).collect(),
    };
    let first = plan(&world, NOW);
    observe(
        &mut world,
        News::Planned(Box::new((first.actions, first.report))),
        NOW,
    );
    let listed = Answered::List(BackendId::new("bare-metal"), Ok(listing));
    observe(&mut world, News::Answered(listed), NOW);
    let demand = Demand {
        sample: 1,
        classes: classes(size, &source),
    };
    observe(
        &mut world,
        News::Answered(Answered::Refresh(source, Ok(demand))),
        NOW,
    );
    world
}

fn fleet(size: &Size) -> Fleet {
    let scalers = (0..size.pools).map(|n| ScalerSpec {
        name: scaler_name(n),
        backend: BackendId::new("bare-metal"),
        max_agents: size.agents / size.pools + 10,
        resource_cap: Cap {
            max_cpu_millis: Some(10_000_000),
            max_memory_bytes: None,
        },
        machine_pool: None,
        mandatory: Labels::default(),
        roles: Roles::Unrestricted,
        priority: 0,
        pools: vec![pool(n)],
    });
    Fleet {
        max_agents: size.agents + 500,
        resource_cap: Cap {
            max_cpu_millis: None,
            max_memory_bytes: Some(1 << 60),
        },
        scalers: scalers.collect(),
    }
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
            idle_time: Duration::from_secs(60),
            max_idle_age: None,
        },
        timeouts: Timeouts::default(),
        retry: Retry::default(),
        log_pressure: LogPressure::Pause,
        recipe: Arc::new(Recipe::Process {
            program: ProcessProgram::OwnAgent,
            env: std::collections::BTreeMap::new(),
            enforce_cgroups: false,
        }),
    }
}

fn pool_labels(n: u32) -> Labels {
    Labels::new([
        "linux".to_owned(),
        format!("group{}", n / 10),
        format!("pool{n}"),
    ])
}

fn scaler_name(n: u32) -> Name {
    Name::new(&format!("s{n}"))
}

fn pool_name(n: u32) -> PoolName {
    PoolName::new(&format!("s{n}/{}", pool_labels(n).join("+")))
}

fn agent_id(n: u32) -> AgentId {
    AgentId {
        epoch: 1,
        number: n,
    }
}

fn agent(n: u32, pools: u32) -> AgentRecord {
    let phase = match n % 4 {
        0 | 1 => AgentPhase::Ready,
        2 => AgentPhase::Starting,
        _ => AgentPhase::Draining,
    };
    let registered = phase != AgentPhase::Starting;
    AgentRecord {
        id: agent_id(n),
        pool: pool_name(n % pools),
        scaler: scaler_name(n % pools),
        backend: BackendId::new("bare-metal"),
        machine_pool: None,
        kind: AgentKind::Managed,
        phase,
        phase_since: NOW,
        created_at: NOW,
        made_for: Reason::DemandWaiting,
        leaves_for: (phase == AgentPhase::Draining).then_some(Reason::SurplusIdle),
        granted: Granted::default(),
        slots: 1,
        made_from: pool(n % pools).fingerprint(),
        jobs_done: 0,
        tokens: Vec::new(),
        used_token: registered.then_some(Digest([1; 32])),
        session: registered.then_some(Digest([2; 32])),
    }
}

fn instance(n: u32, pools: u32) -> Instance {
    Instance {
        agent: agent_id(n),
        pool: pool_name(n % pools),
        state: InstanceState::Running,
    }
}

/// Every class fits one group of ten pools.
fn classes(size: &Size, source: &SourceId) -> Vec<(ClassKey, ClassCount)> {
    let each = size.jobs / u64::from(size.classes);
    let groups = (size.pools / 10).max(1);
    let classes = (0..size.classes).map(|n| {
        let key = ClassKey {
            source: source.clone(),
            runs_on: Labels::new(["linux".to_owned(), format!("group{}", n % groups)]),
            exclude: Labels::new([format!("pool{n}")]),
            resources: Layer::default(),
            priority: i32::try_from(n % 3).unwrap_or(0),
        };
        (
            key,
            ClassCount {
                waiting: each,
                oldest: Some(NOW),
                next_expiry: None,
            },
        )
    });
    classes.collect()
}
