//! Promise 5: no accepted job is lost, and no recorded completion runs again.
//!
//! Judged whenever an agent begins to run a job, and whenever the queue is told how a
//! job stands, by what agents really ran.

use headcount_model::{AgentId, ClassKey, JobEnd, JobId, Outcome, Reason, Settlement};

use super::{Found, broken};
use crate::fake::{Execution, Job};
use crate::options::Promise;
use crate::reference::{Prospect, prospect};
use crate::stage::Stage;

/// Every run is of a job that is not over, after a durable claim, once per attempt, and
/// never while another one may still run.
pub(super) fn of_execution(stage: &Stage, agent: AgentId, job: JobId, attempt: u32) -> Found {
    let Some(truth) = stage.jobs.all.get(&job) else {
        return broken(
            Promise::Jobs,
            format!("{agent} runs {job}, which nobody submitted"),
        );
    };
    let what = if truth.end == Some(JobEnd::Expired) {
        // It expired while it waited, so it had gone back before, and the daemon died
        // before it could note that: told again, nothing comes of it.
        return None;
    } else if let Some(end) = &truth.end {
        format!("has ended: {end:?}")
    } else if !stage.ledger.has_claim(job, attempt, agent) {
        "has no durable claim of it".into()
    } else if let Some(run) = truth.executions.iter().find(|run| run.ended_at.is_none()) {
        format!("still runs as attempt {} on {}", run.attempt, run.agent)
    } else if let Some(run) = truth.executions.iter().find(|run| run.attempt == attempt) {
        format!("ran as attempt {attempt} on {} before", run.agent)
    } else if truth.executions.iter().any(succeeded) {
        "has a recorded success".into()
    } else if truth.executions.len() > retries(stage, truth) {
        format!("ran {} times already", truth.executions.len())
    } else {
        return None;
    };
    broken(
        Promise::Jobs,
        format!("{agent} runs {job} attempt {attempt}, which {what}"),
    )
}

/// Only what did not run, or asked for another try, goes back to its place.
pub(crate) fn given_back(
    stage: &Stage,
    job: JobId,
    settlement: &Settlement,
    attempts: u32,
) -> Found {
    let truth = stage.jobs.all.get(&job)?;
    let last = truth
        .executions
        .iter()
        .map(|run| run.attempt)
        .max()
        .unwrap_or(0);
    let what = if let Some(end) = &truth.end {
        format!("has ended: {end:?}")
    } else if truth.executions.iter().any(|run| run.ended_at.is_none()) {
        "still runs".into()
    } else if truth.executions.iter().any(succeeded) {
        "has a recorded success".into()
    } else if last > attempts {
        format!("ran as attempt {last}, and {attempts} are told")
    } else {
        return None;
    };
    broken(
        Promise::Jobs,
        format!("{job} goes back ({settlement:?}), which {what}"),
    )
}

/// A job ends once, and as its last run says.
pub(crate) fn ended(stage: &Stage, job: JobId, end: &JobEnd) -> Found {
    let Some(truth) = stage.jobs.all.get(&job) else {
        return broken(Promise::Jobs, format!("{job} ends, which nobody submitted"));
    };
    let before = truth.end.as_ref().filter(|before| *before != end);
    let last = truth.executions.last().and_then(|run| run.outcome.as_ref());
    let what = if let Some(before) = before {
        format!("ended before as {before:?}")
    } else if truth.executions.iter().any(|run| run.ended_at.is_none()) {
        "still runs".into()
    } else if truth.executions.iter().any(succeeded) && *end != JobEnd::Succeeded {
        "has a recorded success".into()
    } else {
        unlike_its_run(truth, end, last)?
    };
    broken(
        Promise::Jobs,
        format!("{job} ends as {end:?}, which {what}"),
    )
}

fn unlike_its_run(truth: &Job, end: &JobEnd, last: Option<&Outcome>) -> Option<String> {
    let agrees = match end {
        JobEnd::Succeeded => last.is_some_and(Outcome::is_success),
        JobEnd::Cancelled { .. } => truth.cancel_asked,
        JobEnd::Expired => truth.expires_at.is_some(),
        JobEnd::Failed { reason, outcome } => match reason {
            Reason::AgentLost | Reason::Undeliverable | Reason::NeverFits => true,
            _ => outcome.as_ref() == last,
        },
    };
    (!agrees).then(|| format!("last ran with {last:?}"))
}

/// Only a class that no configured pool could ever serve fails as a whole.
pub(crate) fn class_ended(stage: &Stage, class: &ClassKey, end: &JobEnd) -> Found {
    let fleets = &stage.scenario.fleets;
    // An order may have been decided just before a reload.
    let mut prospects = fleets.iter().map(|fleet| prospect(fleet, class));
    let impossible = prospects.any(|prospect| prospect == Prospect::NeverFits);
    if *end == JobEnd::Expired || impossible {
        return None;
    }
    broken(
        Promise::Jobs,
        format!("all of {class:?} end as {end:?}, which fit"),
    )
}

/// Without faults each job runs as often as its own outcomes say, and ends accordingly.
pub(crate) fn as_without_faults(stage: &Stage) -> Found {
    for (id, job) in &stage.jobs.all {
        let Some(spec) = stage.scenario.jobs.get(job.spec) else {
            continue;
        };
        let fits = |fleet| prospect(fleet, &job.class) == Prospect::Fits;
        let plain = !job.cancel_asked && job.expires_at.is_none();
        if !plain || !stage.scenario.fleets.iter().all(fits) {
            continue;
        }
        let success = (1..=spec.retries + 1).find(|n| spec.outcome(*n).is_success());
        let runs = success.unwrap_or(spec.retries + 1);
        let ended = job.end == Some(JobEnd::Succeeded);
        if ended != spec.succeeds() || job.executions.len() != runs as usize {
            let what = format!(
                "{id} ended as {:?} after {} runs; nothing failed, and its outcomes ask for {runs}",
                job.end,
                job.executions.len()
            );
            return broken(Promise::Jobs, what);
        }
    }
    None
}

fn succeeded(run: &Execution) -> bool {
    run.recorded && run.outcome.as_ref().is_some_and(Outcome::is_success)
}

fn retries(stage: &Stage, truth: &Job) -> usize {
    let spec = stage.scenario.jobs.get(truth.spec);
    spec.map_or(0, |spec| spec.retries as usize)
}
