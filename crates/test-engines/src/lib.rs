//! Real container engines for tests.
//!
//! Promise: [`Engine::start`] brings up a Docker or Podman engine with a socket, data,
//! process ids, mounts and network of its own, and an image with nothing in it but a
//! busybox; when it is dropped, or the test process dies in whatever way, the engine and
//! everything it made are gone. Where that cannot be done [`skip`] says why, aloud.
//!
//! Leaves to others: what is tested.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "only tests use it, and skipping must be seen"
)]

mod engine;
mod host;
mod image;
mod registry;

pub use engine::Engine;
pub use host::{Kind, skip};
pub use registry::Registry;

/// The image that is in every engine: a static busybox with its usual names in `/bin`.
pub const IMAGE: &str = "headcount.test/busybox:1";
