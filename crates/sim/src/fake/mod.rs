//! The world outside, as it really is: what the daemon only hears of.
//!
//! Promise: each fake keeps its port's contract and no more; it holds the truth by which
//! the promises are judged. Leaves to others: when and whether its answers arrive.

mod backend;
mod entries;
mod jobs;
mod ledger;
mod pools;
mod program;
mod provisioner;

pub(crate) use backend::{Backend, Made, Mark};
pub(crate) use entries::{Entries, claim_after};
pub(crate) use jobs::{Execution, Job, Jobs};
pub(crate) use ledger::Ledger;
pub(crate) use pools::Pools;
pub(crate) use program::{Doing, Program, Said, Stage as RunStage};
pub(crate) use provisioner::Sky;
