//! How actions went.

use core::time::Duration;

use headcount_model::{
    AgentId, AgentPhase, Answer, ClassKey, JobId, Reason, Refusal, Taken, TakenJob, Timestamp,
    Trouble, TroubleKind,
};

use super::moves::{move_agent, move_job};
use super::{backend, source};
use crate::lifecycle::agent::AgentInput;
use crate::lifecycle::job::JobInput;
use crate::world::delay_after;
use crate::{Answered, Effect, Job, JobPhase, World};

const FIRST_RETRY: Duration = Duration::from_millis(200);
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// When something that failed `tries` times in a row is tried again.
pub(super) fn retry_at(tries: u32, now: Timestamp) -> Timestamp {
    now.after(delay_after(
        tries.saturating_sub(1),
        FIRST_RETRY,
        LONGEST_RETRY,
    ))
}

fn retry(effect: Effect, now: Timestamp) -> Effect {
    let tries = effect.tries() + 1;
    Effect::RetryAt(retry_at(tries, now), tries)
}

pub(super) fn answered(world: &mut World, answer: Answered, now: Timestamp) -> Answer {
    match answer {
        Answered::Create(agent, result) => create(world, agent, result, now),
        Answered::Destroy(agent, result) => destroy(world, agent, result, now),
        Answered::Reap(backend, agent, result) => {
            let strangers = &mut backend::facts(world, &backend).strangers;
            match (result, strangers.get_mut(&agent)) {
                (Ok(()), _) => drop(strangers.remove(&agent)),
                (Err(_), Some(stranger)) => stranger.effect = retry(stranger.effect, now),
                (Err(_), None) => {}
            }
            Answer::Applied
        }
        Answered::List(id, result) => backend::listed(world, &id, result, now),
        Answered::Reserve(agent, result) => reserve(world, agent, result, now),
        Answered::Release(agent, result) => release(world, agent, result, now),
        Answered::Assign(job, attempt, result) => told(world, job, attempt, result, now),
        Answered::Cancel(job, attempt, result) => {
            if let (Err(_), Some(job)) = (&result, world.jobs.get_mut(&job)) {
                job.cancel_told = false;
            }
            told(world, job, attempt, result, now)
        }
        Answered::Drain(agent, result) => drain(world, agent, result, now),
        Answered::Take(take, result) => took(world, take, result, now),
        Answered::Refresh(id, result) => source::refreshed(world, &id, result, now),
        Answered::Settle(job, result) => settled(world, job, result, now),
        Answered::EndWaiting(key, result) => end_waiting(world, &key, result, now),
    }
}

fn create(world: &mut World, id: AgentId, result: Result<(), Trouble>, now: Timestamp) -> Answer {
    let round = world.round;
    let Some(agent) = world.agents.get_mut(&id) else {
        return Answer::Refused(Refusal::UnknownAgent);
    };
    agent.effect = Effect::None;
    agent.listable_from = round;
    let phase = agent.record.phase;
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
        Ok(()) => move_agent(world, id, AgentInput::Absent, now),
        Err(_) => {
            agent.effect = retry(agent.effect, now);
            Answer::Applied
        }
    }
}

fn reserve(world: &mut World, id: AgentId, result: Result<(), Trouble>, now: Timestamp) -> Answer {
    let Some(agent) = world.agents.get_mut(&id) else {
        return Answer::Refused(Refusal::UnknownAgent);
    };
    agent.effect = Effect::None;
    let pool = agent.pool;
    let Err(trouble) = result else {
        return move_agent(world, id, AgentInput::Reserved, now);
    };
    agent.record.leaves_for = Some(Reason::MachinePoolRefused);
    if let Some(pool) = world.pools.get_mut(&pool) {
        pool.backoff.refused_until = retry_at(4, now);
        pool.backoff.last = Some((now, trouble.message));
    }
    let input = match trouble.kind {
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
        Err(_) => {
            agent.effect = retry(agent.effect, now);
            Answer::Applied
        }
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
    if result.is_err() && agent.record.phase == AgentPhase::Draining {
        agent.told_to_drain = false;
        agent.effect = retry(agent.effect, now);
    }
    Answer::Applied
}

fn took(world: &mut World, take: u64, result: Result<Taken, Trouble>, now: Timestamp) -> Answer {
    let Some(take) = world.takes.remove(&take) else {
        return Answer::Refused(Refusal::Contradiction);
    };
    let Some(key) = world
        .classes
        .get(&take.class)
        .map(|class| class.key.clone())
    else {
        return Answer::Refused(Refusal::Contradiction);
    };
    let taken = match result {
        Ok(taken) => taken,
        Err(trouble) => {
            // What the source has handed out is unknown until it is asked again.
            if let Some(facts) = world.sources.get_mut(&key.source) {
                facts.fresh = false;
                facts.trouble = Some(trouble.message);
            }
            source::forget_empty(world, take.class);
            return Answer::Applied;
        }
    };
    for (info, agent) in taken.jobs.into_iter().zip(take.agents) {
        let id = info.job;
        world.jobs.insert(id, fresh_job(&key, info, agent));
        let ready = world
            .agents
            .get_mut(&agent)
            .filter(|a| a.record.phase == AgentPhase::Ready);
        match ready {
            Some(agent) => agent.jobs.push(id),
            None => drop(move_job(world, id, JobInput::Unclaimed, now)),
        }
    }
    if source::newer(world, &key.source, taken.sample) {
        source::set_count(world, &key, taken.class_after);
    }
    source::forget_empty(world, take.class);
    Answer::Applied
}

fn fresh_job(key: &ClassKey, info: TakenJob, agent: AgentId) -> Job {
    Job {
        source: key.source.clone(),
        info,
        phase: JobPhase::Taken,
        agent,
        effect: Effect::None,
        cancel_requested: false,
        cancel_told: false,
        assigned_at: None,
        claimed_at: None,
        ended_at: None,
        outcome: None,
    }
}

fn settled(world: &mut World, id: JobId, result: Result<(), Trouble>, now: Timestamp) -> Answer {
    match result {
        Err(trouble) if trouble.kind != TroubleKind::Gone => {
            if let Some(job) = world.jobs.get_mut(&id) {
                job.effect = retry(job.effect, now);
            }
            Answer::Applied
        }
        // A job its source no longer knows needs no settling.
        _ => move_job(world, id, JobInput::Settled, now),
    }
}

fn end_waiting(
    world: &mut World,
    key: &ClassKey,
    result: Result<(), Trouble>,
    now: Timestamp,
) -> Answer {
    let Some(id) = world.class_ids.get(key).copied() else {
        return Answer::Known;
    };
    if let Some(class) = world.classes.get_mut(&id) {
        class.ending = match result {
            Ok(()) => Effect::None,
            Err(_) => retry(class.ending, now),
        };
    }
    source::forget_empty(world, id);
    Answer::Applied
}
