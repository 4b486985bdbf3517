//! Docker and Podman engines, as every backend whose agents are containers meets them.
//!
//! Promise: an engine that is away is an error of each call, and a refusal it stated is told
//! apart from a silence; every call has a deadline. An image is fetched once at a time, with
//! whatever this host's user is logged in with. What is not granted to a container is not
//! there. No secret stands in anything that `inspect` shows.
//!
//! Leaves to others: which containers there are, and whose (the backends).

mod archive;
mod bounds;
mod credentials;
mod engine;
mod images;
mod registry;
mod words;

pub use archive::{HOME, PROGRAM, TOKEN, WORK, pack, pack_program};
pub use bounds::{KEPT_CAPABILITIES, MAX_PROCESSES, bounds};
pub use credentials::{Anonymous, Credentials};
pub use engine::{
    ANSWER_WAIT, Certificates, Client, Engine, Fault, NoEngine, Verdict, find_engine, within,
};
pub use images::{Image, Images};
pub use registry::{HostLogin, Login, LoginError};
pub use words::{REMEMBERED_LINES, last_words};
