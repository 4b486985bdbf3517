//! The job book: the jobs that sources keep here, from acceptance to end: those of the
//! built-in queue, and those that another source took from where they waited before.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use headcount_model::{
    AgentId, AttemptPhase, AttemptRecord, ClassKey, Command, JobEnd, JobId, JobWork, Layer,
    LogPressure, Outcome, Reason, Selectors, Settlement, SourceId, Timestamp,
};

use crate::StoreError;

/// The most jobs one [`JobBook::list`] gives, whatever its filter asks for.
pub const MAX_LISTED: usize = 10_000;

/// The built-in queue as a source: nobody is to be told how its jobs ended.
pub const BUILT_IN: &str = "queue";

/// Keeps jobs. Called by sources (writes) and by the API (reads).
#[async_trait]
pub trait JobBook: Send + Sync {
    /// Accepts jobs, all or none, durably. A job whose key is known is not accepted again:
    /// its first id is returned, with `existed`. Each source has keys of its own.
    ///
    /// # Errors
    /// None of them is accepted. [`StoreError::Conflict`] when a known key of the built-in
    /// queue comes with another job; a key that another source made names the same job
    /// whatever comes with it.
    async fn submit(&self, jobs: Vec<NewJob>, at: Timestamp) -> Result<Vec<Submitted>, StoreError>;

    /// All jobs of a source that are neither ended nor held by an unsettled attempt, in
    /// order of id, for its index at start.
    ///
    /// # Errors
    /// The daemon must not start.
    async fn queued(&self, source: &SourceId) -> Result<Vec<QueuedJob>, StoreError>;

    /// All jobs of a source that are open, in order of id: those of which it has not said
    /// yet that their end was [`told`](JobBook::told). None of the built-in queue ever is.
    ///
    /// # Errors
    /// The daemon must not start.
    async fn open_jobs(&self, source: &SourceId) -> Result<Vec<OpenJob>, StoreError>;

    /// The ends of these jobs were told where they came from: from now on they need not be
    /// kept. Until then no job of another source than the built-in queue is removed, however
    /// old. Idempotent; a job that has not ended stays open.
    ///
    /// # Errors
    /// Some may still be open.
    async fn told(&self, jobs: Vec<JobId>) -> Result<(), StoreError>;

    /// One job, whole.
    ///
    /// # Errors
    /// The book cannot be read.
    async fn get(&self, job: JobId) -> Result<Option<JobRecord>, StoreError>;

    /// Jobs newest first, at most `filter.limit` (bounded at [`MAX_LISTED`]).
    ///
    /// # Errors
    /// The book cannot be read.
    async fn list(&self, filter: JobFilter) -> Result<Vec<JobRecord>, StoreError>;

    /// Records ends, durably, in one transaction. A job that has an end keeps it; returns
    /// the jobs whose end is new. The environment of an ended job is forgotten with it,
    /// because it may hold secrets.
    ///
    /// # Errors
    /// Nothing is recorded.
    async fn end(
        &self,
        ends: Vec<(JobId, JobEnd)>,
        at: Timestamp,
    ) -> Result<Vec<JobId>, StoreError>;

    /// Notes how often a job that goes back to the queue was claimed (`attempts`) and how
    /// many deliveries in a row nobody claimed. Absolute numbers, so idempotent. A job that
    /// has ended or is not known is left alone.
    ///
    /// # Errors
    /// Nothing is recorded.
    async fn requeue(&self, job: JobId, attempts: u32, deliveries: u32) -> Result<(), StoreError>;

    /// How many jobs stand how; every status is listed, those without jobs as 0.
    ///
    /// # Errors
    /// The book cannot be read.
    async fn counts(&self) -> Result<BTreeMap<JobStatus, u64>, StoreError>;
}

/// A job as it is accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewJob {
    /// Where it comes from.
    pub source: SourceId,
    /// Chosen by the client or the source; the same key is the same job.
    pub key: Option<String>,
    /// For people; not unique.
    pub name: Option<String>,
    /// Labels an agent must have, by name or by pattern.
    pub runs_on: Selectors,
    /// Labels an agent must not have, by name or by pattern.
    pub exclude: Selectors,
    /// As written.
    pub resources: Layer,
    /// Higher goes first.
    pub priority: i32,
    /// What to execute.
    pub command: Command,
    /// Set for the job.
    pub env: BTreeMap<String, String>,
    /// Where to run; unset is a fresh directory.
    pub working_dir: Option<String>,
    /// TERM after this long.
    pub timeout: Option<Duration>,
    /// Between TERM and KILL.
    pub grace: Duration,
    /// Further attempts after a failed one.
    pub retries: u32,
    /// Ends as expired if it still waits then; `None` waits for ever.
    pub expires_at: Option<Timestamp>,
    /// Stored output stops here, in bytes.
    pub log_limit_bytes: u64,
    /// What the agent does with output it cannot send; unset takes the pool's.
    pub log_pressure: Option<LogPressure>,
}

impl NewJob {
    /// The class the job belongs to while it waits.
    #[must_use]
    pub fn class(&self) -> ClassKey {
        ClassKey {
            source: self.source.clone(),
            runs_on: self.runs_on.clone(),
            exclude: self.exclude.clone(),
            resources: self.resources,
            priority: self.priority,
        }
    }

    /// The first thing in which two submissions differ, as its name outside. When a job
    /// expires does not count: a client that repeats itself asks a little later.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        let same = [
            ("name", self.name == other.name),
            ("runsOn", self.runs_on == other.runs_on),
            ("exclude", self.exclude == other.exclude),
            ("resources", self.resources == other.resources),
            ("priority", self.priority == other.priority),
            ("command", self.command == other.command),
            ("env", self.env == other.env),
            ("workingDir", self.working_dir == other.working_dir),
            ("timeout", self.timeout == other.timeout),
            ("grace", self.grace == other.grace),
            ("retries", self.retries == other.retries),
            ("logLimit", self.log_limit_bytes == other.log_limit_bytes),
            ("logPressure", self.log_pressure == other.log_pressure),
        ];
        same.into_iter()
            .find(|(_, same)| !same)
            .map(|(field, _)| field)
    }
}

/// What a book answers when a known key comes with another job.
#[must_use]
pub fn key_conflict(key: &str, known: JobId, field: &str) -> StoreError {
    StoreError::Conflict(format!(
        "key {key:?} already names {known}, whose {field} differs; \
         use another key for another job"
    ))
}

/// What became of one submitted job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Submitted {
    /// Its id.
    pub job: JobId,
    /// Whether its key was known already.
    pub existed: bool,
    /// Whether it has ended already.
    pub ended: bool,
}

/// A job whose end is still to be told where it came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenJob {
    /// The job as it waits, waited, or would wait.
    pub job: QueuedJob,
    /// Its key, which says where that is.
    pub key: String,
    /// How it stands.
    pub status: JobStatus,
    /// How it ended; absent while an attempt is being settled.
    pub end: Option<JobEnd>,
}

/// What the queue's index needs of a waiting job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueuedJob {
    /// Which job; ids grow in order of acceptance.
    pub job: JobId,
    /// Labels an agent must have, by name or by pattern.
    pub runs_on: Selectors,
    /// Labels an agent must not have, by name or by pattern.
    pub exclude: Selectors,
    /// As written.
    pub resources: Layer,
    /// Higher goes first.
    pub priority: i32,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// Attempts that were claimed before.
    pub attempts: u32,
    /// Deliveries in a row that nobody claimed.
    pub deliveries: u32,
    /// Further attempts it asks for.
    pub retries_left: u32,
    /// The job's own timeout.
    pub timeout: Option<Duration>,
}

/// Everything known of one job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobRecord {
    /// Which job.
    pub job: JobId,
    /// As it was accepted.
    pub spec: NewJob,
    /// How it stands.
    pub status: JobStatus,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub end: Option<JobEnd>,
    /// Attempts that were claimed (the running one included).
    pub attempts: u32,
    /// Deliveries in a row that nobody claimed.
    pub deliveries: u32,
    /// Its latest attempt, claimed or not.
    pub latest: Option<AttemptView>,
}

impl JobRecord {
    /// What an agent is told to run.
    #[must_use]
    pub fn work(self) -> JobWork {
        let spec = self.spec;
        JobWork {
            job: self.job,
            name: spec.name,
            command: spec.command,
            env: spec.env,
            working_dir: spec.working_dir,
            timeout: spec.timeout,
            grace: spec.grace,
            log_limit_bytes: spec.log_limit_bytes,
            log_pressure: spec.log_pressure,
        }
    }
}

/// The latest attempt of a job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttemptView {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Who was given it.
    pub agent: AgentId,
    /// When it was offered.
    pub assigned_at: Timestamp,
    /// When it was claimed.
    pub claimed_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended, when an agent told.
    pub outcome: Option<Outcome>,
}

impl From<&AttemptRecord> for AttemptView {
    fn from(record: &AttemptRecord) -> Self {
        Self {
            attempt: record.attempt,
            agent: record.agent,
            assigned_at: record.assigned_at,
            claimed_at: record.claimed_at,
            ended_at: record.ended_at,
            outcome: record.outcome.clone(),
        }
    }
}

/// How a job stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum JobStatus {
    /// It waits.
    Queued,
    /// It was offered to an agent.
    Assigned,
    /// It runs.
    Running,
    /// It ended: returned 0.
    Succeeded,
    /// It ended: anything else.
    Failed,
    /// It ended: somebody cancelled it.
    Cancelled,
    /// It ended: it waited too long.
    Expired,
}

impl JobStatus {
    /// All, in order of life.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Assigned,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
    ];

    /// The word used everywhere.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Assigned => "assigned",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// The status with this word.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }

    /// How a job stands that ended like this.
    #[must_use]
    pub const fn of_end(end: &JobEnd) -> Self {
        match end {
            JobEnd::Succeeded => Self::Succeeded,
            JobEnd::Failed { .. } => Self::Failed,
            JobEnd::Cancelled { .. } => Self::Cancelled,
            JobEnd::Expired => Self::Expired,
        }
    }

    /// How a job stands whose unsettled attempt this is. One that is being settled shows
    /// its end already; one that goes back shows what it was until it is back.
    #[must_use]
    pub const fn of_attempt(attempt: &AttemptRecord) -> Self {
        match &attempt.phase {
            AttemptPhase::Settling(Settlement::Complete(end)) => Self::of_end(end),
            AttemptPhase::Settling(Settlement::Return | Settlement::Retry) => {
                if attempt.claimed_at.is_some() {
                    Self::Running
                } else {
                    Self::Assigned
                }
            }
            AttemptPhase::Assigned => Self::Assigned,
            AttemptPhase::Running | AttemptPhase::Lost => Self::Running,
        }
    }

    /// Whether nothing more will happen to the job.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::Cancelled | Self::Expired
        )
    }
}

/// Which jobs to list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct JobFilter {
    /// Only these; empty is all.
    pub statuses: Vec<JobStatus>,
    /// Only ids below this, for paging.
    pub before: Option<JobId>,
    /// At most this many.
    pub limit: usize,
}

/// Why a job ended, as one reason.
#[must_use]
pub const fn end_reason(end: &JobEnd) -> Reason {
    match end {
        JobEnd::Succeeded => Reason::Done,
        JobEnd::Failed { reason, .. } => *reason,
        JobEnd::Cancelled { .. } => Reason::CancelRequested,
        JobEnd::Expired => Reason::Expired,
    }
}
