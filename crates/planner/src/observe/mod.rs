//! The only door through which the world changes.
//!
//! Promise: news is applied, ignored as known, or refused with a reason; whatever it
//! says, the world stays consistent (see [`crate::check_world`]). Decides nothing about
//! what should be done: that is [`crate::plan`]'s.

mod account;
mod answered;
mod backend;
mod configured;
mod jobs;
mod link;
mod moves;
mod others;
mod planned;
mod removal;
mod restored;
mod signal;
mod source;

use headcount_model::{
    AgentId, AgentKind, AgentPhase, Answer, BackendId, Refusal, Shutdown, Timestamp,
};

pub(crate) use account::is_true as account_is_true;
pub(crate) use moves::unclaimed;

use crate::{News, Operator, World};

/// Takes in one piece of news at `now`, which never goes backwards.
pub fn observe(world: &mut World, news: News, now: Timestamp) -> Answer {
    match news {
        News::Restored(restored) => restored::restored(world, *restored, now),
        News::Configured(fleet) => configured::configured(world, *fleet, now),
        News::Link(event) => link::link(world, event, now),
        News::Backend(id, event) => backend::event(world, &id, event, now),
        News::Source(id, event) => source::event(world, &id, event, now),
        News::Sampled(pool, sample) => signal::sampled(world, &pool, sample, now),
        News::Timetable(pool, table) => configured::timetable(world, &pool, table),
        News::Answered(answer) => answered::answered(world, answer, now),
        News::Operator(wish) => operator(world, wish, now),
        News::Planned(plan) => planned::planned(world, &plan.0, &plan.1, now),
        News::Minted(agent, digest) => minted(world, agent, digest),
    }
}

fn operator(world: &mut World, wish: Operator, now: Timestamp) -> Answer {
    match wish {
        Operator::Stop => stop(world, Shutdown::Leave, now),
        Operator::Shutdown(how) => stop(world, how, now),
        Operator::Cordon { agent, undo } => cordon(world, agent, !undo, now),
        Operator::Look => look(world),
        Operator::Reap(backend, agent) => reap(world, &backend, agent),
        Operator::ReapOther(backend, owner, agent) => {
            others::wanted(world, &backend, &(owner, agent), now)
        }
        Operator::Drain(name) => {
            if !world.pool_ids.contains_key(&name) {
                return Answer::Refused(Refusal::UnknownPool);
            }
            drained(world, name, true, now)
        }
        // A pool that left the configuration while it was drained may still be undrained.
        Operator::Undrain(name) => {
            if !world.pool_ids.contains_key(&name) && !world.drained.contains(&name) {
                return Answer::Refused(Refusal::UnknownPool);
            }
            drained(world, name, false, now)
        }
    }
}

/// Nothing new from now on. What becomes of agents may only get worse.
fn stop(world: &mut World, how: Shutdown, now: Timestamp) -> Answer {
    let known = core::mem::replace(&mut world.stopping, true) && world.shutdown >= how;
    if known {
        return Answer::Known;
    }
    world.shutdown = world.shutdown.max(how);
    moves::give_back_taken(world, now);
    Answer::Applied
}

/// Who feeds itself cannot be kept from work, and who leaves gets none anyway.
fn cordon(world: &mut World, id: AgentId, cordoned: bool, now: Timestamp) -> Answer {
    let Some(agent) = world.agents.get_mut(&id) else {
        return Answer::Refused(Refusal::UnknownAgent);
    };
    if agent.record.kind == AgentKind::Worker {
        return Answer::Refused(Refusal::Contradiction);
    }
    let comes = agent.is_launching() || agent.record.phase == AgentPhase::Ready;
    if cordoned && !comes {
        return Answer::Refused(Refusal::AgentLeaving);
    }
    if agent.record.cordoned == cordoned {
        return Answer::Known;
    }
    agent.record.cordoned = cordoned;
    world.touched.agents.insert(id);
    moves::give_back_taken(world, now);
    Answer::Applied
}

/// A list under way may be older than the wish, so another follows it.
fn look(world: &mut World) -> Answer {
    for facts in world.backends.values_mut() {
        facts.fresh = false;
        match facts.listing.is_in_flight() {
            true => facts.missed = true,
            false => facts.listing = crate::Effect::None,
        }
        facts.others.doubt();
    }
    Answer::Applied
}

/// Only what a list has shown, and no agent of the ledger is.
fn reap(world: &mut World, backend: &BackendId, id: AgentId) -> Answer {
    let facts = world.backends.get_mut(backend);
    let Some(stranger) = facts.and_then(|facts| facts.strangers.get_mut(&id)) else {
        return Answer::Refused(Refusal::UnknownAgent);
    };
    match core::mem::replace(&mut stranger.removal.wanted, true) {
        true => Answer::Known,
        false => Answer::Applied,
    }
}

fn drained(
    world: &mut World,
    name: headcount_model::PoolName,
    drained: bool,
    now: Timestamp,
) -> Answer {
    let id = world.pool_ids.get(&name).copied();
    let changed = if drained {
        world.drained.insert(name)
    } else {
        world.drained.remove(&name)
    };
    if let Some(pool) = id.and_then(|id| world.pools.get_mut(&id)) {
        pool.drained = drained;
        signal::begin_anew(pool);
    }
    if !changed {
        return Answer::Known;
    }
    world.touched.drained = true;
    moves::give_back_taken(world, now);
    Answer::Applied
}

/// A digest is accepted only for an agent that is being created and will register: once
/// it has, no further token may be added.
fn minted(
    world: &mut World,
    agent: headcount_model::AgentId,
    digest: headcount_model::Digest,
) -> Answer {
    let Some(agent) = world.agents.get_mut(&agent) else {
        return Answer::Refused(Refusal::UnknownAgent);
    };
    if agent.record.phase != AgentPhase::Creating || agent.record.kind == AgentKind::Worker {
        return Answer::Refused(Refusal::Contradiction);
    }
    agent.record.tokens.push(digest);
    world.touched.agents.insert(agent.record.id);
    Answer::Applied
}
