//! A large steady load without faults: as many jobs at once as there are agents.

use std::sync::Arc;
use std::time::Duration;

use headcount_model::{
    AgentKind, BackendId, Cap, ClassKey, Exit, Fleet, IdleRule, Labels, Layer, Layers, LogPressure,
    Name, Outcome, Partial, PoolName, PoolSpec, ProcessProgram, Recipe, Retry, Roles, ScalerSpec,
    Selectors, SourceId, Timeouts, Timestamp,
};

use super::{Deed, Faults, JobSpec, START, Scenario};
use crate::random::Random;

/// Things happen at multiples of this many milliseconds, as a real inbox gathers what
/// arrives while a round is being written.
const GRAIN: u64 = 5;
/// The longest job, in milliseconds; the shortest takes one.
const LONGEST: u64 = 20;
/// What an agent needs for one job on average, claim and result included.
const TURN_MILLIS: u64 = 50;

/// `jobs` jobs for `agents` agents in `pools` pools, each pool with a class of its own.
pub(crate) fn bulk(agents: u32, pools: u32, jobs: usize) -> Scenario {
    let mut random = Random::new(1);
    let pools = pools.max(1);
    let each = (agents / pools).max(1);
    let fleet = Fleet {
        max_jobs: None,
        recheck_every: Duration::MAX,
        max_agents: agents.max(1),
        resource_cap: Cap {
            max_cpu_millis: Some(u64::from(agents) * 1000),
            max_memory_bytes: None,
        },
        machine_pools: Vec::new(),
        scalers: (0..pools).map(|n| scaler(n, each)).collect(),
    };
    let classes: Vec<ClassKey> = (0..pools).map(class).collect();
    let jobs: Vec<JobSpec> = (0..jobs).map(|n| job(&mut random, &classes, n)).collect();
    let per_grain = (u64::from(agents) * GRAIN / TURN_MILLIS).max(1);
    Scenario {
        seed: 0,
        start: START,
        settles_within: 0,
        machines: None,
        fleets: vec![fleet],
        script: arrivals(jobs.len(), usize::try_from(per_grain).unwrap_or(1)),
        jobs,
        faults: Faults::default(),
        quiet_from: Timestamp::MAX,
        grain: GRAIN,
        hop_millis: GRAIN,
        boot_millis: 10 * GRAIN,
    }
}

fn arrivals(jobs: usize, per_grain: usize) -> Vec<(Timestamp, Deed)> {
    let starts = (0..jobs).step_by(per_grain);
    let batches = starts.zip(1_u64..).map(|(first, n)| {
        let at = START.after(Duration::from_millis(n * GRAIN));
        (at, Deed::SubmitBatch(first..(first + per_grain).min(jobs)))
    });
    batches.collect()
}

fn label(n: u32) -> Labels {
    Labels::new([format!("p{n}")])
}

fn class(n: u32) -> ClassKey {
    ClassKey {
        source: SourceId::new("queue"),
        runs_on: label(n).into(),
        exclude: Selectors::default(),
        resources: Layer::default(),
        priority: 0,
    }
}

fn job(random: &mut Random, classes: &[ClassKey], n: usize) -> JobSpec {
    JobSpec {
        key: n as u64,
        class: classes[n % classes.len()].clone(),
        submit_at: START,
        takes: random.millis(1, LONGEST),
        outcomes: vec![Outcome::Exited(Exit::Code(0))],
        retries: 0,
        timeout: None,
        expires_after: None,
    }
}

fn scaler(n: u32, agents: u32) -> ScalerSpec {
    let name = Name::new(&format!("s{n}"));
    ScalerSpec {
        backend: BackendId::new("bare-metal"),
        max_agents: agents,
        resource_cap: Cap::default(),
        machine_pool: None,
        mandatory: Labels::default(),
        roles: Roles::default(),
        priority: 0,
        reap_others_after: None,
        pools: vec![pool(n, &name)],
        name,
    }
}

fn pool(n: u32, scaler: &Name) -> PoolSpec {
    PoolSpec {
        name: PoolName::new(&format!("{scaler}/p{n}")),
        labels: label(n),
        system_labels: Labels::default(),
        kind: AgentKind::Managed,
        slots: 1,
        max_jobs: None,
        layers: Layers {
            label_set: Layer {
                requests: Partial {
                    cpu_millis: Some(1000),
                    memory_bytes: None,
                },
                limits: Partial::default(),
            },
            defaults: Layer::default(),
        },
        idle: IdleRule {
            keep: 0,
            idle_time: Duration::from_secs(60),
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
            env: std::collections::BTreeMap::new(),
            enforce_cgroups: false,
        }),
    }
}
