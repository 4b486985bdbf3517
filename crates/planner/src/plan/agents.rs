//! Agents move on: what must be repeated, what took too long, what has to leave.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use headcount_model::{
    AgentId, AgentKind, AgentPhase, PoolSpec, Reason, Shutdown, Timeouts, Timestamp,
};

use super::Round;
use super::facts::may_start;
use crate::guard::resources::counts_against;
use crate::{Action, Agent, CreateOrder, JobPhase, Link, WakeReason};

/// Between TERM and KILL when an agent is destroyed.
const KILL_AFTER: Duration = Duration::from_secs(5);
/// For the backend to tell how an agent ended that has said goodbye. One whose machine only
/// lists show would be paid for until it is overdue.
const FAREWELL: Duration = Duration::from_secs(1);

pub(super) fn move_on<'w>(round: &mut Round<'w>, restless: Vec<&'w Agent>) {
    let restless = match round.world.shutdown {
        Shutdown::Destroy => round.world.agents.values().collect(),
        Shutdown::Leave | Shutdown::Drain => restless,
    };
    for agent in with_overdue(round, restless) {
        if let Some(reason) = overdue(round, agent) {
            destroy(round, agent, reason);
            continue;
        }
        match agent.record.phase {
            AgentPhase::Reserving | AgentPhase::Creating => repeat_launch(round, agent),
            AgentPhase::Destroying => {
                if may_start(round, agent.effect) {
                    let reason = agent.record.leaves_for.unwrap_or(Reason::EndedItself);
                    destroy(round, agent, reason);
                }
            }
            AgentPhase::Quarantined => {
                if may_start(round, agent.effect) {
                    destroy(round, agent, Reason::Quarantined);
                }
            }
            AgentPhase::Releasing => release(round, agent),
            AgentPhase::Draining => tell_again(round, agent),
            AgentPhase::Starting | AgentPhase::Ready => {}
        }
    }
    forget_leaving(round);
}

/// Adds those that only their duties move on; all in order of id.
fn with_overdue<'w>(round: &Round<'w>, mut restless: Vec<&'w Agent>) -> Vec<&'w Agent> {
    let agents = &round.world.agents;
    let overdue = round.duties.all_overdue();
    restless.extend(overdue.filter_map(|id| agents.get(&id)));
    restless.sort_by_key(|agent| agent.record.id);
    restless.dedup_by_key(|agent| agent.record.id);
    restless
}

/// Agents that are destroyed, or whose launch is given up, take no jobs in this plan.
fn forget_leaving(round: &mut Round<'_>) {
    let leaving = round.actions.iter().filter_map(|action| match action {
        Action::Destroy { agent, .. } | Action::Release { agent, .. } => Some(*agent),
        _ => None,
    });
    let leaving: BTreeSet<AgentId> = leaving.collect();
    if leaving.is_empty() {
        return;
    }
    for slots in round.ready.iter_mut().chain(&mut round.coming) {
        slots.retain(|slot| !leaving.contains(&slot.agent));
    }
}

/// What was intended before a crash, or granted by a shared ledger, is carried on.
fn repeat_launch(round: &mut Round<'_>, agent: &Agent) {
    if !may_start(round, agent.effect) {
        return;
    }
    let pool = round.world.pools.get(&agent.pool);
    let wanted = round.world.shutdown == Shutdown::Leave;
    let open = pool.and_then(crate::Pool::open).filter(|_| wanted);
    let Some(configured) = open else {
        return give_up(round, agent);
    };
    let asks_elsewhere = agent.record.machine_pool != configured.machine_pool;
    let in_vain = match agent.record.phase {
        AgentPhase::Reserving => asks_elsewhere,
        _ => is_beyond_caps(round, agent, configured.scaler_index),
    };
    if in_vain {
        return give_up(round, agent);
    }
    let order = order_of(agent, &configured.spec, configured.told_labels.clone());
    round.actions.push(match agent.record.phase {
        AgentPhase::Reserving => Action::Reserve(order),
        _ => Action::Create(order),
    });
}

/// Whether a cap was lowered while room was asked for, so that it must not be made.
fn is_beyond_caps(round: &Round<'_>, agent: &Agent, scaler: usize) -> bool {
    let reserved = crate::fit::reserved(&agent.record.granted, agent.record.slots);
    let mut over = round.headroom.over(scaler);
    over.any(|cap| counts_against(cap, reserved))
}

/// A launch whose pool takes no new work any more, or that is too many, goes no further. Nothing was made yet,
/// so there is only room in a shared ledger to give back.
fn give_up(round: &mut Round<'_>, agent: &Agent) {
    if agent.record.machine_pool.is_some() {
        round
            .headroom
            .launch_given_up(agent, Reason::RoomWanted, round.now);
        release(round, agent);
    } else {
        destroy(round, agent, Reason::CreateFailed);
    }
}

fn order_of(agent: &Agent, spec: &PoolSpec, labels: alloc::sync::Arc<str>) -> CreateOrder {
    let record = &agent.record;
    CreateOrder {
        agent: record.id,
        pool: record.pool.clone(),
        scaler: record.scaler.clone(),
        backend: record.backend.clone(),
        machine_pool: record.machine_pool.clone(),
        kind: record.kind,
        labels,
        granted: record.granted,
        slots: record.slots,
        log_pressure: spec.log_pressure,
        recipe: spec.recipe.clone(),
        made_from: record.made_from,
        reason: record.made_for,
        deadline: spec.timeouts.create,
    }
}

fn release(round: &mut Round<'_>, agent: &Agent) {
    if !may_start(round, agent.effect) {
        return;
    }
    if let Some(machine_pool) = agent.record.machine_pool.clone() {
        let deadline = timeouts(round, agent).destroy;
        round.actions.push(Action::Release {
            agent: agent.record.id,
            machine_pool,
            deadline,
        });
    }
}

/// Why this agent must be destroyed now, if it must.
fn overdue(round: &mut Round<'_>, agent: &Agent) -> Option<Reason> {
    if round.world.shutdown == Shutdown::Destroy && may_be_ended(agent) {
        return Some(Reason::Shutdown);
    }
    let patience = timeouts(round, agent);
    let since = agent.record.phase_since;
    match agent.record.phase {
        // A creation under way has a deadline of its own; its answer comes first.
        AgentPhase::Creating | AgentPhase::Starting if !agent.effect.is_in_flight() => {
            let due = agent.launch_from.after(patience.launch);
            round
                .wakes
                .due(due, WakeReason::LaunchDeadline)
                .then_some(Reason::LaunchDeadline)
        }
        AgentPhase::Ready | AgentPhase::Draining => {
            if agent.record.kind == AgentKind::Worker {
                return retired(round, agent, since, patience);
            }
            lost(round, agent, patience)
                .or_else(|| round.duties.overdue(agent))
                .or_else(|| retired(round, agent, since, patience))
        }
        _ => None,
    }
}

/// A creation under way is waited for; what never began is given up elsewhere.
const fn may_be_ended(agent: &Agent) -> bool {
    match agent.record.phase {
        AgentPhase::Creating | AgentPhase::Starting => !agent.effect.is_in_flight(),
        AgentPhase::Ready | AgentPhase::Draining => true,
        AgentPhase::Reserving
        | AgentPhase::Destroying
        | AgentPhase::Quarantined
        | AgentPhase::Releasing => false,
    }
}

fn lost(round: &mut Round<'_>, agent: &Agent, patience: Timeouts) -> Option<Reason> {
    let Link::Down(since) = agent.link else {
        return None;
    };
    let due = since.after(patience.recovery);
    round
        .wakes
        .due(due, WakeReason::RecoveryDeadline)
        .then_some(Reason::AgentLost)
}

/// It was told to leave, has nothing to do, and is still there.
fn retired(
    round: &mut Round<'_>,
    agent: &Agent,
    since: Timestamp,
    patience: Timeouts,
) -> Option<Reason> {
    if agent.record.phase != AgentPhase::Draining || !agent.jobs.is_empty() {
        return None;
    }
    let since = since.max(agent.idle_since);
    let due = since.after(patience.retire);
    let due = match agent.link {
        Link::Down(left) if agent.told_to_drain => due.min(since.max(left).after(FAREWELL)),
        Link::Down(_) | Link::Up | Link::Never => due,
    };
    let reason = agent.record.leaves_for.unwrap_or(Reason::EndedItself);
    round
        .wakes
        .due(due, WakeReason::RetireDeadline)
        .then_some(reason)
}

fn tell_again(round: &mut Round<'_>, agent: &Agent) {
    if agent.link == Link::Up && !agent.told_to_drain && may_start(round, agent.effect) {
        let reason = agent.record.leaves_for.unwrap_or(Reason::EndedItself);
        round.actions.push(Action::Drain {
            agent: agent.record.id,
            reason,
        });
    }
}

/// Destroys an agent, and gives back at once what it was given and did not claim.
pub(super) fn destroy(round: &mut Round<'_>, agent: &Agent, reason: Reason) {
    let patience = timeouts(round, agent);
    let id = agent.record.id;
    if agent.is_launching() {
        round.headroom.launch_given_up(agent, reason, round.now);
    }
    let grace = match agent.record.kind {
        // Nobody can ask a worker to finish, so TERM is its notice.
        AgentKind::Worker => patience.retire,
        AgentKind::Managed | AgentKind::Sidecar => KILL_AFTER,
    };
    round.actions.push(Action::Destroy {
        agent: id,
        backend: agent.record.backend.clone(),
        reason,
        grace,
        deadline: patience.destroy.saturating_add(grace),
    });
    for job in agent.jobs.iter().filter_map(|id| round.world.jobs.get(id)) {
        if matches!(job.phase, JobPhase::Taken | JobPhase::Assigned) {
            let settlement = crate::observe::unclaimed(job);
            super::jobs::settle(round, job, settlement);
        }
    }
}

pub(super) fn timeouts(round: &Round<'_>, agent: &Agent) -> Timeouts {
    let timeouts = round.timeouts.get(agent.pool.0 as usize);
    timeouts.copied().unwrap_or_default()
}
