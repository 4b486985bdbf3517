//! A stage for the planner: a few lines of fleet and of what happens in, plan and report
//! out as text.
//!
//! Every plan made here is linted, made twice, taken into effect and made once more: the
//! last one must be empty.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "shared by several test crates, each of which uses a part"
)]

mod answers;
mod chance;
mod fleet;
mod machines;
mod names;
mod others;
mod outside;
mod play;
mod queues;
mod render;
mod restart;
mod scenario;
mod told;

pub use chance::{Event, FLEETS, QUEUE, event};
pub use fleet::fleet;
pub use names::{OWNER, agent, class, digest, job, number, source};
pub use others::Leased;
pub use outside::{Outside, Queued, Shared};
pub use render::{considered, lines};
pub use scenario::Scenario;
