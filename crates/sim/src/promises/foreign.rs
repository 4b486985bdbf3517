//! Promise 3: nothing that is not ours is touched.
//!
//! Judged at every moment: other owners' instances, planted under ids equal to ours, are
//! all there and nobody laid a hand on them. And whenever a removal is ordered: it names
//! something we made or that carries our mark.

use headcount_model::{AgentId, LeasedInstance};

use super::{Found, broken};
use crate::options::Promise;
use crate::stage::Stage;

/// Instances that were planted at each backend.
const PLANTED: usize = 3;

pub(super) fn every_moment(stage: &Stage) -> Found {
    for (backend, place) in &stage.backends {
        let mut alive = 0;
        for (mark, made) in place.not_of(stage.owner()) {
            alive += 1;
            if made.touched > 0 {
                let what = format!("{} of {} in {backend} was touched", mark.1, mark.0);
                return broken(Promise::Foreign, what);
            }
        }
        if alive != PLANTED {
            let what = format!("{alive} of {PLANTED} foreign instances are left in {backend}");
            return broken(Promise::Foreign, what);
        }
    }
    None
}

/// No backend of the simulation shows instances of others.
pub(super) fn of_others(seen: &LeasedInstance) -> Found {
    let (agent, owner) = (seen.agent, &seen.owner);
    let what = format!("the removal of {agent} of {owner} is ordered, which nobody has listed");
    broken(Promise::Foreign, what)
}

pub(super) fn of_removal(stage: &Stage, agent: AgentId) -> Found {
    let made = stage.births.contains_key(&agent);
    let known = made || stage.ledger.agents.contains_key(&agent);
    let marked = || {
        let mut places = stage.backends.values();
        places.any(|place| place.of(stage.owner()).any(|(id, _)| id == agent))
    };
    // What was planted may have gone between being listed and being reaped.
    let planted = agent.epoch < 1000;
    if known || planted || marked() {
        return None;
    }
    broken(
        Promise::Foreign,
        format!("the removal of {agent} is ordered, which we never made"),
    )
}
