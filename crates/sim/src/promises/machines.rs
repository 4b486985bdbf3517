//! Weeks with machines: growth rates and the cap on jobs hold, and what is ready in the end
//! is what the window of that moment asks for.

use headcount_model::{AgentPhase, PoolSpec};
use headcount_planner::CreateOrder;

use super::{Found, broken};
use crate::options::Promise;
use crate::scenario::most_kept;
use crate::stage::Stage;

/// Part of promise 1. Judged whenever a machine is ordered: no more of its pool are on their
/// way than its growth rate allows.
pub(super) fn of_creation(stage: &Stage, order: &CreateOrder) -> Found {
    let fleet = stage.scenario.fleets.get(stage.daemon.fleet)?;
    let mut pools = fleet.scalers.iter().flat_map(|scaler| &scaler.pools);
    let most = pools.find(|pool| pool.name == order.pool)?.max_growth?;
    let coming = [
        AgentPhase::Reserving,
        AgentPhase::Creating,
        AgentPhase::Starting,
    ];
    let rows = stage.ledger.agents.values();
    let others = rows.filter(|row| {
        row.pool == order.pool && row.id != order.agent && coming.contains(&row.phase)
    });
    let all = others.count() + 1;
    if all <= most as usize {
        return None;
    }
    let what = format!(
        "{} is one of {all} on their way to a pool that grows by {most}",
        order.agent
    );
    broken(Promise::Caps, what)
}

/// Part of promise 1. Judged whenever a job begins to run: no more run than the fleet may.
/// The cap is the same in all configurations of a week. This one is not among them yet.
pub(super) fn of_execution(stage: &Stage) -> Found {
    let fleet = stage.scenario.fleets.get(stage.daemon.fleet)?;
    let most = fleet.max_jobs?;
    let working = stage.jobs.working();
    let running: usize = working
        .map(|agent| stage.jobs.running_on(agent).count())
        .sum();
    if running < most as usize {
        return None;
    }
    let what = format!("{} jobs run at once of at most {most}", running + 1);
    broken(Promise::Caps, what)
}

/// How many a pool keeps ready now, with none in use.
pub(super) fn kept(stage: &Stage, pool: &PoolSpec) -> u32 {
    let windows = stage.scenario.machines.as_ref();
    let rule = windows.map_or(pool.idle, |windows| windows.rule(pool, stage.now));
    let scaled = |least: u32| rule.keep.min(least.max(1));
    rule.scale.map_or(rule.keep, |scale| scaled(scale.min))
}

/// How many machines the turns of schedules, renewals and lifetimes may ask for in this many
/// seconds: each window opens and closes once a day, and the most that a pool ever keeps may
/// come anew each time.
pub(super) fn renewed(pool: &PoolSpec, seconds: u64) -> u64 {
    let turns = 2 * pool.schedules.len() as u64 * (seconds / 86_400 + 1);
    let rules = pool.schedules.iter().map(|schedule| schedule.rule);
    let ages = rules
        .chain([pool.idle])
        .filter_map(|rule| rule.max_idle_age);
    let shortest = ages.chain(pool.timeouts.lifetime).min();
    let renewals = shortest.map_or(0, |age| seconds / age.as_secs().max(1) + 1);
    u64::from(most_kept(pool)) * (turns + renewals)
}
