//! A plan takes effect: what it wants done is under way from now on.

use headcount_model::{AgentPhase, AgentRecord, Answer, Reason, Timestamp};

use super::moves::{move_agent, move_job};
use super::{account, backend, signal};
use crate::lifecycle::agent::AgentInput;
use crate::lifecycle::job::JobInput;
use crate::world::{Standing, Take};
use crate::{Action, Agent, CreateOrder, Effect, JobPhase, Link, Report, World};

pub(super) fn planned(
    world: &mut World,
    actions: &[Action],
    report: &Report,
    now: Timestamp,
) -> Answer {
    stand(world, report, now);
    signal::spend(world, report);
    if actions.is_empty() {
        return Answer::Known;
    }
    world.round += 1;
    for action in actions {
        take_effect(world, action, now);
    }
    Answer::Applied
}

fn take_effect(world: &mut World, action: &Action, now: Timestamp) {
    match action {
        Action::List { backend, .. } => {
            let round = world.round;
            let mut agents = world.agents.values();
            let used = agents.any(|agent| agent.record.backend == *backend);
            let facts = backend::facts(world, backend);
            facts.used = used;
            facts.listing = facts.listing.started();
            facts.missed = false;
            facts.listed_in = round;
        }
        Action::Refresh { source, .. } => {
            if let Some(facts) = world.sources.get_mut(source) {
                facts.refreshing = facts.refreshing.started();
                facts.doubted = false;
            }
        }
        Action::Sample { pool, .. } => signal::asked(world, pool, now),
        Action::Reserve(order) => intend(world, order, AgentPhase::Reserving, now),
        Action::Create(order) => intend(world, order, AgentPhase::Creating, now),
        Action::Release { agent, .. } => release(world, *agent, now),
        Action::Destroy { agent, reason, .. } => destroy(world, *agent, *reason, now),
        Action::Reap { agent, backend, .. } => {
            if let Some(stranger) = backend::facts(world, backend).strangers.get_mut(agent) {
                stranger.removal.effect = stranger.removal.effect.started();
            }
        }
        Action::ListOthers { backend, .. } => {
            let others = &mut backend::facts(world, backend).others;
            others.listing = others.listing.started();
            others.doubted = false;
            others.asked_at = now;
        }
        Action::ReapOther { seen, backend, .. } => {
            let whose = (seen.owner.clone(), seen.agent);
            let known = &mut backend::facts(world, backend).others.known;
            if let Some(other) = known.get_mut(&whose) {
                other.removal.effect = other.removal.effect.started();
            }
        }
        Action::Drain { agent, reason } => drain(world, *agent, *reason, now),
        Action::Assign { job, .. } => assign(world, *job, now),
        Action::Cancel { job, .. } => {
            if let Some(job) = world.jobs.get_mut(job) {
                job.cancel_told = true;
            }
        }
        Action::Take {
            take,
            class,
            agents,
            ..
        } => {
            let permit = Take {
                class: *class,
                agents: agents.clone(),
            };
            world.takes.insert(*take, permit);
            world.takes_of.insert((*class, *take));
            world.next_take = world.next_take.max(take.saturating_add(1));
        }
        Action::Settle { job, .. } => {
            // Given back before it was claimed; what is settling already stays as it is.
            if world
                .jobs
                .get(job)
                .is_some_and(|job| !matches!(job.phase, JobPhase::Settling(_)))
            {
                move_job(world, *job, JobInput::Unclaimed, now);
            }
            if let Some(job) = world.jobs.get_mut(job) {
                job.effect = job.effect.started();
            }
        }
        Action::EndWaiting { class, .. } => {
            if let Some(class) = world.classes.get_mut(class) {
                class.ending = class.ending.started();
            }
        }
    }
}

/// An agent exists from the moment it is intended.
fn intend(world: &mut World, order: &CreateOrder, phase: AgentPhase, now: Timestamp) {
    world.next_agent = world.next_agent.max(order.agent.number.saturating_add(1));
    if let Some(agent) = world.agents.get_mut(&order.agent) {
        agent.effect = agent.effect.started();
        return;
    }
    let Some(pool) = world.pool_ids.get(&order.pool).copied() else {
        return;
    };
    let record = AgentRecord {
        id: order.agent,
        pool: order.pool.clone(),
        scaler: order.scaler.clone(),
        backend: order.backend.clone(),
        machine_pool: order.machine_pool.clone(),
        kind: order.kind,
        phase,
        phase_since: now,
        created_at: now,
        made_for: order.reason,
        leaves_for: None,
        granted: order.granted,
        slots: order.slots,
        made_from: order.made_from,
        jobs_done: 0,
        tokens: alloc::vec::Vec::new(),
        used_token: None,
        session: None,
        account: None,
        cordoned: false,
    };
    let agent = Agent {
        record,
        pool,
        link: Link::Never,
        effect: Effect::InFlight(0),
        jobs: alloc::vec::Vec::new(),
        launch_from: now,
        idle_since: now,
        told_to_drain: false,
        listable_from: world.round,
        launch_trouble: None,
        unclear: None,
        seen: false,
        waits_for: None,
        unpriced: alloc::vec::Vec::new(),
        stays_for: None,
        absent_since: None,
    };
    backend::facts(world, &order.backend).is_used(now);
    world.agents_of.insert((pool, order.agent));
    world.agents.insert(order.agent, agent);
    world.touched.agents.insert(order.agent);
    account::turn(world, order.agent, now);
}

fn destroy(world: &mut World, id: headcount_model::AgentId, reason: Reason, now: Timestamp) {
    let phase = world.agents.get(&id).map(crate::Agent::phase);
    let again = matches!(
        phase,
        Some(AgentPhase::Destroying | AgentPhase::Quarantined)
    );
    if reason == Reason::LaunchDeadline && !again {
        let waits = world.agents.get(&id).and_then(crate::Agent::waits_for);
        let waits = waits.map(|why| alloc::format!(": {why}"));
        let message = alloc::format!(
            "agent {id} was not ready within the launch deadline{}",
            waits.unwrap_or_default()
        );
        backend::launch_failed(world, id, message, None, now);
    }
    let Some(agent) = world.agents.get_mut(&id) else {
        return;
    };
    agent.record.leaves_for.get_or_insert(reason);
    if again {
        agent.effect = agent.effect.started();
        return;
    }
    move_agent(world, id, AgentInput::Destroy, now);
    if let Some(agent) = world.agents.get_mut(&id) {
        agent.effect = Effect::InFlight(0);
    }
}

/// Room is given back; by an agent that has it and was not made, at once.
fn release(world: &mut World, id: headcount_model::AgentId, now: Timestamp) {
    let Some(agent) = world.agents.get_mut(&id) else {
        return;
    };
    let unmade = match agent.record.phase {
        AgentPhase::Reserving => AgentInput::Destroy,
        _ => AgentInput::NotCreated,
    };
    if agent.record.phase != AgentPhase::Releasing {
        let open = world.pools.get(&agent.pool).and_then(crate::Pool::open);
        let reason = match open {
            Some(_) => Reason::RoomWanted,
            None => Reason::PoolRemoved,
        };
        agent.record.leaves_for.get_or_insert(reason);
        move_agent(world, id, unmade, now);
    }
    if let Some(agent) = world.agents.get_mut(&id) {
        agent.effect = agent.effect.started();
    }
}

/// A job is offered. Offered again after a broken connection, the time to claim starts
/// anew; after an offer that could not be handed over it does not, so that it ends.
fn assign(world: &mut World, id: headcount_model::JobId, now: Timestamp) {
    move_job(world, id, JobInput::Assign, now);
    if let Some(job) = world.jobs.get_mut(&id) {
        if job.effect.tries() == 0 {
            job.assigned_at = Some(now);
            job.claim_from = None;
        }
        job.effect = job.effect.started();
        world.touched.jobs.insert(id);
    }
}

fn drain(world: &mut World, id: headcount_model::AgentId, reason: Reason, now: Timestamp) {
    if let Some(agent) = world.agents.get_mut(&id) {
        agent.record.leaves_for.get_or_insert(reason);
        agent.told_to_drain = true;
        agent.effect = agent.effect.started();
    }
    move_agent(world, id, AgentInput::Drain, now);
}

/// Remembers whom each class counts on, what stands in its way, and since when.
fn stand(world: &mut World, report: &Report, now: Timestamp) {
    for class in &report.classes {
        let Some(known) = world.classes.get_mut(&class.class) else {
            continue;
        };
        known.counts_on.clone_from(&class.counts_on);
        let blocked = class
            .considered
            .iter()
            .filter_map(|c| Some((Some(c.pool), c.blocked?)));
        let shares = class.shares.iter().map(|share| (share.pool, share.reason));
        let mut told: alloc::vec::Vec<_> = blocked.chain(shares).collect();
        told.sort_unstable();
        told.dedup();
        // In order, so what stood before is found by halving.
        let before = core::mem::take(&mut known.standing);
        let since = |told: &(Option<crate::PoolId>, Reason)| {
            let found = before.binary_search_by_key(told, |s| (s.pool, s.reason));
            found.ok().map_or(now, |n| before[n].since)
        };
        known.standing = told
            .iter()
            .map(|(pool, reason)| Standing {
                pool: *pool,
                reason: *reason,
                since: since(&(*pool, *reason)),
            })
            .collect();
    }
}
