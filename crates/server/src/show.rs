//! From the house's own values to what the wire shows. Conversions only: nothing here
//! decides anything.

mod agent;
mod change;
mod class;
mod cost;
mod explain;
mod job;
mod log;
mod orphan;
mod pool;
mod provisioning;
mod resources;
mod signal;

pub(crate) use agent::{agent, agent_state};
pub(crate) use change::change;
pub(crate) use class::{class, class_of_key, waiting_reason};
pub(crate) use cost::cost;
pub(crate) use explain::explanation;
pub(crate) use job::{JobContext, job, job_state, stage_state, status};
pub(crate) use log::{log_line, plain_bytes};
pub(crate) use orphan::{orphan_state, other_state};
pub(crate) use pool::{pools, schedule};
pub(crate) use provisioning::{of_class as failed_launches, of_job as provisioning};
pub(crate) use resources::{cap, impossible, layer};

use headcount_api::Moment;
use headcount_model::{Labels, Selectors, Timestamp};

pub(crate) fn moment(at: Timestamp) -> Moment {
    Moment::from_millis(at.as_millis())
}

pub(crate) fn labels(labels: &Labels) -> Vec<String> {
    labels.iter().map(ToString::to_string).collect()
}

/// As they were asked for.
pub(crate) fn selectors(selectors: &Selectors) -> Vec<String> {
    selectors.iter().map(str::to_owned).collect()
}

pub(crate) fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
