//! Jobs.

use headcount_api::{Attempt, Job, JobState, LogPressure, Outcome};
use headcount_controller::View;
use headcount_model::{Command, Exit, JobEnd, LogPressure as Pressure, Outcome as Ended, Reason};
use headcount_ports::{AttemptView, JobRecord, JobStatus, end_reason};

use super::{layer, millis, moment, selectors, waiting_reason};

/// What is needed to tell why a job stands as it does.
pub(crate) struct JobContext<'a> {
    /// The world at one moment; absent while the loop has ended.
    pub(crate) view: Option<&'a View>,
    /// Tells how many jobs of its class are before a waiting one.
    pub(crate) ahead_of: &'a dyn Fn(&JobRecord) -> Option<u64>,
}

pub(crate) fn job(record: &JobRecord, context: &JobContext<'_>) -> Job {
    let spec = &record.spec;
    let reason = reason(record, context);
    let (command, script) = match &spec.command {
        Command::Argv(argv) => (Some(argv.clone()), None),
        Command::Script(script) => (None, Some(script.clone())),
    };
    let outcome = record.end.as_ref().and_then(|end| ended_how(end, record));
    let (exit_code, signal, message) = outcome.map_or((None, None, None), facts);
    Job {
        id: record.job.to_string(),
        source: spec.source.to_string(),
        name: spec.name.clone(),
        key: spec.key.clone(),
        state: job_state(record.status),
        reason: reason.map(|reason| reason.code().to_owned()),
        reason_text: reason.map(|reason| reason.sentence().to_owned()),
        runs_on: selectors(&spec.runs_on),
        exclude: selectors(&spec.exclude),
        resources: layer(spec.resources),
        priority: spec.priority,
        command,
        script,
        env_names: spec.env.keys().cloned().collect(),
        working_dir: spec.working_dir.clone(),
        timeout_ms: spec.timeout.map(millis),
        grace_ms: millis(spec.grace),
        retries: spec.retries,
        log_limit_bytes: spec.log_limit_bytes,
        log_pressure: spec.log_pressure.map(pressure),
        accepted_at: moment(record.accepted_at),
        expires_at: spec.expires_at.map(moment),
        started_at: started_at(record),
        ended_at: record.ended_at.map(moment),
        attempts: record.attempts,
        latest: record.latest.as_ref().map(attempt),
        exit_code,
        signal,
        message,
    }
}

fn started_at(record: &JobRecord) -> Option<headcount_api::Moment> {
    let attempt = record.latest.as_ref()?;
    attempt.claimed_at.map(moment)
}

/// The one reason why a job stands as it does.
fn reason(record: &JobRecord, context: &JobContext<'_>) -> Option<Reason> {
    if let Some(end) = &record.end {
        return Some(end_reason(end));
    }
    let view = context.view?;
    let taken = view
        .jobs
        .binary_search_by_key(&record.job, |taken| taken.job);
    if let Some(taken) = taken.ok().and_then(|at| view.jobs.get(at)) {
        return Some(taken.reason);
    }
    let key = record.spec.class();
    let class = view.classes.iter().find(|class| *class.key == key)?;
    match class.shares.as_slice() {
        [only] => Some(only.reason),
        _ => {
            let ahead = (context.ahead_of)(record)?;
            waiting_reason(class, ahead).map(|share| share.reason)
        }
    }
}

/// How the job's command ended: what its end says, or else its latest attempt.
fn ended_how<'a>(end: &'a JobEnd, record: &'a JobRecord) -> Option<&'a Ended> {
    let told = match end {
        JobEnd::Failed { outcome, .. } | JobEnd::Cancelled { outcome } => outcome.as_ref(),
        JobEnd::Succeeded => Some(&Ended::Exited(Exit::Code(0))),
        JobEnd::Expired => None,
    };
    told.or_else(|| record.latest.as_ref()?.outcome.as_ref())
}

fn facts(outcome: &Ended) -> (Option<i32>, Option<i32>, Option<String>) {
    match outcome {
        Ended::Exited(Exit::Code(code)) => (Some(*code), None, None),
        Ended::Exited(Exit::Signal(signal)) => (None, Some(*signal), None),
        Ended::NotStarted(message) => (None, None, Some(message.clone())),
        Ended::Exited(Exit::Unknown) | Ended::TimedOut | Ended::Cancelled => (None, None, None),
    }
}

fn attempt(view: &AttemptView) -> Attempt {
    Attempt {
        attempt: view.attempt,
        agent: view.agent.to_string(),
        assigned_at: moment(view.assigned_at),
        claimed_at: view.claimed_at.map(moment),
        ended_at: view.ended_at.map(moment),
        outcome: view.outcome.as_ref().map(outcome),
    }
}

fn outcome(outcome: &Ended) -> Outcome {
    match outcome {
        Ended::Exited(Exit::Code(code)) => Outcome::Exited { code: *code },
        Ended::Exited(Exit::Signal(signal)) => Outcome::Signalled { signal: *signal },
        Ended::Exited(Exit::Unknown) => Outcome::Unseen,
        Ended::TimedOut => Outcome::TimedOut,
        Ended::Cancelled => Outcome::Cancelled,
        Ended::NotStarted(message) => Outcome::NotStarted {
            message: message.clone(),
        },
    }
}

const fn pressure(pressure: Pressure) -> LogPressure {
    match pressure {
        Pressure::Pause => LogPressure::Pause,
        Pressure::Drop => LogPressure::Drop,
    }
}

pub(crate) const fn job_state(status: JobStatus) -> JobState {
    match status {
        JobStatus::Queued => JobState::Queued,
        JobStatus::Assigned => JobState::Assigned,
        JobStatus::Running => JobState::Running,
        JobStatus::Succeeded => JobState::Succeeded,
        JobStatus::Failed => JobState::Failed,
        JobStatus::Cancelled => JobState::Cancelled,
        JobStatus::Expired => JobState::Expired,
    }
}

pub(crate) const fn status(state: JobState) -> JobStatus {
    match state {
        JobState::Queued => JobStatus::Queued,
        JobState::Assigned => JobStatus::Assigned,
        JobState::Running => JobStatus::Running,
        JobState::Succeeded => JobStatus::Succeeded,
        JobState::Failed => JobStatus::Failed,
        JobState::Cancelled => JobStatus::Cancelled,
        JobState::Expired => JobStatus::Expired,
    }
}

/// How a job stands whose attempt is at this stage. One that is settled is told of by the
/// book, with the end that it has or with its return to the queue.
pub(crate) fn stage_state(stage: &str) -> Option<JobState> {
    match stage {
        "assigned" => Some(JobState::Assigned),
        "running" | "lost" => Some(JobState::Running),
        _ => None,
    }
}
