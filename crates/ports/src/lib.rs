//! The traits behind which the world lies, with errors grouped by what the caller
//! should do and the conformance suites every implementation passes.
//!
//! Promise: whoever implements a trait here can be swapped without the core noticing.
//! Leaves to others: every decision (`planner`), every retry and deadline
//! (`controller`); an implementation does one thing once and tells how it went.

pub mod agent_env;
mod backend;
mod cancel;
pub mod census;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod inbox;
mod job_book;
mod ledger;
mod link;
mod log_book;
mod machine_pools;
mod signals;
mod source;
pub mod source_calls;
pub mod texts;
mod time_book;
pub mod turns;

pub use backend::{
    Backend, BackendError, BackendPromises, CreateRequest, DestroyRequest, ReapOtherRequest,
};
pub use cancel::{CancelError, Cancelled};
pub use inbox::{BackendInbox, LinkInbox, SourceInbox};
pub use job_book::{
    AttemptView, BUILT_IN, JobBook, JobFilter, JobRecord, JobStatus, MAX_LISTED, NewJob, OpenJob,
    QueuedJob, Submitted, end_reason, key_conflict,
};
pub use ledger::{DecisionRow, Ledger, Recovered, StoreError};
pub use link::{AgentLink, AssignRequest, LinkError};
pub use log_book::{LogBook, LogChunk, LogPage, Stream};
pub use machine_pools::{Booking, MachinePoolError, MachinePools, NoMachinePools};
pub use signals::{NoSignals, SignalInbox, Signals, TriggersOf};
pub use source::{Source, SourceError};
pub use time_book::{SpentTime, TimeBook, TimeSum, TimeSums, add_time};
