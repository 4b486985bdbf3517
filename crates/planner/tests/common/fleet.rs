//! Fleets from a few lines of text.
//!
//! ```text
//! fleet max=10 cpu=4000 mem=2g
//! shared host cpu=4000
//! scaler d max=2 labels=linux,docker keep=1
//!   pool labels=linux,node20 slots=2
//! scaler w worker=/bin/w labels=work queue=backlog min=1 most=5
//! scaler j job=a rollout=immediate labels=work queue=backlog
//! scaler m growth=2 scale=0.5 scale-min=2 gitlab labels=m keep=4 schedule=keep:9,idle:60
//! scaler g gate=gpu priority=5 machine=host labels=linux,gpu,cuda
//! ```
//!
//! A machine pool without a line of its own has no cap. A scaler's line may hold its first pool; what is said of time is in seconds. System
//! labels are those that the configuration adds on a Linux x64 host.

use std::sync::Arc;
use std::time::Duration;

use headcount_model::{
    AgentKind, BackendId, Cap, ClusterAddress, Fleet, HistoryLimits, IdleCompat, IdleRule,
    IdleScale, KubernetesRecipe, Labels, Layers, Level, LogPressure, MachinePool, Name, PoolName,
    PoolSpec, Price, ProcessProgram, Recipe, Retry, Role, Roles, Rollout, ScalerSpec, Schedule,
    Timeouts,
};

use super::names::bytes;

type Words<'a> = Vec<(&'a str, &'a str)>;

pub fn fleet(text: &str) -> Fleet {
    let mut fleet = Fleet {
        max_jobs: None,
        recheck_every: Duration::MAX,
        max_agents: 50,
        resource_cap: Cap::default(),
        machine_pools: Vec::new(),
        scalers: Vec::new(),
    };
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let (kind, rest) = line.split_once(' ').expect("a kind and words");
        let mut words = rest.split_whitespace().peekable();
        match kind {
            "fleet" => {
                for (key, value) in pairs(words) {
                    match key {
                        "max" => fleet.max_agents = value.parse().unwrap(),
                        "jobs" => fleet.max_jobs = Some(value.parse().unwrap()),
                        "recheck" => {
                            fleet.recheck_every = Duration::from_secs(value.parse().unwrap());
                        }
                        _ => cap(&mut fleet.resource_cap, key, value),
                    }
                }
            }
            "shared" => {
                let name = Name::new(words.next().expect("a name"));
                let mut pool = MachinePool {
                    name,
                    cap: Cap::default(),
                };
                for (key, value) in pairs(words) {
                    cap(&mut pool.cap, key, value);
                }
                fleet.machine_pools.push(pool);
            }
            "scaler" => {
                let name = words.next().expect("a name");
                let words = pairs(words);
                let scaler = scaler(name, &words);
                add_machine_pool(&mut fleet, scaler.machine_pool.as_ref());
                fleet.scalers.push(scaler);
                if words.iter().any(|(key, _)| *key == "labels") {
                    add_pool(&mut fleet, &words);
                }
            }
            "pool" => add_pool(&mut fleet, &pairs(words)),
            other => panic!("neither fleet, scaler nor pool: {other}"),
        }
    }
    fleet
}

fn add_machine_pool(fleet: &mut Fleet, name: Option<&Name>) {
    if let Some(name) = name.filter(|name| fleet.machine_pool(name).is_none()) {
        fleet.machine_pools.push(MachinePool {
            name: name.clone(),
            cap: Cap::default(),
        });
    }
}

fn pairs<'a>(words: impl Iterator<Item = &'a str>) -> Words<'a> {
    words
        .map(|word| word.split_once('=').unwrap_or((word, "")))
        .collect()
}

fn cap(cap: &mut Cap, key: &str, value: &str) {
    match key {
        "cpu" => cap.max_cpu_millis = Some(value.parse().unwrap()),
        "mem" => cap.max_memory_bytes = Some(bytes(value)),
        other => panic!("no such word: {other}"),
    }
}

fn scaler(name: &str, words: &Words<'_>) -> ScalerSpec {
    let mut scaler = ScalerSpec {
        name: Name::new(name),
        backend: BackendId::new("bare-metal"),
        max_agents: 10,
        resource_cap: Cap::default(),
        machine_pool: None,
        mandatory: Labels::default(),
        roles: Roles::Unrestricted,
        priority: 0,
        reap_others_after: None,
        pools: Vec::new(),
    };
    for (key, value) in words {
        match *key {
            "max" => scaler.max_agents = value.parse().unwrap(),
            "cpu" | "mem" => cap(&mut scaler.resource_cap, key, value),
            "backend" => scaler.backend = BackendId::new(value),
            "machine" => scaler.machine_pool = Some(Name::new(value)),
            "gate" => scaler.mandatory = Labels::new(value.split(',')),
            "reap-others" => {
                scaler.reap_others_after = Some(Duration::from_secs(value.parse().unwrap()));
            }
            "priority" => scaler.priority = value.parse().unwrap(),
            "roles" => scaler.roles = Roles::Only(roles(value)),
            _ => {}
        }
    }
    scaler
}

fn roles(text: &str) -> Vec<Role> {
    text.split(',')
        .filter_map(|word| match word {
            "builder" => Some(Role::Builder),
            "init-runner" => Some(Role::InitRunner),
            _ => None,
        })
        .collect()
}

fn add_pool(fleet: &mut Fleet, words: &Words<'_>) {
    let scaler = fleet.scalers.last_mut().expect("a scaler before its pool");
    let mut pool = PoolSpec {
        name: PoolName::new(""),
        labels: Labels::default(),
        system_labels: system_labels(scaler),
        kind: AgentKind::Managed,
        slots: 1,
        max_jobs: Some(1),
        layers: Layers::default(),
        idle: IdleRule {
            keep: 0,
            idle_time: Duration::ZERO,
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
        recipe: Arc::new(recipe(ProcessProgram::OwnAgent)),
    };
    for (key, value) in words {
        say(&mut pool, key, value);
    }
    pool.name = PoolName::new(&format!("{}/{}", scaler.name, pool.labels.join("+")));
    scaler.pools.push(pool);
}

fn say(pool: &mut PoolSpec, key: &str, value: &str) {
    let seconds = || Duration::from_secs(value.parse().unwrap());
    match key {
        "labels" => pool.labels = Labels::new(value.split(',').filter(|l| !l.is_empty())),
        "slots" => pool.slots = value.parse().unwrap(),
        "jobs" => pool.max_jobs = value.parse().ok(),
        "keep" => pool.idle.keep = value.parse().unwrap(),
        "idle" => pool.idle.idle_time = seconds(),
        "scale" => {
            let scale = pool.idle.scale.get_or_insert(NO_SCALE);
            scale.factor = Level(value.parse().unwrap());
        }
        "scale-min" => {
            let scale = pool.idle.scale.get_or_insert(NO_SCALE);
            scale.min = value.parse().unwrap();
        }
        "paid" => pool.idle.paid_period = Some(seconds()),
        "price" => pool.price = Price::per_hour(value.parse().unwrap()),
        "gitlab" => pool.idle.compat = IdleCompat::Gitlab,
        "growth" => pool.max_growth = Some(value.parse().unwrap()),
        "schedule" => add_schedule(pool, value),
        "age" => pool.idle.max_idle_age = Some(seconds()),
        "request-cpu" => {
            pool.layers.label_set.requests.cpu_millis = Some(value.parse().unwrap());
        }
        "request-mem" => pool.layers.label_set.requests.memory_bytes = Some(bytes(value)),
        "limit-cpu" => pool.layers.label_set.limits.cpu_millis = Some(value.parse().unwrap()),
        "open-after" => pool.retry.open_after = value.parse().unwrap(),
        "claim" => pool.timeouts.claim = seconds(),
        "lifetime" => pool.timeouts.lifetime = Some(seconds()),
        "recovery" => pool.timeouts.recovery = seconds(),
        "agent" => {
            pool.recipe = Arc::new(recipe(ProcessProgram::Agent(value.to_owned())));
        }
        "queue" | "strategy" | "combine" | "min" | "most" | "compat" | "poll" | "target"
        | "activation" => super::queues::say(&mut pool.queue, key, value),
        "worker" => {
            pool.kind = AgentKind::Worker;
            pool.max_jobs = None;
            let argv = vec![value.to_owned()];
            pool.recipe = Arc::new(recipe(ProcessProgram::Worker(argv)));
        }
        "job" => {
            pool.kind = AgentKind::Worker;
            pool.max_jobs = None;
            pool.recipe = Arc::new(Recipe::Kubernetes(job(value)));
        }
        "rollout" => {
            let Recipe::Kubernetes(recipe) = Arc::make_mut(&mut pool.recipe) else {
                panic!("job= before it");
            };
            recipe.rollout = match value {
                "immediate" => Rollout::Immediate,
                _ => Rollout::Gradual,
            };
        }
        "max" | "cpu" | "mem" | "backend" | "machine" | "gate" | "priority" | "roles"
        | "reap-others" => {}
        other => panic!("no such word: {other}"),
    }
}

fn job(template: &str) -> KubernetesRecipe {
    KubernetesRecipe {
        cluster: ClusterAddress::default(),
        template: template.to_owned(),
        container: None,
        agent_url: None,
        pending_conditions: Vec::new(),
        history: HistoryLimits::default(),
        rollout: Rollout::Gradual,
        labels: std::collections::BTreeMap::new(),
        annotations: std::collections::BTreeMap::new(),
    }
}

const NO_SCALE: IdleScale = IdleScale {
    factor: Level(1.0),
    min: 0,
};

/// One more schedule, `keep:9,idle:60`; what it does not name is as the pool has it. When
/// it is in force is told by a timetable.
fn add_schedule(pool: &mut PoolSpec, text: &str) {
    let mut rule = pool.idle;
    for word in text.split(',') {
        match word.split_once(':').expect("a key and a number") {
            ("keep", n) => rule.keep = n.parse().unwrap(),
            ("idle", n) => rule.idle_time = Duration::from_secs(n.parse().unwrap()),
            (other, _) => panic!("no such word: {other}"),
        }
    }
    let schedule = Schedule {
        periods: vec!["* * * * *".to_owned()],
        timezone: "UTC".to_owned(),
        rule,
    };
    pool.schedules = pool.schedules.iter().cloned().chain([schedule]).collect();
}

fn recipe(program: ProcessProgram) -> Recipe {
    Recipe::Process {
        program,
        env: std::collections::BTreeMap::new(),
        enforce_cgroups: false,
    }
}

fn system_labels(scaler: &ScalerSpec) -> Labels {
    let mut labels = vec![
        "kici:os:linux".to_owned(),
        "kici:arch:x64".to_owned(),
        "kici:arch:amd64".to_owned(),
        format!("kici:agent:{}", scaler.backend),
        format!("kici:scaler:{}", scaler.name),
    ];
    let has = |role| match &scaler.roles {
        Roles::Unrestricted => true,
        Roles::Only(roles) => roles.contains(&role),
    };
    if has(Role::Builder) {
        labels.push("kici:role:builder".to_owned());
    }
    if has(Role::InitRunner) {
        labels.push("kici:role:init-runner".to_owned());
    }
    Labels::new(labels)
}
