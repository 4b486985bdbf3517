//! What another configuration would change, without changing it: the same observe and
//! the same plan on a copy of the world.

use headcount_model::{Fleet, PoolName, PoolSpec, ScalerSpec, Timestamp};
use headcount_planner::{News, World, observe, plan};

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

/// How two configurations differ.
pub(crate) fn compare(old: &Fleet, new: &Fleet) -> Vec<PoolChange> {
    let mut changes = Vec::new();
    let mut fleet = Vec::new();
    note(
        &mut fleet,
        "globalMaxAgents",
        &old.max_agents,
        &new.max_agents,
    );
    note_debug(
        &mut fleet,
        "globalResourceCap",
        &old.resource_cap,
        &new.resource_cap,
    );
    if !fleet.is_empty() {
        changes.push(PoolChange::Fleet(fleet));
    }
    for (scaler, pool) in pools(old) {
        match pools(new).find(|(_, other)| other.name == pool.name) {
            None => changes.push(PoolChange::Removed(pool.name.clone())),
            Some((new_scaler, new_pool)) => {
                let words = differences(scaler, pool, new_scaler, new_pool);
                if !words.is_empty() {
                    changes.push(PoolChange::Changed(pool.name.clone(), words));
                }
            }
        }
    }
    let added = pools(new).filter(|(_, pool)| !pools(old).any(|(_, old)| old.name == pool.name));
    changes.extend(added.map(|(_, pool)| PoolChange::Added(pool.name.clone())));
    changes.sort();
    changes
}

fn pools(fleet: &Fleet) -> impl Iterator<Item = (&ScalerSpec, &PoolSpec)> {
    fleet
        .scalers
        .iter()
        .flat_map(|scaler| scaler.pools.iter().map(move |pool| (scaler, pool)))
}

fn differences(
    old_scaler: &ScalerSpec,
    old: &PoolSpec,
    new_scaler: &ScalerSpec,
    new: &PoolSpec,
) -> Vec<String> {
    let mut words = Vec::new();
    note(
        &mut words,
        "maxAgents",
        &old_scaler.max_agents,
        &new_scaler.max_agents,
    );
    note(
        &mut words,
        "priority",
        &old_scaler.priority,
        &new_scaler.priority,
    );
    note(
        &mut words,
        "mandatoryLabels",
        &old_scaler.mandatory,
        &new_scaler.mandatory,
    );
    note_debug(
        &mut words,
        "resourceCap",
        &old_scaler.resource_cap,
        &new_scaler.resource_cap,
    );
    note(&mut words, "idleCount", &old.idle.keep, &new.idle.keep);
    note_debug(
        &mut words,
        "idleTime",
        &old.idle.idle_time,
        &new.idle.idle_time,
    );
    note_debug(
        &mut words,
        "maxIdleAge",
        &old.idle.max_idle_age,
        &new.idle.max_idle_age,
    );
    note_debug(&mut words, "maxJobs", &old.max_jobs, &new.max_jobs);
    note_debug(&mut words, "resources", &old.layers, &new.layers);
    note_debug(&mut words, "timeouts", &old.timeouts, &new.timeouts);
    note_debug(&mut words, "retry", &old.retry, &new.retry);
    if old.fingerprint() != new.fingerprint() {
        words.push("what its agents are made from: idle agents are replaced".into());
    }
    words
}

fn note<T: PartialEq + std::fmt::Display>(words: &mut Vec<String>, key: &str, old: &T, new: &T) {
    if old != new {
        words.push(format!("{key}: {old} -> {new}"));
    }
}

fn note_debug<T: PartialEq + std::fmt::Debug>(
    words: &mut Vec<String>,
    key: &str,
    old: &T,
    new: &T,
) {
    if old != new {
        words.push(format!("{key}: {old:?} -> {new:?}"));
    }
}
