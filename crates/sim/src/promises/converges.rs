//! Promise 8: once faults stop, it converges: fitting jobs are done, spare agents leave,
//! nothing is left to do, nothing flaps, and a drained fleet leaves nothing behind.

use std::collections::{BTreeMap, BTreeSet};

use headcount_model::{AgentId, AgentKind, Fleet, InstanceState, JobId, PoolName};
use headcount_planner::{Agent, Plan, plan};

use super::{Found, broken};
use crate::fake::Job;
use crate::options::Promise;
use crate::reference::{Prospect, kept, prospect};
use crate::stage::Stage;

/// What has not settled, in words; nothing once all has.
pub(crate) fn unsettled(stage: &Stage) -> Option<String> {
    let fleet = stage.scenario.fleets.get(stage.daemon.fleet)?;
    let job = stage
        .jobs
        .all
        .iter()
        .find(|(id, job)| !is_settled(stage, fleet, **id, job));
    if let Some((id, job)) = job {
        return Some(format!("{id} has not ended: {job:?}"));
    }
    if let Some(attempt) = stage.ledger.attempts.values().next() {
        return Some(format!("an attempt is open: {attempt:?}"));
    }
    disagreement(stage)
        .or_else(|| wrong_number(stage, fleet))
        .or_else(|| super::queue::unsettled(stage))
        .or_else(|| still_to_do(stage))
}

/// A job that has not ended and that nobody has: neither the queue, nor the ledger, nor
/// the daemon.
pub(crate) fn lost(stage: &Stage) -> Option<JobId> {
    let world = stage.daemon.core.as_ref()?.world();
    let open = stage.jobs.all.iter().filter(|(_, job)| job.end.is_none());
    let mut ids = open.map(|(id, _)| *id);
    ids.find(|id| {
        let written = stage.ledger.attempts.contains_key(id);
        !written && !stage.jobs.is_waiting(*id) && world.job(*id).is_none()
    })
}

/// It ended, or waits because no pool has its labels.
fn is_settled(stage: &Stage, fleet: &Fleet, id: JobId, job: &Job) -> bool {
    let hopeless = || prospect(fleet, &job.class) == Prospect::NoPool;
    job.end.is_some() || (stage.jobs.is_waiting(id) && hopeless())
}

/// What exists, what is written down and what is believed are the same agents.
fn disagreement(stage: &Stage) -> Option<String> {
    let mut exist = BTreeSet::new();
    for (agent, made) in stage.backends.values().flat_map(|b| b.of(stage.owner())) {
        if made.state != InstanceState::Running {
            return Some(format!("instance {agent} is {:?}", made.state));
        }
        exist.insert(agent);
    }
    let written: BTreeSet<AgentId> = stage.ledger.agents.keys().copied().collect();
    if exist != written {
        return Some(format!("{exist:?} exist, {written:?} are written down"));
    }
    let shared = stage.ledger.agents.values();
    let shared = shared.filter(|agent| agent.machine_pool.is_some());
    let shared: BTreeSet<AgentId> = shared.map(|agent| agent.id).collect();
    let booked = stage.pools.agents();
    if shared != booked {
        return Some(format!(
            "{shared:?} are in machine pools, {booked:?} are booked"
        ));
    }
    let world = stage.daemon.core.as_ref()?.world();
    let believed: BTreeSet<AgentId> = world.agents().map(|agent| agent.id()).collect();
    if exist != believed {
        return Some(format!("{exist:?} exist, {believed:?} are believed in"));
    }
    None
}

/// Every pool has as many agents as its idle rule keeps, which always fit under the caps;
/// workers, which are never removed for being too many, may be more.
fn wrong_number(stage: &Stage, fleet: &Fleet) -> Option<String> {
    let mut there: BTreeMap<&PoolName, u32> = BTreeMap::new();
    for agent in stage.ledger.agents.values() {
        *there.entry(&agent.pool).or_insert(0) += 1;
    }
    for pool in fleet.scalers.iter().flat_map(|scaler| &scaler.pools) {
        let n = there.remove(&pool.name).unwrap_or(0);
        let keep = super::machines::kept(stage, pool);
        let more = n > keep && pool.kind == AgentKind::Worker;
        if n != keep && !more {
            return Some(format!(
                "pool {} has {n} agents and keeps {keep}",
                pool.name
            ));
        }
    }
    let (pool, n) = there.first_key_value()?;
    Some(format!(
        "pool {pool}, which is not configured, has {n} agents"
    ))
}

fn still_to_do(stage: &Stage) -> Option<String> {
    let world = stage.daemon.core.as_ref()?.world();
    let again = plan(world, stage.now);
    let action = again.actions.first()?;
    Some(format!("there is more to do: {action}"))
}

/// What the daemon says of it, for whoever reads the failure.
pub(crate) fn believed(stage: &Stage) -> String {
    let Some(core) = &stage.daemon.core else {
        return "the daemon is down".into();
    };
    let world = core.world();
    let now = plan(world, stage.now);
    let agents: Vec<String> = world.agents().map(|agent| told(agent, &now)).collect();
    let classes: Vec<_> = now
        .report
        .classes
        .iter()
        .map(|class| &class.shares)
        .collect();
    let stale = world.backends().filter(|backend| !backend.fresh).count()
        + world.sources().filter(|source| !source.fresh).count();
    let strangers: usize = world
        .backends()
        .map(|backend| backend.strangers.len())
        .sum();
    format!(
        "the daemon says: {agents:?}, waiting {classes:?}, taken {:?}, {strangers} strangers, \
         {stale} stale, next {:?}",
        now.report.jobs, now.wake_at
    )
}

fn told(agent: &Agent, plan: &Plan) -> String {
    let id = agent.id();
    let reason = plan.report.agents.iter().find(|(told, _)| *told == id);
    let (phase, link, effect) = (agent.phase(), agent.link(), agent.effect());
    format!(
        "{id} {phase:?} {link:?} {effect:?} {:?}",
        reason.map(|(_, why)| why)
    )
}

/// How many instances may still be made once it is quiet: two for each time an open job
/// may run, one for each agent that fate may still take, and those that are kept.
pub(crate) fn allowance(stage: &Stage) -> u64 {
    let open = stage.jobs.all.values().filter(|job| job.end.is_none());
    let runs = open.filter_map(|job| stage.scenario.jobs.get(job.spec));
    let runs: u64 = runs.map(|spec| u64::from(spec.retries) + 1).sum();
    let alive = stage.ledger.agents.len() as u64;
    let fleet = stage.scenario.fleets.get(stage.file);
    let kept = u64::from(fleet.map_or(0, kept));
    // A job that a slow client submits a little later is not open yet.
    let later = stage.scenario.jobs.len() - stage.jobs.all.len();
    // Entries may need a worker each, and those of the dead another.
    let entries = 2 * stage.entries.added();
    2 * (runs + later as u64) + entries + alive + 2 * kept + 3
}

/// No more instances were made in the quiet than that, and than renewal asks for.
pub(crate) fn flapping(stage: &Stage, may_be: u64) -> Found {
    let fleet = stage.scenario.fleets.get(stage.daemon.fleet)?;
    let span = stage.now.since(stage.scenario.quiet_from);
    let pools = fleet.scalers.iter().flat_map(|scaler| &scaler.pools);
    let renewed: u128 = pools
        .filter_map(|pool| {
            if stage.scenario.machines.is_some() {
                return Some(u128::from(super::machines::renewed(pool, span.as_secs())));
            }
            let age = pool.idle.max_idle_age?.as_millis().max(1);
            Some(u128::from(pool.idle.keep) * (span.as_millis() / age + 1))
        })
        .sum();
    let made = stage.counts.instances;
    if u128::from(made) <= u128::from(may_be) + renewed {
        return None;
    }
    broken(
        Promise::Converges,
        format!("{made} instances were made where {may_be} and {renewed} renewals explain them"),
    )
}

/// What a drained fleet has left behind, in words.
pub(crate) fn left_over(stage: &Stage) -> Option<String> {
    let mut instances = stage.backends.values().flat_map(|b| b.of(stage.owner()));
    if let Some((agent, made)) = instances.next() {
        return Some(format!("instance {agent} is left: {made:?}"));
    }
    if let Some(agent) = stage.ledger.agents.values().next() {
        return Some(format!("a record is left: {agent:?}"));
    }
    if let Some(agent) = stage.pools.agents().first() {
        return Some(format!("room of {agent} is left in a machine pool"));
    }
    still_to_do(stage)
}
