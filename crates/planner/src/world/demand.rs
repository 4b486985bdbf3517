//! Demand as we believe it to be: classes, and jobs being taken.

use alloc::sync::Arc;
use alloc::vec::Vec;

use headcount_model::{AgentId, ClassCount, ClassKey, Reason, Timestamp};

use crate::wants::Patterns;
use crate::{Effect, PoolId};

/// A class, interned for one run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClassId(pub u32);

/// Jobs that want the same thing.
#[derive(Clone, Debug)]
pub struct Class {
    /// Interned.
    pub id: ClassId,
    /// What they want.
    pub key: Arc<ClassKey>,
    /// How many wait, as their source last said.
    pub count: ClassCount,
    /// The sample this is from.
    pub(crate) sample: u64,
    /// The patterns among what they want, made ready once.
    pub(crate) patterns: Arc<Patterns>,
    /// Pools that can serve them, best first. Follows from key and configuration.
    pub(crate) candidates: Vec<PoolId>,
    /// Whether waiting jobs are being ended.
    pub(crate) ending: Effect,
    /// Agents on their way that the last plan meant for these jobs.
    pub(crate) counts_on: Vec<(AgentId, u32)>,
    /// What stood in the way when a plan last took effect, and since when.
    pub(crate) standing: Vec<Standing>,
}

/// What stands in the way of a class, and since when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// In which pool; none when no pool matches.
    pub pool: Option<PoolId>,
    /// What.
    pub reason: Reason,
    /// Since when.
    pub since: Timestamp,
}

/// A permit given to a source, not answered yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Take {
    /// Which class.
    pub class: ClassId,
    /// Whose slots.
    pub agents: Vec<AgentId>,
}
