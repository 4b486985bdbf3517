//! The usual fleet.

use std::sync::Arc;
use std::time::Duration;

use headcount_model::{
    AgentKind, BackendId, Cap, Fleet, IdleRule, Labels, Layers, LogPressure, Name, PoolName,
    PoolSpec, ProcessProgram, Recipe, Retry, Roles, ScalerSpec, Timeouts,
};

/// Two pools of one scaler, which has at most four agents and 4 GiB.
pub(crate) fn fleet() -> Fleet {
    Fleet {
        max_jobs: None,
        recheck_every: Duration::MAX,
        max_agents: 8,
        resource_cap: Cap::default(),
        machine_pools: Vec::new(),
        scalers: vec![scaler("builders", 4, &[&["linux"], &["linux", "gpu"]])],
    }
}

pub(crate) fn scaler(name: &str, max_agents: u32, label_sets: &[&[&str]]) -> ScalerSpec {
    ScalerSpec {
        name: Name::new(name),
        backend: BackendId::new("bare-metal"),
        max_agents,
        resource_cap: Cap {
            max_cpu_millis: Some(8000),
            max_memory_bytes: Some(4 << 30),
        },
        machine_pool: None,
        mandatory: Labels::default(),
        roles: Roles::default(),
        priority: 0,
        reap_others_after: None,
        pools: label_sets.iter().map(|labels| pool(name, labels)).collect(),
    }
}

fn pool(scaler: &str, labels: &[&str]) -> PoolSpec {
    let labels = Labels::new(labels);
    PoolSpec {
        name: PoolName::new(&format!("{scaler}/{}", labels.join("+"))),
        labels,
        system_labels: Labels::new(["headcount:os:linux"]),
        kind: AgentKind::Managed,
        slots: 1,
        max_jobs: Some(1),
        layers: Layers::default(),
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
