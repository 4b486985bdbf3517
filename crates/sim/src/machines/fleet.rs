//! One pool of machines.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use headcount_model::{
    AgentKind, BackendId, Cap, ClassKey, Fleet, Labels, Layer, Layers, LogPressure, Name, PoolName,
    PoolSpec, ProcessProgram, Recipe, Retry, Roles, ScalerSpec, Selectors, SourceId, Timeouts,
};

use super::Story;

pub(super) fn backend() -> BackendId {
    BackendId::new("machines")
}

pub(super) fn source() -> SourceId {
    SourceId::new("queue")
}

pub(super) fn pool_name() -> PoolName {
    PoolName::new("machines/linux")
}

/// All jobs of a story.
pub(super) fn class() -> ClassKey {
    ClassKey {
        source: source(),
        runs_on: Labels::new(["linux"]).into(),
        exclude: Selectors::default(),
        resources: Layer::default(),
        priority: 0,
    }
}

pub(super) fn fleet(story: &Story) -> Fleet {
    Fleet {
        max_agents: story.limit,
        max_jobs: None,
        resource_cap: Cap::default(),
        recheck_every: Duration::MAX,
        machine_pools: Vec::new(),
        scalers: vec![ScalerSpec {
            name: Name::new("machines"),
            backend: backend(),
            max_agents: story.limit,
            resource_cap: Cap::default(),
            machine_pool: None,
            mandatory: Labels::default(),
            roles: Roles::default(),
            priority: 0,
            reap_others_after: None,
            pools: vec![pool(story)],
        }],
    }
}

fn pool(story: &Story) -> PoolSpec {
    PoolSpec {
        name: pool_name(),
        labels: Labels::new(["linux"]),
        system_labels: Labels::default(),
        kind: AgentKind::Managed,
        slots: 1,
        max_jobs: None,
        layers: Layers::default(),
        idle: story.idle,
        schedules: Arc::default(),
        max_growth: story.max_growth,
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
