//! The waiting and the taken jobs, in memory.
//!
//! ```text
//!             submit
//!               v
//!   +------> waiting --cancel, expire, fail--> ending ---+
//!   |           | take                           | failed|
//!   |           v                                v       v
//!   |         taken ----------complete-------> waiting  gone
//!   |           | give back
//!   |           v
//!   +------- returning
//! ```
//!
//! Promise: each job known is in exactly one place; only those in `waiting` are counted
//! and handed out. Leaves to others: everything durable. Nothing here waits or does IO.

mod class;
mod entry;
mod table;

pub(crate) use entry::{Entry, Place};
pub use table::Position;
pub(crate) use table::{Given, Index};
