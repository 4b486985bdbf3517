//! What the time of agents went into: written with the round in which a piece of it ends,
//! added up when asked, removed when it is old.
//!
//! Promise: rows are absolute: a piece that is written again counts once, as it is now.
//! Totals are those of all pieces there ever were, removed ones included.

mod book;
mod prune;
mod write;

pub(crate) use prune::remove;
pub(crate) use write::write;

/// From when on nothing is missing, in `meta`, once something was removed.
const KEPT_FROM: &str = "machine_time_from";
