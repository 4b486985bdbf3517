//! Agents on machines that a program of the user makes (`type: program`).
//!
//! Promise: [`ProgramBackend`] asks a provisioner for one machine an agent, and has owner,
//! pool and agent written on it by the call that makes it. Every call is one process with a
//! deadline, a group of its own that does not outlive it, and bounded output. An answer that
//! is not clear is never read as absence, and what a program does not show for a while is
//! not forgotten.
//!
//! Leaves to others: when to make and end agents (`controller`), what an agent does
//! (`agent`), reading the configuration (`config`), and to the program everything about the
//! cloud, host or hypervisor it speaks to. The contract is `docs/provisioners.md`.

mod backend;
mod environment;
mod fault;
mod garm;
mod kit;
mod marks;
mod native;
mod options;
mod provisioner;
mod start_up;
mod underway;

pub use backend::ProgramBackend;
pub use kit::{Case, KitOptions, Report, Verdict, run_kit};
pub use options::{Pace, ProgramOptions};
