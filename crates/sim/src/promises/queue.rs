//! Pools that are made by triggers: never more than the rule's maximum, every entry is
//! done in the end, everybody leaves, and where nothing fails nobody comes for nothing.

use headcount_model::{Fleet, QueueRule};
use headcount_planner::CreateOrder;

use super::{Found, broken};
use crate::options::Promise;
use crate::scenario::queue_pool;
use crate::stage::Stage;

/// Part of promise 1. Judged whenever one is ordered, by what exists or may come to exist.
pub(super) fn of_creation(stage: &Stage, order: &CreateOrder) -> Found {
    let fleet = stage.scenario.fleets.get(stage.daemon.fleet)?;
    let rule = rule(fleet).filter(|_| order.pool == queue_pool())?;
    let others = stage.births.iter().filter(|(agent, birth)| {
        birth.pool == order.pool && **agent != order.agent && stage.may_exist(**agent, birth)
    });
    let (all, most) = (others.count() + 1, rule.max.unwrap_or(u32::MAX) as usize);
    if all <= most {
        return None;
    }
    let what = format!("{all} workers of a queue policy that allows {most}");
    broken(Promise::Caps, what)
}

/// What has not settled, in words.
pub(crate) fn unsettled(stage: &Stage) -> Option<String> {
    let pools = stage.ledger.agents.values();
    let workers = pools.filter(|agent| agent.pool == queue_pool()).count();
    let left = workers > 0 || !stage.entries.is_empty();
    left.then(|| format!("{workers} workers and entries {:?}", stage.entries))
}

/// Nobody is made but for an entry, or because of a worker that died: what it held needs
/// another one, and as long as nobody can tell it from what is worked on, one that has not
/// read yet may be taken for its holder once.
pub(crate) fn made_for_something(stage: &Stage) -> Found {
    let entries = &stage.entries;
    let most = entries.added() + 2 * entries.deaths;
    if entries.made <= most {
        return None;
    }
    let what = format!("{} workers where {most} would do", entries.made);
    broken(Promise::Converges, what)
}

/// With nothing failing, each entry has one worker, and who finds nothing came for one
/// that was taken out.
pub(crate) fn as_without_faults(stage: &Stage) -> Found {
    let births = stage.births.values();
    let made = births.filter(|birth| birth.pool == queue_pool()).count() as u64;
    let entries = &stage.entries;
    if made <= entries.added() && entries.idle <= entries.trimmed {
        return None;
    }
    let what = format!("{made} workers were made for {entries:?}");
    broken(Promise::Converges, what)
}

fn rule(fleet: &Fleet) -> Option<&QueueRule> {
    let mut pools = fleet.scalers.iter().flat_map(|scaler| &scaler.pools);
    pools
        .find(|pool| pool.name == queue_pool())?
        .queue
        .as_deref()
}
