//! The promises of the design, one file each.
//!
//! Each is judged by what really exists and really happened, which only the fakes know;
//! what the daemon believes is looked at only where the promise is about that. A broken
//! one is a sentence that says what was seen.

mod caps;
pub(crate) mod config;
pub(crate) mod converges;
mod foreign;
mod forgotten;
pub(crate) mod jobs;
mod machines;
pub(crate) mod queue;
pub(crate) mod reasons;
mod running;

use headcount_model::{AgentId, JobId};
use headcount_planner::Action;

use crate::options::Promise;
use crate::stage::Stage;

/// What was seen, if a promise does not hold.
pub(crate) type Found = Option<(Promise, String)>;

/// What must hold at every moment.
pub(crate) fn every_moment(stage: &Stage) -> Found {
    forgotten::every_moment(stage)
        .or_else(|| foreign::every_moment(stage))
        .or_else(|| caps::every_moment(stage))
}

/// What must hold of an order when it is carried out.
pub(crate) fn of_order(stage: &Stage, action: &Action) -> Found {
    match action {
        Action::Create(order) => caps::of_creation(stage, order)
            .or_else(|| queue::of_creation(stage, order))
            .or_else(|| machines::of_creation(stage, order))
            .or_else(|| config::of_creation(stage, order)),
        Action::Destroy { agent, reason, .. } => foreign::of_removal(stage, *agent)
            .or_else(|| running::of_removal(stage, *agent, *reason)),
        Action::Reap { agent, .. } => foreign::of_removal(stage, *agent),
        Action::ReapOther { seen, .. } => foreign::of_others(seen),
        _ => None,
    }
}

/// What must hold when an agent really begins to run a job.
pub(crate) fn of_execution(stage: &Stage, agent: AgentId, job: JobId, attempt: u32) -> Found {
    jobs::of_execution(stage, agent, job, attempt)
        .or_else(|| running::of_execution(stage, agent, job))
        .or_else(|| machines::of_execution(stage))
}

fn broken(promise: Promise, what: impl Into<String>) -> Found {
    Some((promise, what.into()))
}
