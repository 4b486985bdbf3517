//! Policies: how many agents a pool should have beyond what its jobs need. A closed
//! list, one file each, pure functions.

pub(crate) mod idle;
pub(crate) mod queue;
