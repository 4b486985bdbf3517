//! Promise 4: a running job is not killed by scale-down, and an agent takes no more jobs
//! than it may, nor one that it was not made for.

use headcount_model::{AgentId, JobId, Reason};

use super::{Found, broken};
use crate::fake::{Job, Made};
use crate::options::Promise;
use crate::reference_labels::{hit, unmet};
use crate::stage::Stage;

pub(super) fn of_removal(stage: &Stage, agent: AgentId, reason: Reason) -> Found {
    let scale_down = matches!(
        reason,
        Reason::SurplusIdle
            | Reason::IdleTooOld
            | Reason::Outdated
            | Reason::RolledOut
            | Reason::PoolRemoved
            | Reason::PoolDrained
            | Reason::JobsDone
    );
    if !scale_down {
        return None;
    }
    let id = stage.jobs.running_on(agent).next()?;
    broken(
        Promise::Running,
        format!("{agent} is destroyed ({reason}) while it runs {id}"),
    )
}

pub(super) fn of_execution(stage: &Stage, agent: AgentId, job: JobId) -> Found {
    let truth = stage.jobs.all.get(&job)?;
    let birth = stage.births.get(&agent)?;
    if birth.max_jobs.is_some_and(|most| birth.executions > most) {
        let what = format!("{agent} runs {job}, its job number {}", birth.executions);
        return broken(Promise::Running, what);
    }
    let places = stage.backends.get(&birth.backend)?;
    let made = places.get(&(stage.owner().clone(), agent))?;
    // This one is not among them yet.
    let others = stage.jobs.running_on(agent).count();
    if others >= usize::try_from(made.slots).unwrap_or(usize::MAX) {
        let what = format!(
            "{agent} runs {job} on top of {others} in {} slots",
            made.slots
        );
        return broken(Promise::Running, what);
    }
    unfit(made, truth)
        .and_then(|why| broken(Promise::Running, format!("{agent} runs {job}, {why}")))
}

/// Why this instance is not one for the job.
fn unfit(made: &Made, job: &Job) -> Option<String> {
    if let Some(unmet) = unmet(&job.class.runs_on, &made.labels) {
        return Some(format!("which wants {unmet} of {}", made.labels));
    }
    if let Some(hit) = hit(&job.class.exclude, &made.labels) {
        return Some(format!("which excludes {hit} of {}", made.labels));
    }
    let asked = job.class.resources.mirrored().requests;
    let has = made.granted.requests;
    let small = asked.cpu_millis.is_some_and(|cpu| cpu > has.cpu_millis)
        || asked
            .memory_bytes
            .is_some_and(|memory| memory > has.memory_bytes);
    small.then(|| format!("which asks for {asked:?} of {has:?}"))
}
