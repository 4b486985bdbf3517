//! Agents as processes of this host (`type: bare-metal`).
//!
//! Promise: [`ProcessBackend`] makes one process an agent and never loses sight of it, at
//! whatever instant the daemon dies; it ends everything an agent leaves behind that has not
//! both scrubbed its environment and left its session (nor its cgroup, where limits are
//! enforced), and touches no process and no directory of anybody else.
//!
//! Leaves to others: when to make and end agents (`controller`), what an agent does
//! (`agent`), reading the configuration (`config`). Linux only, from version 5.3 on.
//!
//! # How a process is never lost
//!
//! ```text
//! daemon                                    child
//! make agents/<id>/, write `instance`
//! lock `instance`, fork ------------------> its own session
//!                                           append "process <pid> <start> <boot>"
//!                                           enter its cgroups
//!                                           exec (releases the lock, carries the marks)
//! ```
//!
//! The record is written by the child itself, so there is no instant at which a program
//! runs unrecorded; while the lock is held a child may still come. Nothing is synced to
//! disk: a process does not outlive the page cache, and a record of an earlier boot is a
//! record of nothing. Should a directory be lost, the marks in `/proc/<pid>/environ` still
//! tell. A bare pid is never acted upon: its start time is compared behind a pidfd.

mod backend;
mod census;
mod cgroup;
mod environment;
mod inherited;
mod make;
mod marks;
mod options;
mod output;
mod procfs;
mod program;
pub mod pump;
mod record;
mod remove;
mod requirements;
mod sweep;
mod table;

pub use backend::ProcessBackend;
pub use cgroup::{CgroupMode, CgroupSupport, Manager, scope_prefix};
pub use environment::{call_back_url, forwarded};
pub use options::{DEFAULT_OUTPUT_LIMIT, ProcessOptions, StartError};
pub use requirements::check_requirements;
