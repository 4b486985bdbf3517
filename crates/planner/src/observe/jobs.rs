//! How actions on jobs went: taken, told to their sources, ended while they waited.

use headcount_model::{
    AgentId, AgentPhase, Answer, ClassKey, JobId, Refusal, Taken, TakenJob, Timestamp, Trouble,
};

use super::answered::{FIRST_RETRY, retry};
use super::moves::{end_job, move_job};
use super::source;
use crate::lifecycle::job::JobInput;
use crate::world::Take;
use crate::{Effect, Job, JobPhase, PoolId, World};

pub(super) fn took(
    world: &mut World,
    id: u64,
    result: Result<Taken, Trouble>,
    now: Timestamp,
) -> Answer {
    let Some(take) = world.takes.remove(&id) else {
        return Answer::Refused(Refusal::Contradiction);
    };
    world.takes_of.remove(&(take.class, id));
    // Kept, because a class is forgotten with its last waiting job.
    let class = world.classes.get(&take.class);
    let class = class.map(|class| (class.key.clone(), class.candidates.clone()));
    let Some((key, pools)) = class else {
        return Answer::Refused(Refusal::Contradiction);
    };
    let jobs = match result {
        Ok(taken) => {
            if let Some(facts) = world.sources.get_mut(&key.source) {
                facts.taking = Effect::None;
            }
            source::set_count(world, &key, taken.class_after, taken.sample);
            taken.jobs
        }
        Err(trouble) => {
            not_taken(world, &key, trouble, now);
            alloc::vec::Vec::new()
        }
    };
    let ids: alloc::vec::Vec<JobId> = jobs.iter().map(|job| job.job).collect();
    arrived(world, (&key, &pools), jobs, &take, now);
    source::cancel_early(world, &key.source, &ids, now);
    source::forget_empty(world, take.class);
    Answer::Applied
}

/// What the source has handed out is unknown until it is asked again.
fn not_taken(world: &mut World, key: &ClassKey, trouble: Trouble, now: Timestamp) {
    if let Some(facts) = world.sources.get_mut(&key.source) {
        facts.fresh = false;
        facts.doubted = true;
        facts.trouble = Some(trouble.message);
        facts.taking = retry(facts.taking, now);
    }
}

/// Each job is meant for the slot it was taken for. One for which there is no slot (any
/// more) goes back: nothing that was handed out is forgotten.
fn arrived(
    world: &mut World,
    (key, pools): (&ClassKey, &[PoolId]),
    jobs: alloc::vec::Vec<TakenJob>,
    take: &Take,
    now: Timestamp,
) {
    for (n, info) in jobs.into_iter().enumerate() {
        let id = info.job;
        let Some(agent) = take.agents.get(n).or(take.agents.last()).copied() else {
            continue;
        };
        let Some(stale_answer) = make_place(world, id) else {
            continue;
        };
        let job = Job {
            stale_answer,
            ..fresh_job(key, info, agent)
        };
        world.jobs.insert(id, job);
        let accepts = n < take.agents.len() && accepts(world, pools, agent);
        match world.agents.get_mut(&agent).filter(|_| accepts) {
            Some(agent) => agent.jobs.push(id),
            None => drop(move_job(world, id, JobInput::Unclaimed, now)),
        }
    }
}

/// Ends what is in the book under this id, if its source was being told of it: handed out
/// again, it has heard. Says whether its answer is still to come; none if the job is in
/// somebody's hands and must not be in two.
fn make_place(world: &mut World, id: JobId) -> Option<bool> {
    let Some(job) = world.jobs.get(&id) else {
        return Some(false);
    };
    if !matches!(job.phase, JobPhase::Settling(_)) {
        return None;
    }
    let stale_answer = job.effect.is_in_flight() || job.stale_answer;
    end_job(world, id);
    Some(stale_answer)
}

/// Whether the agent may still be given a job that these pools serve: a reload meanwhile
/// may have shut its own, or put it behind a gate.
fn accepts(world: &World, pools: &[PoolId], id: AgentId) -> bool {
    world.agents.get(&id).is_some_and(|agent| {
        agent.record.phase == AgentPhase::Ready
            && agent.free_slots() > 0
            && !agent.record.cordoned
            && world.takes_work(agent.pool)
            && pools.contains(&agent.pool)
    })
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
        stale_answer: false,
        assigned_at: None,
        claim_from: None,
        claimed_at: None,
        ended_at: None,
        outcome: None,
    }
}

pub(super) fn settled(
    world: &mut World,
    id: JobId,
    result: Result<(), Trouble>,
    now: Timestamp,
) -> Answer {
    let Some(job) = world.jobs.get_mut(&id) else {
        return Answer::Known;
    };
    if core::mem::replace(&mut job.stale_answer, false) {
        return Answer::Known;
    }
    if !job.effect.is_in_flight() || !matches!(job.phase, JobPhase::Settling(_)) {
        return Answer::Refused(Refusal::Contradiction);
    }
    match result {
        Ok(()) => move_job(world, id, JobInput::Settled, now),
        Err(_) => {
            job.effect = retry(job.effect, now);
            Answer::Applied
        }
    }
}

/// Jobs that still wait after their class was ended are looked at again a little later,
/// so that a source that is slow to tell is not asked without pause.
pub(super) fn end_waiting(
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
            Ok(()) => Effect::RetryAt(now.after(FIRST_RETRY), 0),
            Err(_) => retry(class.ending, now),
        };
    }
    source::forget_empty(world, id);
    Answer::Applied
}
