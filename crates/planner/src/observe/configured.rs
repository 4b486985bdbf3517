//! A configuration takes effect, whole. Running agents are not touched: `plan` decides
//! what becomes of those whose pool is gone or changed.

use alloc::sync::Arc;
use alloc::vec::Vec;

use headcount_model::{Answer, Fleet, PoolName, Refusal, Timestamp, Timetable};

use super::moves::forget_empty_pool;
use super::{account, others, signal};
use crate::wants::Wants;
use crate::world::{Backend, Configured, Pool, PoolId};
use crate::{Backoff, World};

pub(super) fn configured(world: &mut World, fleet: Fleet, now: Timestamp) -> Answer {
    if *world.fleet == fleet && !world.pools.is_empty() {
        return Answer::Known;
    }
    for pool in world.pools.values_mut() {
        pool.configured = None;
    }
    for (index, scaler) in fleet.scalers.iter().enumerate() {
        world
            .backends
            .entry(scaler.backend.clone())
            .or_insert_with(|| Backend::new(scaler.backend.clone()));
        for spec in &scaler.pools {
            let id = pool_id(world, &spec.name, &scaler.name);
            if let Some(pool) = world.pools.get_mut(&id) {
                pool.configured = Some(Configured::new(index, scaler, spec));
                pool.forget_other_schedules();
                pool.scaler = scaler.name.clone();
            }
        }
    }
    for pool in world.pools.values_mut() {
        signal::configure(pool);
    }
    let known = |name: &headcount_model::Name| fleet.machine_pool(name).is_some();
    world.machine_pools.retain(|name, _| known(name));
    world.labelled = crate::fit::Labelled::of(&fleet);
    world.fleet = Arc::new(fleet);
    others::configured(world);
    let gone = world
        .pools
        .values()
        .filter(|pool| pool.configured.is_none());
    for pool in gone.map(|pool| pool.id).collect::<Vec<_>>() {
        forget_empty_pool(world, pool);
    }
    rank_again(world);
    account::configured(world, now);
    super::moves::give_back_taken(world, now);
    Answer::Applied
}

/// Which schedule is in force when. One that was meant for other schedules would name those.
pub(super) fn timetable(world: &mut World, name: &PoolName, table: Timetable) -> Answer {
    let id = world.pool_ids.get(name);
    let Some(pool) = id.and_then(|id| world.pools.get_mut(id)) else {
        return Answer::Refused(Refusal::UnknownPool);
    };
    let Some(configured) = &pool.configured else {
        return Answer::Refused(Refusal::UnknownPool);
    };
    let schedules = configured.spec.schedules.clone();
    let named = table.turns.iter().filter_map(|(_, schedule)| *schedule);
    if named.max().is_some_and(|last| last >= schedules.len()) {
        return Answer::Refused(Refusal::Contradiction);
    }
    let told = Some((schedules, table));
    if pool.timetable == told {
        return Answer::Known;
    }
    pool.timetable = told;
    Answer::Applied
}

/// The pool's id, made on first sight.
pub(super) fn pool_id(
    world: &mut World,
    name: &headcount_model::PoolName,
    scaler: &headcount_model::Name,
) -> PoolId {
    if let Some(id) = world.pool_ids.get(name) {
        return *id;
    }
    let id = PoolId(world.next_pool);
    world.next_pool += 1;
    world.pool_ids.insert(name.clone(), id);
    let pool = Pool {
        id,
        name: name.clone(),
        scaler: scaler.clone(),
        configured: None,
        drained: world.drained.contains(name),
        backoff: Backoff::default(),
        signal: None,
        timetable: None,
    };
    world.pools.insert(id, pool);
    id
}

fn rank_again(world: &mut World) {
    let keys: Vec<_> = world
        .classes
        .values()
        .map(|c| (c.id, c.key.clone(), c.patterns.clone()))
        .collect();
    for (id, key, patterns) in keys {
        let candidates = crate::fit::ranked(world, &Wants::of(world, &key, &patterns));
        if let Some(class) = world.classes.get_mut(&id) {
            class.candidates = candidates;
        }
    }
}
