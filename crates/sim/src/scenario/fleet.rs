//! Fleets, and what a reload makes of them.
//!
//! Room is left beside what is kept ready, so that every job that fits alone can run:
//! caps filled by kept agents are the wish of whoever wrote the configuration, and
//! jobs that wait behind them wait rightly.

use std::sync::Arc;
use std::time::Duration;

use headcount_model::{
    AgentKind, BackendId, Cap, Fleet, IdleRule, Labels, Layer, Layers, LogPressure, Name, Partial,
    PoolName, PoolSpec, ProcessProgram, Recipe, Retry, Roles, ScalerSpec, Timeouts,
};

use crate::random::Random;

const GIB: u64 = 1 << 30;
const LABELS: [&[&str]; 5] = [
    &["linux"],
    &["linux", "docker"],
    &["linux", "gpu"],
    &["windows"],
    &["linux", "docker", "gpu"],
];
/// The backends there are; scalers share them.
pub(crate) const BACKENDS: [&str; 2] = ["bare-metal", "other-host"];

/// The first fleet and up to three that reloads bring.
pub(super) fn draw(random: &mut Random) -> Vec<Fleet> {
    let n_scalers = random.count(1, 3);
    let mut fleet = Fleet {
        max_jobs: None,
        recheck_every: Duration::from_secs(300),
        max_agents: 0,
        resource_cap: Cap::default(),
        machine_pools: Vec::new(),
        scalers: (0..n_scalers).map(|n| scaler(random, n)).collect(),
    };
    cap_fleet(random, &mut fleet);
    let mut fleets = vec![fleet];
    for n in 0..random.below(4) {
        if let Some(last) = fleets.last() {
            fleets.push(changed(random, last, n_scalers + n as u32));
        }
    }
    fleets
}

fn scaler(random: &mut Random, n: u32) -> ScalerSpec {
    let name = Name::new(&format!("s{n}"));
    let mut sets: Vec<&[&str]> = LABELS.to_vec();
    let mut pools = Vec::new();
    for _ in 0..random.count(1, 2) {
        let at = usize::try_from(random.below(sets.len() as u64)).unwrap_or(0);
        pools.push(pool(random, &name, sets.remove(at)));
    }
    let mut scaler = ScalerSpec {
        name,
        backend: BackendId::new(BACKENDS[usize::from(random.chance(300))]),
        max_agents: 0,
        resource_cap: Cap::default(),
        machine_pool: None,
        mandatory: Labels::default(),
        roles: Roles::default(),
        priority: random.pick(&[0, 0, 0, 5]).unwrap_or(0),
        reap_others_after: None,
        pools,
    };
    gate(random, &mut scaler);
    cap_scaler(random, &mut scaler);
    scaler
}

fn gate(random: &mut Random, scaler: &mut ScalerSpec) {
    scaler.mandatory = if random.chance(100) {
        Labels::new(["docker"])
    } else {
        Labels::default()
    };
}

fn pool(random: &mut Random, scaler: &Name, labels: &[&str]) -> PoolSpec {
    let labels = Labels::new(labels);
    let worker = random.chance(80);
    let kept = if worker { 1 } else { 0 };
    let slots = random.pick(&[1, 1, 1, 2, 3]).unwrap_or(1);
    PoolSpec {
        name: PoolName::new(&format!("{scaler}/{}", labels.join("+"))),
        labels,
        system_labels: Labels::new([format!("kici:scaler:{scaler}")]),
        kind: if worker {
            AgentKind::Worker
        } else {
            AgentKind::Managed
        },
        slots: if worker { 1 } else { slots },
        max_jobs: random.pick(&[Some(1), Some(1), Some(3), None]).flatten(),
        layers: Layers {
            label_set: layer(random),
            defaults: Layer::default(),
        },
        idle: idle(random, kept),
        schedules: Arc::default(),
        max_growth: None,
        queue: None,
        timeouts: timeouts(random),
        retry: Retry {
            first_delay: random.millis(200, 2000),
            max_delay: random.millis(2000, 60_000),
            open_after: random.count(2, 5),
        },
        price: None,
        log_pressure: LogPressure::Pause,
        recipe: recipe(random, worker),
    }
}

fn recipe(random: &mut Random, worker: bool) -> Arc<Recipe> {
    let version = random.count(1, 99);
    Arc::new(Recipe::Process {
        program: if worker {
            ProcessProgram::Worker(vec!["worker".into()])
        } else {
            ProcessProgram::OwnAgent
        },
        env: [("VERSION".to_string(), version.to_string())].into(),
        enforce_cgroups: false,
    })
}

fn layer(random: &mut Random) -> Layer {
    let part = |random: &mut Random| Partial {
        cpu_millis: random.pick(&[None, Some(500), Some(1000)]).flatten(),
        memory_bytes: random.pick(&[None, Some(GIB)]).flatten(),
    };
    if random.chance(500) {
        return Layer::default();
    }
    Layer {
        requests: part(random),
        limits: Partial::default(),
    }
}

fn idle(random: &mut Random, at_least: u32) -> IdleRule {
    let keep = random.pick(&[0, 0, 0, 1, 2]).unwrap_or(0);
    IdleRule {
        keep: keep.max(at_least),
        idle_time: random
            .pick(&[0, 0, 5, 60])
            .map_or(Duration::ZERO, Duration::from_secs),
        max_idle_age: random.chance(200).then(|| random.millis(60_000, 600_000)),
        ..IdleRule::default()
    }
}

fn timeouts(random: &mut Random) -> Timeouts {
    Timeouts {
        create: random.millis(5000, 60_000),
        launch: random.millis(20_000, 120_000),
        claim: random.millis(2000, 10_000),
        // Longer than an agent's longest reconnect delay.
        recovery: random.millis(30_000, 120_000),
        retire: random.millis(1000, 10_000),
        destroy: random.millis(5000, 30_000),
        lifetime: None,
    }
}

fn cap_scaler(random: &mut Random, scaler: &mut ScalerSpec) {
    let kept: u32 = scaler.pools.iter().map(|pool| pool.idle.keep).sum();
    scaler.max_agents = kept + random.count(1, 6);
    scaler.resource_cap = cap(random, kept);
}

fn cap_fleet(random: &mut Random, fleet: &mut Fleet) {
    let pools = fleet.scalers.iter().flat_map(|scaler| &scaler.pools);
    let kept: u32 = pools.map(|pool| pool.idle.keep).sum();
    fleet.max_agents = kept + random.count(1, 10);
    fleet.resource_cap = cap(random, kept);
}

/// At least one of the largest agents (3 slots of 2 CPUs) fits beside what is kept ready.
fn cap(random: &mut Random, kept: u32) -> Cap {
    if random.chance(600) {
        return Cap::default();
    }
    let agents = u64::from(kept) + random.between(1, 3);
    Cap {
        max_cpu_millis: Some(agents * 6000),
        max_memory_bytes: random.chance(500).then_some(agents * 6 * GIB),
    }
}

/// What somebody made of the file: a few changes at once.
fn changed(random: &mut Random, before: &Fleet, fresh: u32) -> Fleet {
    let mut fleet = before.clone();
    for _ in 0..random.count(1, 3) {
        change(random, &mut fleet, fresh);
    }
    for scaler in &mut fleet.scalers {
        let kept: u32 = scaler.pools.iter().map(|pool| pool.idle.keep).sum();
        scaler.max_agents = scaler.max_agents.max(kept + 1);
        if scaler.resource_cap != Cap::default() {
            scaler.resource_cap = cap(random, kept);
        }
    }
    cap_fleet(random, &mut fleet);
    fleet
}

fn change(random: &mut Random, fleet: &mut Fleet, fresh: u32) {
    let n = usize::try_from(random.below(fleet.scalers.len() as u64)).unwrap_or(0);
    let choice = random.below(7);
    if choice == 0 && fleet.scalers.len() > 1 {
        fleet.scalers.remove(n);
        return;
    }
    if choice == 1
        && !fleet
            .scalers
            .iter()
            .any(|s| s.name == Name::new(&format!("s{fresh}")))
    {
        fleet.scalers.push(scaler(random, fresh));
        return;
    }
    let Some(scaler) = fleet.scalers.get_mut(n) else {
        return;
    };
    match choice {
        2 => cap_scaler(random, scaler),
        3 => gate(random, scaler),
        4 => fleet.scalers.reverse(),
        _ => {
            for pool in &mut scaler.pools {
                change_pool(random, pool);
            }
        }
    }
}

fn change_pool(random: &mut Random, pool: &mut PoolSpec) {
    let worker = pool.kind == AgentKind::Worker;
    match random.below(4) {
        // Workers too many are never removed, and would fill the room left for jobs.
        0 if worker => {}
        0 => pool.idle = idle(random, 0),
        1 => pool.timeouts = timeouts(random),
        2 => pool.recipe = recipe(random, worker),
        _ => pool.max_jobs = random.pick(&[Some(1), Some(2), None]).flatten(),
    }
}
