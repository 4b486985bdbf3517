//! Cancelling a job of a source: what came of it, and why it did not.

use headcount_model::JobId;

use crate::JobStatus;

/// What became of a wish to cancel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cancelled {
    /// It waited; it has ended as cancelled, durably.
    Ended,
    /// It is with an agent or on its way: whoever has it is being told, and it will not
    /// wait again. A crash of the daemon right now may forget the wish.
    Requested,
}

/// Why a job is not cancelled.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CancelError {
    /// No job has this id.
    #[error("{0} is not known; `headcount jobs` lists those that are")]
    NotFound(JobId),
    /// Too late: it has ended.
    #[error("{job} has ended already ({})", status.code())]
    AlreadyEnded {
        /// Which job.
        job: JobId,
        /// How.
        status: JobStatus,
    },
    /// Not now: try again.
    #[error("{0}")]
    Unavailable(String),
}
