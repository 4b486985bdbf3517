//! An entry as a job, and a job's end as something to tell.

use std::sync::Arc;
use std::time::Duration;

use headcount_model::{
    ClassKey, Exit, JobEnd, JobId, Outcome, Reason, SourceId, StreamSource, Timestamp,
};
use headcount_ports::{NewJob, OpenJob, QueuedJob};

use crate::entries::{Entry, environment};
use crate::stream::id::EntryId;

/// What is known of an open job.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Where it is in the stream; absent when it is of another stream, which this source
    /// read once.
    pub(super) entry: Option<EntryId>,
    pub(super) class: Arc<ClassKey>,
    pub(super) accepted_at: Timestamp,
    /// Attempts that were claimed.
    pub(super) attempts: u32,
    /// Deliveries to agents in a row that nobody claimed.
    pub(super) deliveries: u32,
    pub(super) retries_left: u32,
    pub(super) timeout: Option<Duration>,
}

/// An end that the book has and Redis is to hear of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Owed {
    pub(super) job: JobId,
    pub(super) entry: Option<EntryId>,
    /// Why it becomes a dead letter; absent for what is only acknowledged.
    pub(super) letter: Option<String>,
}

/// An entry about to be written into the book.
pub(super) struct Draft {
    pub(super) entry: EntryId,
    /// The job once it waits.
    pub(super) known: Known,
    /// Why it can never run.
    pub(super) unfit: Option<String>,
}

impl Draft {
    /// What an entry becomes, beside the job for the book. One that cannot run is a job all the same, which ends at
    /// once: whoever looks for it finds it, with the reason. It is marked by an expiry
    /// that has come, so that a crash before its end was recorded does not let it run.
    pub(super) fn of(source: &StreamSource, entry: &Entry, now: Timestamp) -> (Self, NewJob) {
        let tried = u32::try_from(entry.deliveries).unwrap_or(u32::MAX);
        let allowed = source.attempts;
        let variables = environment(&source.stream, entry, &source.left_out);
        let (variables, unfit) = match variables {
            Ok(_) if tried > allowed => (Default::default(), Some(too_often(tried, allowed))),
            Ok(variables) => (variables, None),
            Err(poisoned) => (Default::default(), Some(poisoned.to_string())),
        };
        let job = &source.job;
        let mut env = job.env.clone();
        env.extend(variables);
        let job = NewJob {
            source: source.id.clone(),
            key: Some(key(source, entry.id)),
            name: Some(entry.id.to_string()),
            runs_on: job.runs_on.clone(),
            exclude: job.exclude.clone(),
            resources: job.resources,
            priority: job.priority,
            command: job.command.clone(),
            env,
            working_dir: job.working_dir.clone(),
            timeout: job.timeout,
            grace: job.grace,
            retries: allowed.saturating_sub(tried.max(1)),
            expires_at: unfit.is_some().then_some(now),
            log_limit_bytes: job.log_limit_bytes,
            log_pressure: job.log_pressure,
        };
        let known = Known {
            entry: Some(entry.id),
            class: Arc::new(job.class()),
            accepted_at: now,
            attempts: 0,
            deliveries: 0,
            retries_left: job.retries,
            timeout: job.timeout,
        };
        let entry = entry.id;
        let draft = Self {
            entry,
            known,
            unfit,
        };
        (draft, job)
    }
}

fn too_often(tried: u32, allowed: u32) -> String {
    format!("the entry was delivered {tried} times, {allowed} attempts are allowed")
}

/// What the entry is called in the book.
fn key(source: &StreamSource, entry: EntryId) -> String {
    format!("{}{entry}", prefix(source))
}

fn prefix(source: &StreamSource) -> String {
    format!("{}/{}/{}/", source.id, source.stream, source.group)
}

/// The entry behind a key; `None` for one of a stream or group that this source reads no
/// more.
pub(super) fn entry_of(source: &StreamSource, key: &str) -> Option<EntryId> {
    EntryId::parse(key.strip_prefix(&prefix(source))?)
}

/// Whether a job of the book is an entry that can never run.
pub(super) const fn is_unfit(job: &QueuedJob) -> bool {
    job.expires_at.is_some()
}

impl Known {
    /// A job that was in the book before this daemon started.
    pub(super) fn open(source: &StreamSource, open: OpenJob) -> Self {
        let job = open.job;
        Self {
            entry: entry_of(source, &open.key),
            class: Arc::new(class(&source.id, &job)),
            accepted_at: job.accepted_at,
            attempts: job.attempts,
            deliveries: job.deliveries,
            retries_left: job.retries_left,
            timeout: job.timeout,
        }
    }

    /// The same job after so many attempts and deliveries in all.
    pub(super) const fn after(mut self, attempts: u32, deliveries: u32) -> Self {
        let retries = self.retries_left.saturating_add(self.attempts);
        self.retries_left = retries.saturating_sub(attempts);
        self.attempts = attempts;
        self.deliveries = deliveries;
        self
    }
}

fn class(source: &SourceId, job: &QueuedJob) -> ClassKey {
    ClassKey {
        source: source.clone(),
        runs_on: job.runs_on.clone(),
        exclude: job.exclude.clone(),
        resources: job.resources,
        priority: job.priority,
    }
}

/// How a job ends that can never run.
pub(super) const fn unfit(why: String) -> JobEnd {
    JobEnd::Failed {
        reason: Reason::Poisoned,
        outcome: Some(Outcome::NotStarted(why)),
    }
}

impl Owed {
    /// What succeeded is done, and what was cancelled is not wanted: both are acknowledged.
    /// Everything else is a dead letter.
    pub(super) fn new(job: JobId, entry: Option<EntryId>, end: &JobEnd) -> Self {
        let letter = match end {
            JobEnd::Succeeded | JobEnd::Cancelled { .. } => None,
            JobEnd::Expired => Some(Reason::Expired.sentence().to_owned()),
            JobEnd::Failed { reason, outcome } => Some(words(*reason, outcome.as_ref())),
        };
        Self { job, entry, letter }
    }
}

fn words(reason: Reason, outcome: Option<&Outcome>) -> String {
    let sentence = reason.sentence();
    match outcome {
        Some(Outcome::Exited(Exit::Code(code))) => format!("{sentence}: exit code {code}"),
        Some(Outcome::Exited(Exit::Signal(signal))) => format!("{sentence}: signal {signal}"),
        Some(Outcome::NotStarted(why)) => format!("{sentence}: {why}"),
        Some(Outcome::Exited(Exit::Unknown) | Outcome::TimedOut | Outcome::Cancelled) | None => {
            sentence.to_owned()
        }
    }
}
