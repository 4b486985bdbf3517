//! Promise 1: never above a cap, counting what is in flight or unknown.
//!
//! Judged whenever an agent is ordered: with it, everything of ours that exists or may
//! come to exist fits under every cap of the configuration that holds. A cap that a
//! reload lowers may leave more alive than it allows; then nothing may be added.

use std::collections::BTreeSet;

use headcount_model::{AgentId, Name};
use headcount_planner::CreateOrder;

use super::{Found, broken};
use crate::options::Promise;
use crate::reference::{Sum, caps_of};
use crate::stage::Stage;

pub(super) fn of_creation(stage: &Stage, order: &CreateOrder) -> Found {
    let fleet = stage.scenario.fleets.get(stage.daemon.fleet)?;
    let (all, theirs) = existing(stage, order.agent, &order.scaler);
    let one = (&order.granted, order.slots);
    let over = all.over("the fleet", one, fleet.max_agents, fleet.resource_cap);
    let over = over.or_else(|| {
        let caps = caps_of(fleet, &order.scaler)?;
        let whose = format!("scaler {}", caps.name);
        theirs.over(&whose, one, caps.max_agents, caps.resource_cap)
    });
    let what = over?;
    broken(Promise::Caps, format!("{what}, with {}", order.agent))
}

/// While a daemon lives, whatever exists in a machine pool is booked there, so that the
/// other daemons of the host count it; the ledger itself keeps all bookings under the cap.
pub(super) fn every_moment(stage: &Stage) -> Found {
    stage.daemon.core.as_ref()?;
    let mut fleets = stage.scenario.fleets.iter();
    if fleets.all(|fleet| fleet.machine_pools.is_empty()) {
        return None;
    }
    for (agent, birth) in &stage.births {
        let Some(pool) = &birth.machine_pool else {
            continue;
        };
        let mark = (stage.owner().clone(), *agent);
        let place = stage.backends.get(&birth.backend);
        let exists = place.is_some_and(|place| place.get(&mark).is_some());
        if exists && !stage.pools.has(pool, *agent) {
            let what = format!("{agent} exists and has no room in machine pool {pool}");
            return broken(Promise::Caps, what);
        }
    }
    None
}

/// All there is of ours or may be, beside `this`: in the fleet and in that scaler.
fn existing(stage: &Stage, this: AgentId, scaler: &Name) -> (Sum, Sum) {
    let (mut all, mut theirs) = (Sum::default(), Sum::default());
    let mut seen = BTreeSet::from([this]);
    let known = strangers(stage);
    for (agent, made) in stage.backends.values().flat_map(|b| b.of(stage.owner())) {
        // What nobody could know of counts once a list has shown it.
        if (made.stray && !known.contains(&agent)) || !seen.insert(agent) {
            continue;
        }
        all.add(&made.granted, made.slots);
        if made.scaler == *scaler {
            theirs.add(&made.granted, made.slots);
        }
    }
    for (agent, birth) in &stage.births {
        let Some(order) = birth.in_flight.as_ref() else {
            continue;
        };
        if !stage.ledger.agents.contains_key(agent) || !seen.insert(*agent) {
            continue;
        }
        all.add(&order.granted, order.slots);
        if order.scaler == *scaler {
            theirs.add(&order.granted, order.slots);
        }
    }
    (all, theirs)
}

fn strangers(stage: &Stage) -> BTreeSet<AgentId> {
    let world = stage.daemon.core.as_ref().map(|core| core.world());
    let backends = world.into_iter().flat_map(|world| world.backends());
    backends
        .flat_map(|backend| backend.strangers.keys().copied())
        .collect()
}
