//! Small fleets and classes: everything at its default unless a test says otherwise.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use headcount_model::{
    AgentKind, BackendId, Cap, ClassKey, Fleet, IdleRule, Labels, Layer, Layers, LogPressure, Name,
    PoolName, PoolSpec, ProcessProgram, Recipe, Retry, Roles, ScalerSpec, Selectors, SourceId,
    Timeouts,
};

/// Where all agents of these fleets live.
pub const BACKEND: &str = "bare-metal";
/// Where all jobs of these classes wait.
pub const SOURCE: &str = "queue";

/// A fleet of these scalers without caps of its own worth mentioning.
pub fn fleet(scalers: impl IntoIterator<Item = ScalerSpec>) -> Fleet {
    Fleet {
        max_jobs: None,
        recheck_every: Duration::MAX,
        max_agents: 500,
        resource_cap: Cap::default(),
        machine_pools: Vec::new(),
        scalers: scalers.into_iter().collect(),
    }
}

/// A scaler with one pool of single-use agents, made on demand.
pub fn scaler(name: &str, labels: &str, max_agents: u32) -> ScalerSpec {
    ScalerSpec {
        name: Name::new(name),
        backend: BackendId::new(BACKEND),
        max_agents,
        resource_cap: Cap::default(),
        machine_pool: None,
        mandatory: Labels::default(),
        roles: Roles::Unrestricted,
        priority: 0,
        reap_others_after: None,
        pools: vec![pool(name, labels)],
    }
}

/// The pool `scaler/labels` of single-use agents, made on demand.
pub fn pool(scaler: &str, labels: &str) -> PoolSpec {
    let labels = Labels::new(labels.split(','));
    PoolSpec {
        name: PoolName::new(&format!("{scaler}/{}", labels.join("+"))),
        labels,
        system_labels: Labels::default(),
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
        recipe: Arc::new(Recipe::Process {
            program: ProcessProgram::OwnAgent,
            env: BTreeMap::new(),
            enforce_cgroups: false,
        }),
    }
}

/// Jobs that ask for these labels and nothing else.
pub fn class(labels: &str) -> ClassKey {
    ClassKey {
        source: SourceId::new(SOURCE),
        runs_on: Selectors::new(labels.split(',')),
        exclude: Selectors::default(),
        resources: Layer::default(),
        priority: 0,
    }
}
