//! Demand: jobs that want the same thing, counted together.

use crate::{Layer, Selectors, SourceId, Timestamp};

/// What jobs of one class have in common. The source hands out the oldest of a class.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClassKey {
    /// Where the jobs wait.
    pub source: SourceId,
    /// Labels an agent must have, by name or by pattern.
    pub runs_on: Selectors,
    /// Labels an agent must not have, by name or by pattern.
    pub exclude: Selectors,
    /// What the jobs themselves ask for, as written.
    pub resources: Layer,
    /// Higher goes first; 0 is usual.
    pub priority: i32,
}

/// How a class stands at its source: absolute numbers, never differences.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClassCount {
    /// Jobs that wait and are not taken.
    pub waiting: u64,
    /// When the oldest of them was accepted.
    pub oldest: Option<Timestamp>,
    /// When the first of them expires, if it ever does.
    pub next_expiry: Option<Timestamp>,
}
