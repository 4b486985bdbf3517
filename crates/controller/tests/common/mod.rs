//! A running controller among fakes that keep real semantics, under a paused clock: the
//! runtime moves time on only when nothing else can happen.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "shared by several test crates, each of which uses a part"
)]

mod backend;
pub mod fleet;
mod house;
mod ledger;
mod link;
mod pools;
mod signals;
mod source;

pub use backend::TestBackend;
pub use fleet::{class, fleet, pool, scaler};
pub use house::{House, agent};
pub use ledger::TestLedger;
pub use link::TestLink;
pub use pools::TestPools;
pub use signals::TestSignals;
pub use source::TestSource;
