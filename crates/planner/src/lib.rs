//! Everything decidable from data alone: `observe` and `plan`.
//!
//! Promise: [`observe`] is the only door through which a [`World`] changes, and [`plan`]
//! only reads; the same input gives the same bytes. The crate is `no_std + alloc`, so
//! the compiler refuses clocks, IO and ambient randomness.
//! Leaves to others: carrying out (`controller`), keeping (`store`), showing (`server`).
#![no_std]

extern crate alloc;

mod action;
mod check;
mod explain;
mod fit;
mod guard;
pub mod lifecycle;
mod news;
mod observe;
mod plan;
mod policy;
mod report;
mod wants;
mod world;

pub use action::{Action, CreateOrder};
pub use check::{Violation, check_plan, check_world};
pub use explain::{Explanation, PoolVerdict, Verdict, explain};
pub use fit::{Impossible, admission, candidates};
pub use news::{Answered, News, Operator, Restored, WiredSource};
pub use observe::observe;
pub use plan::{Plan, plan};
pub use report::{
    ClassReport, Considered, PoolCounts, PoolReport, QueueReport, Report, Share, Spending, Wake,
    WakeReason,
};
pub use world::{
    Agent, Backend, Backoff, Class, ClassId, Effect, Failures, Job, JobPhase, LaunchFailure, Link,
    MachinePoolFacts, Other, Others, Pool, PoolId, Removal, Signal, SourceFacts, Stranger, Take,
    World,
};

/// Counts of things that configuration bounds far below `u32::MAX`.
pub(crate) fn world_count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
