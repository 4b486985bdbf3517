//! What another configuration would change, without changing it: the same observe and
//! the same plan on a copy of the world.

use headcount_model::{Fleet, PoolName, Timestamp};
use headcount_planner::{News, World, observe, plan};

use crate::compare::compare;
use crate::schedules::Schedules;

/// The difference another configuration would make.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Preview {
    /// Pools that differ, in order of name.
    pub pools: Vec<PoolChange>,
    /// What would be done at once, one line each.
    pub actions: Vec<String>,
}

/// How one pool, or the whole fleet, differs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PoolChange {
    /// It is new.
    Added(PoolName),
    /// It goes: its agents finish what they run and leave.
    Removed(PoolName),
    /// It changes, and how; agents are replaced only where that is said.
    Changed(PoolName, Vec<String>),
    /// A cap over all scalers changes.
    Fleet(Vec<String>),
}

impl Preview {
    pub(crate) fn of(world: &World, fleet: Fleet, now: Timestamp) -> Self {
        let pools = compare(world.fleet(), &fleet);
        let mut copy = world.clone();
        observe(&mut copy, News::Configured(Box::new(fleet)), now);
        Schedules::default().renew(&mut copy, now);
        // What would be done anyway is not a difference.
        let before = plan(world, now).actions;
        let after = plan(&copy, now).actions;
        let new = after.iter().filter(|action| !before.contains(action));
        Self {
            pools,
            actions: new.map(ToString::to_string).collect(),
        }
    }
}
