//! The idle rule applied to every pool: what it keeps, adds and sends away. Last in the
//! plan, so that what jobs need is never removed.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use headcount_model::{
    AgentId, AgentKind, AgentPhase, Granted, IdleCompat, IdleRule, Layer, Reason, Rollout,
    Shutdown, Timestamp,
};

use super::Round;
use super::machines::Machines;
use super::slots::Slot;
use crate::guard::{Permit, stale};
use crate::policy::idle::{Fate, Ready, Verdict, gitlab, verdict};
use crate::world::Configured;
use crate::{Action, Agent, Link, Pool, WakeReason};

pub(super) fn keep(round: &mut Round<'_>) {
    let mut machines = Machines::default();
    for pool in round.world.pools.values() {
        let idle = idle_agents(round, pool);
        let Some(open) = pool.open().filter(|_| !empties(round, pool)) else {
            send_all_away(round, pool, &idle);
            continue;
        };
        if let Some(in_force) = pool.in_force(round.now) {
            round.wakes.at(in_force.until, WakeReason::Schedule);
        }
        let rule = pool.idle_rule(round.now);
        match open.spec.kind {
            AgentKind::Worker => keep_workers(round, pool, open, rule),
            AgentKind::Managed | AgentKind::Sidecar => {
                let those = Those {
                    awaited: awaited(round, pool, open, &idle, &mut machines),
                    usable: usable(round, open, &idle),
                };
                keep_ready(round, pool, rule, &those, &mut machines);
            }
        }
    }
}

/// A ready agent without a job and not meant for one. Agents are many, so each is looked up
/// once.
#[derive(Clone, Copy)]
pub(super) struct Idle<'w> {
    pub(super) slot: Slot,
    agent: &'w Agent,
}

/// Of one pool, longest idle first; with GitLab's arithmetic the oldest.
fn idle_agents<'w>(round: &Round<'w>, pool: &Pool) -> Vec<Idle<'w>> {
    let world = round.world;
    let slots = round.ready[pool.id.0 as usize].idle();
    let idle = slots.filter_map(|slot| {
        let agent = world.agents.get(&slot.agent)?;
        Some(Idle { slot: *slot, agent })
    });
    idle.collect()
}

/// Idle agents that count.
struct Those<'w> {
    usable: Vec<Idle<'w>>,
    /// Their connection broke, as all do when the daemon ends; until they are back or given
    /// up, nobody is made in their place.
    awaited: BTreeSet<AgentId>,
}

/// With them those whose last job this plan takes back.
fn awaited(
    round: &Round<'_>,
    pool: &Pool,
    open: &Configured,
    idle: &[Idle<'_>],
    machines: &mut Machines,
) -> BTreeSet<AgentId> {
    let freed = machines.freed(round).iter();
    let freed = freed.filter_map(|id| round.world.agents.get(id));
    let freed = freed.filter(|agent| agent.pool == pool.id);
    let agents = idle.iter().map(|idle| idle.agent).chain(freed);
    let awaited = agents.filter(|agent| {
        unusable(agent, open, round.now) == Some(Reason::ConnectionLost)
            && open.is_current(&agent.record)
            && !open.is_outlived_by(&agent.record, round.now)
    });
    awaited.map(|agent| agent.record.id).collect()
}

/// Those of use to their pool; the others are told to leave, or waited for.
fn usable<'w>(round: &mut Round<'_>, open: &Configured, idle: &[Idle<'w>]) -> Vec<Idle<'w>> {
    let mut usable: Vec<Idle<'w>> = Vec::with_capacity(idle.len());
    for it @ Idle { slot, agent } in idle {
        match unusable(agent, open, round.now) {
            None => {
                if let Some(until) = open.lives_until(&agent.record) {
                    round.wakes.at(until, WakeReason::Lifetime);
                }
                usable.push(*it);
            }
            Some(reason @ (Reason::ConnectionLost | Reason::Cordoned)) => {
                stay(round, slot, reason);
            }
            // What has done its work goes at once; that is no scale-down.
            Some(Reason::JobsDone) => leave(round, agent, Reason::JobsDone),
            Some(reason) => leave_if_fresh(round, agent, reason),
        }
    }
    usable
}

/// What the rule that holds says of a pool's idle agents, and how many more it asks for.
fn keep_ready(
    round: &mut Round<'_>,
    pool: &Pool,
    rule: Option<IdleRule>,
    those: &Those<'_>,
    machines: &mut Machines,
) {
    let usable = &those.usable;
    let (Some(rule), Some(open)) = (rule, pool.open()) else {
        for idle in usable {
            stay(round, &idle.slot, Reason::ScheduleUnknown);
        }
        return;
    };
    let verdict = match rule.compat {
        IdleCompat::Headcount => ours(round, pool, &rule, those, machines),
        IdleCompat::Gitlab => theirs(round, pool, &rule, those, machines),
    };
    for (Idle { slot, agent }, fate) in usable.iter().zip(verdict.idle) {
        match fate {
            Fate::Leave(reason) => leave_if_fresh(round, agent, reason),
            Fate::Stay(reason, until) => {
                let wake = match reason {
                    Reason::IdleTime => WakeReason::IdleTime,
                    Reason::PaidPeriod => WakeReason::PaidPeriod,
                    _ => WakeReason::IdleAge,
                };
                round.wakes.at(until.unwrap_or(Timestamp::MAX), wake);
                stay(round, slot, reason);
            }
        }
    }
    if verdict.add > 0 && !round.world.stopping {
        add_spares(round, pool, open, verdict.add);
    }
}

/// Some of those that were kept have just been sent away under a lowered cap. Where others
/// that take nothing from that cap may stand in for them, they are made at once: the
/// next plan would make them.
pub(super) fn fill_up(round: &mut Round<'_>, left: &BTreeSet<AgentId>) {
    let drained = round.actions.iter().filter_map(|action| match action {
        Action::Drain { agent, .. } => Some(*agent),
        _ => None,
    });
    let drained: BTreeSet<AgentId> = drained.collect();
    let agents = left.iter().filter_map(|id| round.world.agents.get(id));
    let pools: BTreeSet<_> = agents.map(|agent| agent.pool).collect();
    for pool in pools.iter().filter_map(|pool| round.world.pools.get(pool)) {
        let (Some(open), Some(rule)) = (pool.open(), pool.idle_rule(round.now)) else {
            continue;
        };
        let before = missing(round, pool, open, &rule, |id| {
            !drained.contains(id) || left.contains(id)
        });
        let after = missing(round, pool, open, &rule, |id| !drained.contains(id));
        let more = after.saturating_sub(before);
        if more > 0 && !round.world.stopping {
            add_spares(round, pool, open, more);
        }
    }
}

/// How many more the rule asks for where these of the idle agents stay.
fn missing(
    round: &Round<'_>,
    pool: &Pool,
    open: &Configured,
    rule: &IdleRule,
    stays: impl Fn(&AgentId) -> bool,
) -> u32 {
    let idle = idle_agents(round, pool);
    let mut machines = Machines::default();
    let awaited = awaited(round, pool, open, &idle, &mut machines);
    let of_use = |idle: &&Idle<'_>| {
        stays(&idle.slot.agent) && unusable(idle.agent, open, round.now).is_none()
    };
    let usable = idle.iter().filter(of_use).copied().collect();
    let those = Those { usable, awaited };
    let verdict = match rule.compat {
        IdleCompat::Headcount => ours(round, pool, rule, &those, &mut machines),
        IdleCompat::Gitlab => theirs(round, pool, rule, &those, &mut machines),
    };
    verdict.add
}

fn ours(
    round: &Round<'_>,
    pool: &Pool,
    rule: &IdleRule,
    those: &Those<'_>,
    machines: &mut Machines,
) -> Verdict {
    let usable = those.usable.iter();
    let since: Vec<Timestamp> = usable.clone().map(|idle| idle.slot.idle_since).collect();
    let paid_from: Vec<Timestamp> = match rule.paid_period {
        None => since.clone(),
        Some(_) => usable.map(|idle| idle.agent.record.created_at).collect(),
    };
    let coming = round.coming[pool.id.0 as usize].idle().count() + those.awaited.len();
    let in_use = match rule.scale {
        None => 0,
        Some(_) => machines.in_use(round, pool),
    };
    let ready = Ready {
        idle_since: &since,
        paid_from: &paid_from,
        starting: crate::world_count(coming),
        in_use,
        may_leave: pool.open().is_some_and(|open| may_leave(round, open)),
    };
    verdict(rule, &ready, round.now)
}

fn theirs(
    round: &Round<'_>,
    pool: &Pool,
    rule: &IdleRule,
    Those { usable, awaited }: &Those<'_>,
    machines: &mut Machines,
) -> Verdict {
    let (agents, list) = machines
        .of(round, pool, usable, awaited)
        .into_iter()
        .unzip();
    let agents: Vec<Option<AgentId>> = agents;
    let list: Vec<gitlab::Machine> = list;
    let mut settings = gitlab::Settings::of(rule);
    if let Some(open) = pool.open() {
        let scaler = round.world.fleet.scalers.get(open.scaler_index);
        settings.growth = open.spec.max_growth.unwrap_or(0);
        settings.limit = scaler.map_or(0, |scaler| scaler.max_agents);
        settings.max_jobs = open.spec.max_jobs.unwrap_or(0);
    }
    let proposal = gitlab::pass(&settings, &list, round.now);
    let told = agents.into_iter().zip(proposal.idle);
    // In order of id, as the machines are.
    let fates: Vec<(AgentId, Fate)> = told
        .filter_map(|(agent, fate)| Some((agent?, fate?)))
        .collect();
    let fate_of = |idle: &Idle<'_>| {
        let at = fates.binary_search_by_key(&idle.slot.agent, |(agent, _)| *agent);
        at.ok().and_then(|at| fates.get(at))
    };
    let kept = Fate::Stay(Reason::KeptReady, None);
    Verdict {
        add: proposal.add,
        idle: usable
            .iter()
            .map(|idle| fate_of(idle).map_or(kept, |(_, fate)| *fate))
            .collect(),
    }
}

/// Jobs go before spares: room that jobs wait for is not filled up.
fn add_spares(round: &mut Round<'_>, pool: &Pool, open: &Configured, wanted: u32) {
    match round.headroom.wanted(open.scaler_index) {
        Some(cap) => round.count_growth(pool, wanted, Permit::none(cap)),
        None => drop(round.grow(pool, own_shape(open), wanted, Reason::KeepReady)),
    }
}

fn may_leave(round: &Round<'_>, open: &Configured) -> bool {
    let scaler = round.world.fleet.scalers.get(open.scaler_index);
    scaler.is_some_and(|scaler| stale::may_remove(round.world, &scaler.backend))
}

/// Why an idle agent is of no use to its pool, if so.
fn unusable(agent: &Agent, open: &Configured, now: Timestamp) -> Option<Reason> {
    let done = open
        .spec
        .max_jobs
        .is_some_and(|max| agent.record.jobs_done >= max);
    if done {
        Some(Reason::JobsDone)
    } else if matches!(agent.link, Link::Down(_)) {
        Some(Reason::ConnectionLost)
    } else if !open.is_current(&agent.record) {
        Some(Reason::Outdated)
    } else if open.is_outlived_by(&agent.record, now) {
        Some(Reason::LifetimeOver)
    } else if agent.record.cordoned {
        Some(Reason::Cordoned)
    } else {
        None
    }
}

/// Workers feed themselves: they are kept at their number, or made by triggers, and never
/// removed for being too many.
fn keep_workers(round: &mut Round<'_>, pool: &Pool, open: &Configured, rule: Option<IdleRule>) {
    let n = pool.id.0 as usize;
    let alive = crate::world_count(round.ready[n].len() + round.coming[n].len());
    let reason = match pool.signal {
        Some(_) => Reason::FeedsItself,
        None => Reason::KeptReady,
    };
    for slot in round.ready[n].clone().iter() {
        stay(round, slot, reason);
    }
    if open.spec.recipe.rollout() == Rollout::Immediate {
        roll_out(round, pool, open);
    }
    if pool.signal.is_some() {
        return;
    }
    let keep = rule.map_or(0, |rule| rule.keep);
    let missing = keep.saturating_sub(alive);
    if missing > 0 && !round.world.stopping {
        round.grow(pool, own_shape(open), missing, Reason::KeepReady);
    }
}

/// Agents made from another recipe are ended at once, whatever they do. Who is just being
/// made follows when it is.
fn roll_out(round: &mut Round<'_>, pool: &Pool, open: &Configured) {
    let n = pool.id.0 as usize;
    let slots = round.ready[n].iter().chain(round.coming[n].iter());
    let agents = slots.filter_map(|slot| round.world.agents.get(&slot.agent));
    let old = agents.filter(|agent| !open.is_current(&agent.record));
    for agent in old.collect::<Vec<&Agent>>() {
        let made = matches!(agent.record.phase, AgentPhase::Ready | AgentPhase::Starting);
        if !made || agent.effect.is_in_flight() {
            continue;
        }
        if stale::may_remove(round.world, &agent.record.backend) {
            leave(round, agent, Reason::RolledOut);
        } else {
            round.stays.tell(agent.record.id, Reason::FactsStale);
        }
    }
}

/// Whether the daemon leaves nobody behind. Workers have nobody to ask, and stay.
fn empties(round: &Round<'_>, pool: &Pool) -> bool {
    let kind = pool.configured.as_ref().map(|it| it.spec.kind);
    round.world.shutdown == Shutdown::Drain && kind != Some(AgentKind::Worker)
}

/// A pool that takes no new work: who is idle leaves, who works may end its work.
fn send_all_away(round: &mut Round<'_>, pool: &Pool, idle: &[Idle<'_>]) {
    let reason = if round.world.shutdown == Shutdown::Drain {
        Reason::Shutdown
    } else if pool.configured.is_none() {
        Reason::PoolRemoved
    } else {
        Reason::PoolDrained
    };
    for Idle { slot, agent } in idle {
        match agent.link {
            Link::Down(_) => stay(round, slot, Reason::ConnectionLost),
            Link::Up | Link::Never => leave_if_fresh(round, agent, reason),
        }
    }
    for slot in round.coming[pool.id.0 as usize].clone().iter() {
        let Some(agent) = round.world.agents.get(&slot.agent) else {
            continue;
        };
        let settled = agent.effect == crate::Effect::None;
        if settled
            && agent.record.phase == AgentPhase::Starting
            && stale::may_remove(round.world, &agent.record.backend)
        {
            super::agents::destroy(round, agent, reason);
            count_leaving(round, pool);
        }
    }
}

fn leave_if_fresh(round: &mut Round<'_>, agent: &Agent, reason: Reason) {
    if stale::may_remove(round.world, &agent.record.backend) && !may_be_taken_for(round) {
        leave(round, agent, reason);
    } else {
        round.stays.tell(agent.record.id, Reason::FactsStale);
    }
}

/// Whether a source that could not hand out jobs is asked for them again later: they may
/// be for those who look idle now.
fn may_be_taken_for(round: &mut Round<'_>) -> bool {
    let world = round.world;
    let mut held_up = false;
    for source in world.sources.values() {
        held_up |= !super::facts::may_start(round, source.taking);
    }
    held_up
}

/// A managed agent is asked to leave; a worker has nobody to ask and is ended politely.
pub(super) fn leave(round: &mut Round<'_>, agent: &Agent, reason: Reason) {
    if let Some(pool) = round.world.pools.get(&agent.pool) {
        count_leaving(round, pool);
    }
    match agent.record.kind {
        AgentKind::Worker => super::agents::destroy(round, agent, reason),
        AgentKind::Managed | AgentKind::Sidecar => {
            round.actions.push(Action::Drain {
                agent: agent.record.id,
                reason,
            });
            round.stays.tell(agent.record.id, reason);
        }
    }
}

fn count_leaving(round: &mut Round<'_>, pool: &Pool) {
    if let Some(growth) = round.growth.get_mut(pool.id.0 as usize) {
        growth.leaving += 1;
    }
}

fn stay(round: &mut Round<'_>, slot: &Slot, reason: Reason) {
    round.stays.tell(slot.agent, reason);
}

/// The shape of an agent that no job asked for.
pub(super) fn own_shape(open: &Configured) -> Granted {
    let layers = open.spec.layers;
    Granted::cascade(&[Layer::default(), layers.label_set, layers.defaults])
}
