//! A source is where jobs come from. It hands out the oldest job of a class, by permit.

use async_trait::async_trait;
use headcount_model::{ClassKey, Demand, JobEnd, JobId, JobWork, SourceId, Taken, Timestamp};

/// Where jobs come from.
///
/// Called by the controller's executor only, which sets the deadlines: every method may
/// be dropped at any await point. Whatever changes the numbers is also posted as a
/// [`SourceEvent::Demand`](headcount_model::SourceEvent::Demand), with a sample number that only grows.
#[async_trait]
pub trait Source: Send + Sync {
    /// Which source this is.
    fn id(&self) -> SourceId;

    /// Whether jobs of it that no pool could ever serve stay where they are, instead of
    /// being failed: those of somebody else's queue, which may have other consumers. Never
    /// asked to [`fail_class`](Source::fail_class) then.
    fn keeps_hopeless(&self) -> bool {
        false
    }

    /// All classes as they stand now. Reading only.
    ///
    /// # Errors
    /// An error says nothing about demand; it is never zero.
    async fn refresh(&self) -> Result<Demand, SourceError>;

    /// Takes up to `n` of the oldest jobs of a class for us. A taken job no longer counts
    /// as waiting; nothing durable is needed, because a job taken but not yet assigned
    /// counts as waiting again after a crash. Not idempotent; an answer that is lost is
    /// followed by a `refresh` after restart only.
    ///
    /// # Errors
    /// Nothing was taken.
    async fn take(&self, class: &ClassKey, n: u32) -> Result<Taken, SourceError>;

    /// What to run. Reading only.
    ///
    /// # Errors
    /// [`SourceError::Gone`] when the job is no longer known.
    async fn work(&self, job: JobId) -> Result<JobWork, SourceError>;

    /// Puts a taken job back to its place, with the number of attempts that were claimed
    /// and of deliveries in a row that nobody claimed: absolute numbers, so idempotent.
    ///
    /// # Errors
    /// The job is still ours to give back.
    async fn give_back(
        &self,
        job: JobId,
        attempts: u32,
        deliveries: u32,
    ) -> Result<(), SourceError>;

    /// Records how a taken job ended, durably, once. Idempotent on the same end.
    ///
    /// # Errors
    /// The job is still ours to complete.
    async fn complete(&self, job: JobId, end: &JobEnd, at: Timestamp) -> Result<(), SourceError>;

    /// Ends waiting jobs of a class whose time is up at `now`. Idempotent.
    ///
    /// # Errors
    /// Some may still wait.
    async fn expire(&self, class: &ClassKey, now: Timestamp) -> Result<(), SourceError>;

    /// Fails every waiting job of a class, because it can never be served. Idempotent.
    ///
    /// # Errors
    /// Some may still wait.
    async fn fail_class(
        &self,
        class: &ClassKey,
        end: &JobEnd,
        now: Timestamp,
    ) -> Result<(), SourceError>;
}

/// What went wrong, by what the caller should do.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SourceError {
    /// Try again later.
    #[error("{0}")]
    Transient(String),
    /// The job is no longer there: drop it.
    #[error("job is gone: {0}")]
    Gone(String),
    /// The outcome is unknown: ask again before acting.
    #[error("outcome unknown: {0}")]
    Unknown(String),
}
