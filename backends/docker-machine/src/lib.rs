//! Agents on machines that `docker-machine` makes (`type: docker-machine`).
//!
//! Promise: [`DockerMachineBackend`] makes one machine an agent, whose name carries owner
//! and agent, whose record in the store carries owner, pool and agent from the call that
//! makes it, and on whose engine the agent runs as a container. A machine is gone when
//! `docker-machine rm` has said so, and not when its record is missing, or does not say which
//! machine it was; `rm -f`, which forgets machines that still cost money, is never used. A creation is not cut short by
//! the end of the daemon. Machines that are not ours are never touched.
//!
//! Leaves to others: when to make and end agents (`controller`), what an agent does
//! (`agent`), reading the configuration (`config`), engines (`headcount-engines`), and to
//! the tool and its drivers everything about clouds. Why it is so:
//! `docs/decisions/0018-docker-machine.md`.

mod agent;
mod backend;
mod command_line;
mod deeds;
mod environment;
mod fault;
mod gate;
mod marks;
mod options;
mod progress;
mod store;
mod tool;

pub use backend::DockerMachineBackend;
pub use options::{DockerMachineOptions, Pace, find_program};
