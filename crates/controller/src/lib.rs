//! The loop: news in, one plan, one transaction, actions out.
//!
//! Promise: nothing is done and nothing is acknowledged before the round that decided it
//! is durable; every effect has a deadline and its answer, refusal included, comes back
//! as news. Leaves every decision to `planner`, every byte on disk to the ledger.
//!
//! [`Core`] is the logic without IO, which simulation drives with a virtual clock;
//! [`Controller`] is the same logic with real channels, effects and time.

mod answers;
mod backlog;
mod bookings;
mod clock;
mod compare;
mod core;
mod events;
mod executor;
mod explanation;
mod handle;
mod inbox;
mod launches;
mod mint;
mod preview;
mod run;
#[cfg(test)]
#[path = "../tests/common/fleet.rs"]
mod sample;
mod schedules;
mod shared;
mod troubles;
mod view;

pub use bookings::bookings;
pub use clock::Clock;
pub use core::{Core, Order, Round};
pub use events::Event;
pub use executor::MAX_PER_BACKEND;
pub use explanation::{ExplainedPool, ExplainedVerdict, ExplanationView};
pub use handle::{Admission, Handle, Stopped};
pub use headcount_planner::{Effect, Impossible, Link, Other, PoolCounts, Removal, Stranger, Wake};
pub use inbox::Inbox;
pub use launches::{Launch, LaunchFailed, Launches};
pub use mint::{Mint, RandomMint, digest};
pub use preview::{PoolChange, Preview};
pub use run::{Controller, Wiring};
pub use schedules::{ScheduleError, timetable};
pub use view::{
    AgentView, BackendView, ClassView, OtherView, OthersView, PoolView, ShareView, SignalView,
    SourceView, TakenJobView, View,
};
