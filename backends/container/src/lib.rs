//! Agents as containers of a Docker or Podman engine (`type: container`).
//!
//! Promise: [`ContainerBackend`] makes one container an agent, marked with owner, backend,
//! pool and agent in the call that creates it; it touches no container without its own
//! mark; an engine that is away is an error, never an empty list, and what happened
//! meanwhile is found when it is back.
//!
//! Leaves to others: when to make and end agents (`controller`), what an agent does
//! (`agent`), reading the configuration (`config`), the rules of what an address may reach
//! (`headcount-network`).
//!
//! # What a container is given
//!
//! Nothing of the image is needed. The daemon's own binary is mounted read-only at
//! `/headcount/headcount` and runs as `agent`; the directory of the agents' Unix socket is
//! mounted at `/headcount/run`; the one-time token is a file that is mounted or put into
//! the container before it starts, so that no secret stands in its configuration.
//! Every capability is dropped but those in [`KEPT_CAPABILITIES`], privileges cannot be
//! regained, and processes, memory (swap included), CPU time and logs are bounded.

mod backend;
mod body;
mod environment;
mod fence;
mod handover;
mod marks;
mod options;

pub use backend::ContainerBackend;
pub use fence::{check_isolation, sweep_rules};
pub use headcount_engines::{
    Anonymous, Credentials, HostLogin, KEPT_CAPABILITIES, Login, LoginError, MAX_PROCESSES,
    NoEngine, find_engine,
};
pub use headcount_network::Nft;
pub use options::ContainerOptions;
