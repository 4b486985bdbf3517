//! Pools of machines: idle counts that change by the clock, growth rates, limits, and what
//! reloads make of them in a week.
//!
//! As in the shorter stories, room is left beside what is kept ready, so that every job that
//! fits alone can run.

use std::sync::Arc;
use std::time::Duration;

use headcount_model::{
    AgentKind, BackendId, Cap, CreateBatch, Fleet, IdleCompat, IdleRule, IdleScale, Labels, Layer,
    Layers, Level, LogPressure, Name, PoolName, PoolSpec, ProgramRecipe, ProvisionerAddress,
    ProvisionerContract, Recipe, Retry, Roles, ScalerSpec, Schedule, Timeouts,
};

use super::calendar::Week;
use super::windows::Windows;
use crate::random::Random;
use crate::scenario::BACKENDS;

const GIB: u64 = 1 << 30;
const LABELS: [&[&str]; 3] = [&["linux"], &["linux", "large"], &["mac"]];

/// The first fleet and up to four that reloads bring.
pub(super) fn draw(random: &mut Random, week: &Week, windows: &mut Windows) -> Vec<Fleet> {
    let n_scalers = random.count(1, 3);
    let scalers = (0..n_scalers)
        .map(|n| scaler(random, week, windows, n))
        .collect();
    let mut fleet = Fleet {
        max_jobs: random.chance(400).then(|| random.count(1, 6)),
        recheck_every: random.millis(1_800_000, 7_200_000),
        max_agents: 0,
        resource_cap: Cap::default(),
        machine_pools: Vec::new(),
        scalers,
    };
    cap_fleet(random, &mut fleet);
    let mut fleets = vec![fleet];
    for version in 0..random.below(5) {
        if let Some(last) = fleets.last() {
            let next = changed(random, week, windows, last, version);
            fleets.push(next);
        }
    }
    fleets
}

fn scaler(random: &mut Random, week: &Week, windows: &mut Windows, n: u32) -> ScalerSpec {
    let name = Name::new(&format!("m{n}"));
    let labels = LABELS[usize::try_from(n).unwrap_or(0) % LABELS.len()];
    let backend = random.pick(&BACKENDS).unwrap_or(BACKENDS[0]);
    let mut scaler = ScalerSpec {
        backend: BackendId::new(backend),
        max_agents: 0,
        resource_cap: Cap::default(),
        machine_pool: None,
        mandatory: Labels::default(),
        roles: Roles::default(),
        priority: random.pick(&[0, 0, 5]).unwrap_or(0),
        reap_others_after: None,
        pools: vec![pool(random, week, windows, &name, labels)],
        name,
    };
    cap_scaler(random, &mut scaler);
    scaler
}

fn pool(
    random: &mut Random,
    week: &Week,
    windows: &mut Windows,
    scaler: &Name,
    labels: &[&str],
) -> PoolSpec {
    let labels = Labels::new(labels);
    let mut pool = PoolSpec {
        name: PoolName::new(&format!("{scaler}/{}", labels.join("+"))),
        labels,
        system_labels: Labels::new([format!("kici:scaler:{scaler}")]),
        kind: AgentKind::Managed,
        slots: random.pick(&[1, 1, 1, 2]).unwrap_or(1),
        max_jobs: random.pick(&[None, Some(1), Some(3), Some(20)]).flatten(),
        layers: Layers {
            label_set: Layer::default(),
            defaults: Layer::default(),
        },
        idle: IdleRule::default(),
        schedules: Arc::default(),
        max_growth: random.pick(&[None, Some(1), Some(2), Some(4)]).flatten(),
        queue: None,
        price: None,
        timeouts: timeouts(random),
        retry: Retry {
            first_delay: random.millis(1000, 10_000),
            max_delay: random.millis(30_000, 300_000),
            open_after: random.count(2, 5),
        },
        log_pressure: LogPressure::Pause,
        recipe: recipe(0),
    };
    ready(random, week, windows, &mut pool);
    pool
}

/// What stays ready, and when another number does. Nobody mixes two arithmetics in a pool.
fn ready(random: &mut Random, week: &Week, windows: &mut Windows, pool: &mut PoolSpec) {
    let compat = if random.chance(350) {
        IdleCompat::Gitlab
    } else {
        IdleCompat::Headcount
    };
    pool.idle = rule(random, compat);
    let schedules = (0..random.below(4)).map(|_| {
        let window = week.window(random);
        Schedule {
            periods: vec![windows.note(window)],
            timezone: window.zone().to_owned(),
            rule: rule(random, compat),
        }
    });
    pool.schedules = schedules.collect::<Vec<_>>().into();
}

fn rule(random: &mut Random, compat: IdleCompat) -> IdleRule {
    let scale = random.chance(250).then(|| IdleScale {
        factor: Level(random.pick(&[0.5, 1.0, 2.0]).unwrap_or(1.0)),
        min: random.count(0, 2),
    });
    let keep = random.pick(&[0, 0, 1, 2, 4]).unwrap_or(0);
    // Not drawn, so that a seed means what it meant before there were any.
    let by_the_hour = keep == 4 && compat == IdleCompat::Headcount;
    IdleRule {
        keep,
        paid_period: by_the_hour.then_some(Duration::from_secs(3600)),
        scale,
        idle_time: random
            .pick(&[0, 60, 300, 1800])
            .map_or(Duration::ZERO, Duration::from_secs),
        max_idle_age: random
            .chance(150)
            .then(|| random.millis(3_600_000, 40_000_000)),
        compat,
    }
}

fn recipe(version: u64) -> Arc<Recipe> {
    Arc::new(Recipe::Program(ProgramRecipe {
        provisioner: ProvisionerAddress {
            program: "/opt/provisioner".into(),
            contract: ProvisionerContract::Native,
            environment: Vec::new(),
            config: None,
        },
        options: format!("{{\"version\":{version}}}"),
        env: std::collections::BTreeMap::new(),
        agent_binary: None,
        batch: CreateBatch::default(),
        agent_url: None,
        lease_time: None,
    }))
}

fn timeouts(random: &mut Random) -> Timeouts {
    Timeouts {
        create: random.millis(30_000, 120_000),
        launch: random.millis(200_000, 900_000),
        claim: random.millis(5000, 20_000),
        recovery: random.millis(30_000, 300_000),
        retire: random.millis(1000, 60_000),
        destroy: random.millis(15_000, 120_000),
        lifetime: random
            .chance(200)
            .then(|| random.millis(20_000_000, 90_000_000)),
    }
}

/// The most that a pool keeps ready at any time.
pub(crate) fn most_kept(pool: &PoolSpec) -> u32 {
    let scheduled = pool.schedules.iter().map(|schedule| schedule.rule.keep);
    scheduled.fold(pool.idle.keep, u32::max)
}

fn cap_scaler(random: &mut Random, scaler: &mut ScalerSpec) {
    let kept: u32 = scaler.pools.iter().map(most_kept).sum();
    scaler.max_agents = kept + random.count(1, 8);
}

fn cap_fleet(random: &mut Random, fleet: &mut Fleet) {
    let pools = fleet.scalers.iter().flat_map(|scaler| &scaler.pools);
    let kept: u32 = pools.map(most_kept).sum();
    fleet.max_agents = kept + random.count(1, 10);
    let agents = u64::from(kept) + random.between(1, 6);
    fleet.resource_cap = Cap {
        // The largest agents of these weeks: two slots of two CPUs.
        max_cpu_millis: random.chance(300).then_some(agents * 4000),
        max_memory_bytes: random.chance(300).then_some(agents * 4 * GIB),
    };
}

/// Somebody edits the file: one pool becomes another one, or caps change.
fn changed(
    random: &mut Random,
    week: &Week,
    windows: &mut Windows,
    before: &Fleet,
    version: u64,
) -> Fleet {
    let mut fleet = before.clone();
    let n = random.below(fleet.scalers.len() as u64);
    let Some(scaler) = fleet.scalers.get_mut(usize::try_from(n).unwrap_or(0)) else {
        return fleet;
    };
    for pool in &mut scaler.pools {
        match random.below(5) {
            0 | 1 => ready(random, week, windows, pool),
            2 => pool.recipe = recipe(version + 1),
            3 => pool.timeouts = timeouts(random),
            _ => pool.max_jobs = random.pick(&[None, Some(1), Some(3)]).flatten(),
        }
    }
    cap_scaler(random, scaler);
    cap_fleet(random, &mut fleet);
    fleet
}
