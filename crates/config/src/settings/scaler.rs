//! Scalers and their label sets.

use std::collections::BTreeMap;

use headcount_model::{Cap, Layer, LogPressure, Price, Retry, Roles, Timeouts};

use super::{Backend, Readiness, Template};

/// One entry of `scalers`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scaler {
    /// Unique, in either case.
    pub name: String,
    /// Where its agents live.
    pub backend: Backend,
    /// Cap on its agents, above zero.
    pub max_agents: u32,
    /// Higher is tried first.
    pub priority: i32,
    /// How many agents of each label set there are.
    pub readiness: Readiness,
    /// Labels a job must ask for to be served here, as written.
    pub mandatory_labels: Vec<String>,
    /// Kinds of work it takes.
    pub roles: Roles,
    /// Cap on the summed requests of its agents.
    pub resource_cap: Cap,
    /// The machine pool in which its agents are reserved.
    pub machine_pool: Option<String>,
    /// How patient it is.
    pub timeouts: Timeouts,
    /// How soon a failed creation is tried again.
    pub retry: Retry,
    /// Where its agents call back; unset is the daemon's own listener.
    pub orchestrator_url: Option<String>,
    /// In file order, at least one.
    pub label_sets: Vec<LabelSet>,
}

/// One entry of `labelSets`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LabelSet {
    /// As written, at least one.
    pub labels: Vec<String>,
    /// CPUs and memory of an agent, where a job does not say.
    pub resources: Layer,
    /// Variables of an agent's environment.
    pub env: BTreeMap<String, String>,
    /// What to do with output that cannot be sent as fast as it comes.
    pub log_pressure: LogPressure,
    /// Jobs an agent runs at once, from 1 to 64.
    pub slots: u32,
    /// Jobs an agent runs in its life, at least `slots`; `None` is without end.
    pub max_jobs: Option<u32>,
    /// What an agent costs, where its backend does not say.
    pub price: Option<Price>,
    /// What agents are made of; of the kind of the scaler's backend.
    pub template: Template,
}
