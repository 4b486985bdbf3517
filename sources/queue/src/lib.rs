//! The built-in queue: jobs that clients submit, handed out oldest first per class.
//!
//! Promise: a job is accepted durably or not at all, and waits, is taken or has ended,
//! never two of these and never none; every change of the numbers is posted, later samples
//! never with older numbers; a call that is dropped half-way is carried out to its end.
//! Leaves to others: keeping jobs (the job book), deciding who runs them (`planner`), and
//! knowing what became of a taken job (`controller`, which tells).

mod cancel;
mod check;
mod give_back;
mod index;
mod options;
mod poster;
mod shared;
mod source;
mod submit;
mod weed;

pub use check::{
    MAX_ARGUMENTS, MAX_BATCH, MAX_GRACE, MAX_JOB_BYTES, MAX_LABEL_BYTES, MAX_LABELS,
    MAX_LOG_LIMIT_BYTES, MAX_NAME_BYTES, MAX_RETRIES, MAX_TIMEOUT,
};
pub use headcount_ports::{CancelError, Cancelled};
pub use index::Position;
pub use options::{
    Clock, DEFAULT_EXPIRY, DEFAULT_GRACE, DEFAULT_LOG_LIMIT_BYTES, DEFAULT_MAX_DEPTH, Options,
    SOURCE,
};
pub use source::QueueSource;
pub use submit::SubmitError;
