//! How actions went.

use core::time::Duration;

use headcount_model::{
    AgentId, AgentKind, AgentPhase, Answer, BackendId, JobId, Reason, Refusal, Timestamp, Trouble,
    TroubleKind, Unreserved,
};

use super::moves::{move_agent, move_job};
use super::{backend, jobs, others, removal, signal, source};
use crate::lifecycle::agent::AgentInput;
use crate::lifecycle::job::JobInput;
use crate::world::delay_after;
use crate::{Answered, Effect, JobPhase, World};

pub(super) const FIRST_RETRY: Duration = Duration::from_millis(200);
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// When something that failed `tries` times in a row is tried again.
fn retry_at(tries: u32, now: Timestamp) -> Timestamp {
    now.after(delay_after(
        tries.saturating_sub(1),
        FIRST_RETRY,
        LONGEST_RETRY,
    ))
}

/// As [`retry`], and not later than after `longest`.
pub(super) fn retry_within(effect: Effect, longest: Duration, now: Timestamp) -> Effect {
    match retry(effect, now) {
        Effect::RetryAt(at, tries) => Effect::RetryAt(at.min(now.after(longest)), tries),
        other => other,
    }
}

/// What failed once more, and when it is tried again.
pub(super) fn retry(effect: Effect, now: Timestamp) -> Effect {
    let tries = effect.tries().saturating_add(1);
    Effect::RetryAt(retry_at(tries, now), tries)
}

pub(super) fn answered(world: &mut World, answer: Answered, now: Timestamp) -> Answer {
    match answer {
        Answered::Create(agent, result) => create(world, agent, result, now),
        Answered::Destroy(agent, result) => {
            destroy(world, agent, result.or_else(gone_is_done), now)
        }
        Answered::Reap(backend, agent, result) => {
            reap(world, &backend, agent, result.or_else(gone_is_done), now)
        }
        Answered::List(id, result) => backend::listed(world, &id, result, now),
        Answered::ListOthers(id, result) => others::listed(world, &id, result, now),
        Answered::ReapOther(backend, owner, agent, result) => {
            others::reaped(world, &backend, (owner, agent), result, now)
        }
        Answered::Reserve(agent, result) => reserve(world, agent, result, now),
        Answered::Release(agent, result) => {
            release(world, agent, result.or_else(gone_is_done), now)
        }
        Answered::Assign(job, attempt, result) => told(world, job, attempt, result, now),
        Answered::Cancel(job, attempt, result) => {
            if let (Err(_), Some(job)) = (&result, world.jobs.get_mut(&job)) {
                job.cancel_told = false;
            }
            told(world, job, attempt, result, now)
        }
        Answered::Drain(agent, result) => drain(world, agent, result, now),
        Answered::Take(take, result) => jobs::took(world, take, result, now),
        Answered::Refresh(id, result) => source::refreshed(world, &id, result, now),
        Answered::Sample(pool, result) => signal::answered(world, &pool, result, now),
        Answered::Settle(job, result) => {
            jobs::settled(world, job, result.or_else(gone_is_done), now)
        }
        Answered::EndWaiting(key, result) => jobs::end_waiting(world, &key, result, now),
    }
}

/// What is no longer there needs no ending: for whatever ends something that is success.
fn gone_is_done(trouble: Trouble) -> Result<(), Trouble> {
    match trouble.kind {
        TroubleKind::Gone => Ok(()),
        _ => Err(trouble),
    }
}

fn reap(
    world: &mut World,
    backend: &BackendId,
    id: AgentId,
    result: Result<(), Trouble>,
    now: Timestamp,
) -> Answer {
    let facts = backend::facts(world, backend);
    let Some(stranger) = facts.strangers.get_mut(&id) else {
        return Answer::Known;
    };
    if stranger.removal.answered(result, now) {
        facts.strangers.remove(&id);
        facts.note_end(id);
    }
    Answer::Applied
}

fn create(world: &mut World, id: AgentId, result: Result<(), Trouble>, now: Timestamp) -> Answer {
    let round = world.round;
    let Some(agent) = world.agents.get_mut(&id) else {
        return Answer::Refused(Refusal::UnknownAgent);
    };
    let phase = agent.record.phase;
    // An agent may be ready before this answer; what is under way while it is being
    // destroyed or released is not its creation.
    if !matches!(phase, AgentPhase::Destroying | AgentPhase::Releasing) {
        agent.effect = Effect::None;
    }
    agent.listable_from = round;
    // It was seen to end before this answer, or a list did not show it: the next one says
    // what became of it. An agent that speaks has said so itself.
    let ran = phase == AgentPhase::Ready && agent.record.kind == AgentKind::Worker;
    let made = phase == AgentPhase::Creating && result.is_ok();
    if agent.launch_trouble.is_some() && (ran || made) {
        agent.effect = Effect::Unknown;
    }
    let Err(trouble) = result else {
        return move_agent(world, id, AgentInput::Created, now);
    };
    // An agent that has registered exists, whatever the backend believes.
    if phase != AgentPhase::Creating {
        return Answer::Known;
    }
    match trouble.kind {
        TroubleKind::Unknown => {
            agent.effect = Effect::Unknown;
            agent.unclear = Some(trouble.message.clone());
            agent.launch_trouble = Some(trouble.message);
            move_agent(world, id, AgentInput::CreateUnknown, now)
        }
        TroubleKind::NoCapacity(after) => not_created(world, id, trouble.message, after, now),
        TroubleKind::Transient | TroubleKind::Invalid | TroubleKind::Gone => {
            not_created(world, id, trouble.message, None, now)
        }
    }
}

fn not_created(
    world: &mut World,
    id: AgentId,
    message: alloc::string::String,
    after: Option<Duration>,
    now: Timestamp,
) -> Answer {
    backend::launch_failed(world, id, message, after, now);
    if let Some(agent) = world.agents.get_mut(&id) {
        agent.record.leaves_for = Some(Reason::CreateFailed);
    }
    move_agent(world, id, AgentInput::NotCreated, now)
}

fn destroy(world: &mut World, id: AgentId, result: Result<(), Trouble>, now: Timestamp) -> Answer {
    let round = world.round;
    let Some(agent) = world.agents.get_mut(&id) else {
        return Answer::Known;
    };
    agent.listable_from = round;
    match result {
        Ok(()) => removal::destroyed(world, id, now),
        Err(trouble) => removal::refused(world, id, trouble, now),
    }
}

fn reserve(
    world: &mut World,
    id: AgentId,
    result: Result<(), Unreserved>,
    now: Timestamp,
) -> Answer {
    let Some(agent) = world.agents.get_mut(&id) else {
        return Answer::Refused(Refusal::UnknownAgent);
    };
    // The answer to a reservation that was given up is of no consequence here.
    if agent.record.phase != AgentPhase::Reserving {
        return Answer::Known;
    }
    agent.effect = Effect::None;
    let machine_pool = agent.record.machine_pool.clone();
    let Err(why) = result else {
        if let Some(facts) = machine_pool.and_then(|name| world.machine_pools.get_mut(&name)) {
            facts.granted(now);
        }
        return move_agent(world, id, AgentInput::Reserved, now);
    };
    agent.record.leaves_for = Some(Reason::MachinePoolRefused);
    let kind = why.trouble.kind;
    if let Some(name) = machine_pool {
        world
            .machine_pools
            .entry(name)
            .or_default()
            .refused(why, now);
    }
    let input = match kind {
        TroubleKind::Unknown => AgentInput::Destroy,
        _ => AgentInput::ReserveRefused,
    };
    move_agent(world, id, input, now)
}

fn release(world: &mut World, id: AgentId, result: Result<(), Trouble>, now: Timestamp) -> Answer {
    let Some(agent) = world.agents.get_mut(&id) else {
        return Answer::Known;
    };
    match result {
        Ok(()) => move_agent(world, id, AgentInput::Released, now),
        Err(_) if agent.record.phase == AgentPhase::Releasing => {
            agent.effect = retry(agent.effect, now);
            Answer::Applied
        }
        Err(_) => Answer::Known,
    }
}

/// An offer or a request to end a job was handed over, or not. While it was, the job
/// waits for the agent's word and nothing is repeated.
fn told(
    world: &mut World,
    id: JobId,
    attempt: u32,
    result: Result<(), Trouble>,
    now: Timestamp,
) -> Answer {
    let Some(job) = world
        .jobs
        .get_mut(&id)
        .filter(|job| job.attempt() == attempt)
    else {
        return Answer::Known;
    };
    if job.phase == JobPhase::Assigned {
        job.claim_from.get_or_insert(now);
    }
    let Err(trouble) = result else {
        return Answer::Applied;
    };
    if trouble.kind == TroubleKind::Gone && job.phase == JobPhase::Assigned {
        return move_job(world, id, JobInput::Unclaimed, now);
    }
    job.effect = retry(job.effect, now);
    Answer::Applied
}

fn drain(world: &mut World, id: AgentId, result: Result<(), Trouble>, now: Timestamp) -> Answer {
    let Some(agent) = world.agents.get_mut(&id) else {
        return Answer::Known;
    };
    if agent.record.phase != AgentPhase::Draining {
        return Answer::Known;
    }
    agent.effect = match result {
        Ok(()) => Effect::None,
        Err(_) => {
            agent.told_to_drain = false;
            retry(agent.effect, now)
        }
    };
    Answer::Applied
}
