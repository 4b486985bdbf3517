//! What the API needs of the rest of the daemon, beyond the controller's handle and the
//! books. The binary implements these over the queue source, the store and the
//! configuration, so that this crate knows none of them.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use headcount_api::{PlanRequest, ProblemItem};
use headcount_controller::PoolChange;
use headcount_model::{Fleet, JobId, SourceId};
use headcount_ports::{DecisionRow, NewJob, StoreError, Submitted};

/// The built-in queue.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Which source the queue is.
    fn source(&self) -> SourceId;

    /// What a submission is given that does not say.
    fn defaults(&self) -> JobDefaults;

    /// Accepts jobs, all or none, durably. Idempotent for jobs with a key.
    ///
    /// # Errors
    /// None is accepted; which error says what to do.
    async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, SubmitRefused>;

    /// Cancels a job: a waiting one ends at once, an agent is told to end a running one.
    /// Idempotent; one that has ended stays as it is.
    ///
    /// # Errors
    /// The job is as it was.
    async fn cancel(&self, job: JobId) -> Result<Cancelled, CancelRefused>;

    /// How many jobs of its class are served before a waiting job; `None` when it does
    /// not wait. Answers at once.
    fn ahead_of(&self, job: JobId) -> Option<u64>;

    /// Begins to watch a job. What happens between this call and the first wait counts.
    ///
    /// # Errors
    /// Too many are watched.
    fn watch(&self, job: JobId) -> Result<Box<dyn JobWatch>, StoreError>;
}

/// Tells when to look at a job again.
#[async_trait]
pub trait JobWatch: Send {
    /// Waits until the job has new output, a new attempt or an end. Safe to drop and to
    /// call again; costs nothing while it waits.
    ///
    /// # Errors
    /// Nothing more will come: the daemon ends.
    async fn changed(&mut self) -> Result<(), StoreError>;
}

/// What a submission is given that does not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JobDefaults {
    /// Between TERM and KILL.
    pub grace: Duration,
    /// Stored output stops here, in bytes.
    pub log_limit_bytes: u64,
}

/// Why jobs are not accepted, by what the client should do.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SubmitRefused {
    /// Fix the request.
    #[error("job {index}: {field}: {message}")]
    Invalid {
        /// Which job of the batch, from 0.
        index: usize,
        /// What of it, as its name in JSON.
        field: String,
        /// What is wrong with it.
        message: String,
    },
    /// Use another key.
    #[error("{0}")]
    KeyConflict(String),
    /// Try again when jobs have left the queue.
    #[error("{0}")]
    QueueFull(String),
    /// Try again when there is room or the ledger is mended.
    #[error("{0}")]
    Unavailable(String),
}

/// What became of a wish to cancel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cancelled {
    /// It had ended, or has now.
    Ended,
    /// Whoever has it is being told.
    Requested,
}

/// Why a job is not cancelled.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CancelRefused {
    /// No job has this id.
    #[error("{0} is not known")]
    NotFound(JobId),
    /// Try again.
    #[error("{0}")]
    Unavailable(String),
}

/// The daemon's configuration and what it keeps of the past.
#[async_trait]
pub trait Daemon: Send + Sync {
    /// Reads the configuration files again and puts them into effect, whole or not at
    /// all. Two calls at once take turns.
    ///
    /// # Errors
    /// Nothing has changed.
    async fn reload(&self) -> Result<Reloaded, ReloadRefused>;

    /// The fleet that texts describe. Changes nothing; may take a while, so it is called
    /// where that does no harm.
    ///
    /// # Errors
    /// With every problem of the texts.
    fn candidate(&self, texts: &PlanRequest) -> Result<Candidate, Vec<ProblemItem>>;

    /// The last decisions, newest first, at most `limit`.
    ///
    /// # Errors
    /// The ledger cannot be read.
    async fn decisions(&self, limit: usize) -> Result<Vec<DecisionRow>, StoreError>;

    /// What each stream that is read for agents has done since the start, and holds.
    fn stream_numbers(&self) -> BTreeMap<SourceId, StreamNumbers>;

    /// How many registrations and reconnects of agents were refused so far, by code.
    fn refused_registrations(&self) -> BTreeMap<&'static str, u64>;
}

/// What a source has done with the entries of its stream, and what it has in hand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StreamNumbers {
    /// Entries that became jobs.
    pub taken: u64,
    /// Entries that were taken over from silent consumers.
    pub claimed: u64,
    /// Entries that were acknowledged.
    pub acknowledged: u64,
    /// Entries that became dead letters.
    pub buried: u64,
    /// Entries that are pending for this daemon.
    pub held: u64,
    /// Ends that the server has not heard of yet.
    pub untold: u64,
}

/// A fleet that texts describe.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// What they say.
    pub fleet: Fleet,
    /// What has no effect in them.
    pub warnings: Vec<ProblemItem>,
}

/// What a reload did.
#[derive(Clone, Debug, Default)]
pub struct Reloaded {
    /// What changed.
    pub changes: Vec<PoolChange>,
    /// What has no effect in the configuration.
    pub warnings: Vec<ProblemItem>,
}

/// Why a reload changed nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReloadRefused {
    /// The configuration is wrong.
    #[error("the configuration has {} problems", .0.len())]
    Invalid(Vec<ProblemItem>),
    /// The daemon is stopping.
    #[error("the daemon is stopping")]
    Stopping,
}

/// Reads small texts with the grammar that the configuration has too.
pub trait Grammar: Send + Sync {
    /// Thousandths of a CPU of a text such as `0.5`.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    fn cpus(&self, text: &str) -> Result<u64, GrammarError>;

    /// Bytes of a text such as `512m`.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    fn memory(&self, text: &str) -> Result<u64, GrammarError>;

    /// The span of a text such as `10m`.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    fn duration(&self, text: &str) -> Result<Duration, GrammarError>;

    /// Whether a text can be a label.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    fn label(&self, text: &str) -> Result<(), GrammarError>;

    /// The text of a number of bytes, which [`Grammar::memory`] reads back.
    fn show_memory(&self, bytes: u64) -> String;

    /// The text of thousandths of a CPU, which [`Grammar::cpus`] reads back.
    fn show_cpus(&self, millis: u64) -> String;
}

/// A text that its grammar refuses.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}; {hint}")]
pub struct GrammarError {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}
