//! A backend: instances by owner and agent.
//!
//! Promise: create is idempotent on the agent, list is complete as of one moment and
//! shows our own only, destroy of what is not there succeeds.

use std::collections::BTreeMap;

use headcount_model::{
    AgentId, Exit, Granted, Instance, InstanceState, Labels, Listing, Name, OwnerId, PoolName,
};

/// Who made an instance, and for whom. Two daemons that start in the same second give
/// equal agent ids, so only both together name an instance.
pub(crate) type Mark = (OwnerId, AgentId);

/// All instances of one place, whoever made them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backend {
    instances: BTreeMap<Mark, Made>,
}

/// One instance as it really is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Made {
    pub(crate) pool: PoolName,
    pub(crate) scaler: Name,
    pub(crate) labels: Labels,
    pub(crate) granted: Granted,
    pub(crate) slots: u32,
    pub(crate) state: InstanceState,
    /// What a provisioner calls it, one name for each machine it really made; elsewhere
    /// empty.
    pub(crate) ids: Vec<String>,
    /// Nobody's record led to it: it was planted.
    pub(crate) stray: bool,
    /// How often somebody tried to end it.
    pub(crate) touched: u32,
}

impl Backend {
    /// Makes it, unless it exists. Says whether it is new.
    pub(crate) fn create(&mut self, mark: Mark, made: Made) -> bool {
        let new = !self.instances.contains_key(&mark);
        self.instances.entry(mark).or_insert(made);
        new
    }

    /// Removes it with everything it left.
    pub(crate) fn destroy(&mut self, mark: &Mark) -> Option<Made> {
        self.instances.remove(mark)
    }

    /// It executes from now on. Says whether it exists.
    pub(crate) fn runs(&mut self, mark: &Mark) -> bool {
        let starting = self.instances.get_mut(mark);
        let starting = starting.filter(|made| made.state == InstanceState::Starting);
        starting
            .map(|made| made.state = InstanceState::Running)
            .is_some()
    }

    /// It ended by itself, and leaves something behind or nothing.
    pub(crate) fn ended(&mut self, mark: &Mark, exit: Exit, residue: bool) {
        if !residue {
            self.instances.remove(mark);
        } else if let Some(made) = self.instances.get_mut(mark) {
            made.state = InstanceState::Ended(exit);
        }
    }

    /// What a list shows.
    pub(crate) fn list(&self, owner: &OwnerId) -> Listing {
        let ours = self.of(owner).map(|(agent, made)| Instance {
            agent,
            pool: made.pool.clone(),
            state: made.state,
        });
        Listing {
            instances: ours.collect(),
        }
    }

    /// All instances with this owner's mark.
    pub(crate) fn of(&self, owner: &OwnerId) -> impl Iterator<Item = (AgentId, &Made)> {
        let all = self.instances.iter();
        let owner = owner.clone();
        let theirs = all.filter(move |((by, _), _)| *by == owner);
        theirs.map(|((_, agent), made)| (*agent, made))
    }

    /// All instances without this owner's mark.
    pub(crate) fn not_of(&self, owner: &OwnerId) -> impl Iterator<Item = (&Mark, &Made)> {
        let owner = owner.clone();
        self.instances
            .iter()
            .filter(move |((by, _), _)| *by != owner)
    }

    pub(crate) fn get(&self, mark: &Mark) -> Option<&Made> {
        self.instances.get(mark)
    }

    pub(crate) fn get_mut(&mut self, mark: &Mark) -> Option<&mut Made> {
        self.instances.get_mut(mark)
    }
}
