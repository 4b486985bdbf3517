//! Promise 7: no configuration is half applied.
//!
//! Judged in every round: the world's fleet is one of the files as it was written, whole,
//! and its pools are those of that file. And whenever an agent is ordered: it is made as
//! that file says.

use headcount_model::{Fleet, PoolSpec};
use headcount_planner::{CreateOrder, World};

use super::{Found, broken};
use crate::options::Promise;
use crate::stage::Stage;

pub(crate) fn whole(world: &World, fleet: &Fleet) -> Found {
    if **world.fleet() != *fleet {
        return broken(Promise::Config, "the fleet is not the one that was loaded");
    }
    let mut configured = 0;
    for pool in world.pools() {
        let Some(known) = &pool.configured else {
            continue;
        };
        configured += 1;
        let scaler = fleet.scalers.get(known.scaler_index);
        let spec = scaler.and_then(|scaler| scaler.pools.iter().find(|s| s.name == pool.name));
        let same = spec.is_some_and(|spec| *known.spec == *spec)
            && scaler.is_some_and(|scaler| scaler.name == pool.scaler);
        if !same {
            return broken(
                Promise::Config,
                format!("pool {} is not as loaded", pool.name),
            );
        }
    }
    let written: usize = fleet.scalers.iter().map(|scaler| scaler.pools.len()).sum();
    if configured == written {
        return None;
    }
    broken(
        Promise::Config,
        format!("{configured} of {written} pools took effect"),
    )
}

pub(super) fn of_creation(stage: &Stage, order: &CreateOrder) -> Found {
    // What was ordered before, under another file, is carried on as it was.
    if stage.births.contains_key(&order.agent) || stage.world_knows(order.agent) {
        return None;
    }
    let fleet = stage.scenario.fleets.get(stage.daemon.fleet)?;
    let scaler = fleet
        .scalers
        .iter()
        .find(|scaler| scaler.name == order.scaler);
    let spec = scaler.and_then(|scaler| scaler.pools.iter().find(|s| s.name == order.pool));
    let backend = scaler.is_some_and(|scaler| scaler.backend == order.backend);
    if backend && spec.is_some_and(|spec| as_written(spec, order)) {
        return None;
    }
    broken(
        Promise::Config,
        format!(
            "{} is ordered unlike what pool {} says",
            order.agent, order.pool
        ),
    )
}

fn as_written(spec: &PoolSpec, order: &CreateOrder) -> bool {
    spec.kind == order.kind
        && spec.slots == order.slots
        && spec.fingerprint() == order.made_from
        && spec.recipe == order.recipe
        && spec.timeouts.create == order.deadline
        && CreateOrder::joined_labels(spec) == order.labels
}
