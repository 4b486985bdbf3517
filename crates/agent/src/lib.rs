//! The program that runs jobs on behalf of the daemon: `headcount agent`.
//!
//! Promise: a job is started only after the daemon granted its claim, and once; whatever
//! it was, its output and its result are kept until the daemon has stored them (within
//! [`Timing`]'s bounds); when it has ended, no process of it is left. No credential
//! reaches a job, an argument or a log line.
//!
//! Leaves to others: which job comes here and when the agent leaves (the daemon), being
//! found and ended from outside when it is killed (the backend, with the files named in
//! [`headcount_api::agent::files`]), cutting its log to size (the backend; it writes a
//! few lines per job to standard error through `tracing`).
//!
//! ```text
//! agent     the loop: hears the line, the jobs and the signals; sends what is due
//!   desk      which attempts it holds, and what is to be said about each
//!     lifecycle   one attempt: claiming, running, ended
//!     outbox      one attempt's output, until it is stored
//!   line      the connection: dial, greet, pump frames, come back
//!     session     its states
//!     dial        opens a stream
//!     trust       whether it is the daemon that answers
//!   run       one granted job, from its directory to its outcome
//!     ending      how it comes to its end: exit, time, cancel
//!     capture     its pipes
//!   warden    the one thread that starts, signals and reaps processes
//! ```

mod agent;
mod backoff;
mod capture;
mod command;
mod desk;
mod dial;
mod ending;
mod exit;
mod identity;
mod lifecycle;
mod line;
mod outbox;
mod place;
mod proc;
mod run;
mod session;
mod settings;
mod trust;
mod warden;

pub use agent::run;
pub use exit::Exit;
pub use settings::{Address, AgentSettings, Remote, SettingsError, Timing};
pub use trust::Trust;
