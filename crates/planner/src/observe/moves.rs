//! Moves of agents and jobs: the lifecycle tables applied to the world, with everything
//! that follows from a move. All of `observe` goes through here.

use headcount_model::{
    AgentId, AgentKind, AgentPhase, Answer, JobEnd, JobId, Outcome, Reason, Refusal, Settlement,
    Timestamp,
};

use super::{account, signal};
use crate::lifecycle::agent::{AgentInput, AgentStep};
use crate::lifecycle::job::{JobInput, JobStep};
use crate::lifecycle::{agent, job};
use crate::{Effect, JobPhase, World};

/// Deliveries in a row that nobody claims before a job fails as undeliverable.
pub(crate) const MAX_DELIVERIES: u32 = 5;

/// Something happened to an agent.
pub(crate) fn move_agent(
    world: &mut World,
    id: AgentId,
    input: AgentInput,
    now: Timestamp,
) -> Answer {
    let Some(agent) = world.agents.get_mut(&id) else {
        return Answer::Refused(Refusal::UnknownAgent);
    };
    match agent::step(agent.record.phase, input) {
        AgentStep::Stay => Answer::Known,
        AgentStep::Refuse(refusal) => Answer::Refused(refusal),
        AgentStep::End => {
            let (pool, unmade) = (agent.pool, agent.record.phase == AgentPhase::Reserving);
            end_agent(world, id, now);
            if unmade {
                signal::note_end(world, pool, None, now);
            }
            Answer::Applied
        }
        AgentStep::To(phase) => {
            let (pool, before) = (agent.pool, agent.record.phase);
            let ran_from = (before == AgentPhase::Ready).then_some(agent.record.phase_since);
            agent.record.phase = phase;
            agent.record.phase_since = now;
            if phase == AgentPhase::Ready {
                agent.idle_since = now;
                agent.unclear = None;
                // A worker does not speak: that it ended may be told before that it ran.
                if agent.record.kind != AgentKind::Worker || !agent.effect.is_in_flight() {
                    agent.launch_trouble = None;
                }
            }
            world.touched.agents.insert(id);
            account::turn(world, id, now);
            entered(world, id, phase, now);
            if phase == AgentPhase::Releasing {
                signal::note_end(world, pool, ran_from, now);
            }
            Answer::Applied
        }
    }
}

fn entered(world: &mut World, id: AgentId, phase: AgentPhase, now: Timestamp) {
    let Some(agent) = world.agents.get_mut(&id) else {
        return;
    };
    match phase {
        AgentPhase::Releasing => {
            agent.effect = Effect::None;
            let release = agent.record.machine_pool.is_some();
            jobs_of_absent(world, id, now);
            if !release {
                end_agent(world, id, now);
            }
        }
        AgentPhase::Destroying => {
            for job in agent.jobs.clone() {
                move_job(world, job, JobInput::AgentLost, now);
            }
        }
        AgentPhase::Draining => {
            for job in agent.jobs.clone() {
                if world
                    .jobs
                    .get(&job)
                    .is_some_and(|job| job.phase == JobPhase::Taken)
                {
                    move_job(world, job, JobInput::Unclaimed, now);
                }
            }
        }
        _ => {}
    }
}

fn jobs_of_absent(world: &mut World, id: AgentId, now: Timestamp) {
    let jobs = world
        .agents
        .get(&id)
        .map(|agent| agent.jobs.clone())
        .unwrap_or_default();
    for job in jobs {
        move_job(world, job, JobInput::AgentAbsent, now);
    }
}

fn end_agent(world: &mut World, id: AgentId, now: Timestamp) {
    jobs_of_absent(world, id, now);
    if let Some(agent) = world.agents.remove(&id) {
        world.agents_of.remove(&(agent.pool, id));
        world.touched.agents.insert(id);
        if let Some(backend) = world.backends.get_mut(&agent.record.backend) {
            backend.note_end(id);
        }
        forget_empty_pool(world, agent.pool);
    }
}

/// Jobs that were taken for agents that are given no new jobs any more, and were offered
/// to nobody yet, go back.
pub(crate) fn give_back_taken(world: &mut World, now: Timestamp) {
    let taken = world.jobs.iter().filter(|(_, job)| {
        let agent = world.agents.get(&job.agent);
        job.phase == JobPhase::Taken
            && !agent.is_some_and(|agent| !agent.record.cordoned && world.takes_work(agent.pool))
    });
    let taken: alloc::vec::Vec<JobId> = taken.map(|(id, _)| *id).collect();
    for job in taken {
        move_job(world, job, JobInput::Unclaimed, now);
    }
}

/// A pool that left the configuration is forgotten with its last agent.
pub(crate) fn forget_empty_pool(world: &mut World, pool: crate::PoolId) {
    let removed = world
        .pools
        .get(&pool)
        .is_some_and(|pool| pool.configured.is_none());
    if removed
        && !world.has_agents(pool)
        && let Some(pool) = world.pools.remove(&pool)
    {
        world.pool_ids.remove(&pool.name);
    }
}

/// Something happened to a taken job.
pub(crate) fn move_job(world: &mut World, id: JobId, input: JobInput, now: Timestamp) -> Answer {
    let Some(job) = world.jobs.get_mut(&id) else {
        return Answer::Refused(Refusal::NotYours);
    };
    let phase = match job::step(job.phase.stage(), input) {
        JobStep::Stay => return Answer::Known,
        JobStep::Refuse(refusal) => return Answer::Refused(refusal),
        JobStep::End => {
            end_job(world, id);
            return Answer::Applied;
        }
        JobStep::NoteCancel => {
            let known = core::mem::replace(&mut job.cancel_requested, true);
            if known {
                return Answer::Known;
            }
            world.touched.jobs.insert(id);
            return Answer::Applied;
        }
        JobStep::ToAssigned => {
            job.assigned_at = Some(now);
            JobPhase::Assigned
        }
        JobStep::ToRunning => {
            job.claimed_at = Some(now);
            JobPhase::Running
        }
        JobStep::ToLost => JobPhase::Lost,
        JobStep::SettleUnclaimed => JobPhase::Settling(unclaimed(job)),
        JobStep::SettleFinished => JobPhase::Settling(finished(job)),
        JobStep::SettleLost => JobPhase::Settling(lost(job)),
        JobStep::SettleCancelled => {
            job.cancel_requested = true;
            JobPhase::Settling(Settlement::Complete(JobEnd::Cancelled { outcome: None }))
        }
    };
    let over = matches!(phase, JobPhase::Settling(_) | JobPhase::Lost);
    job.phase = phase;
    job.effect = Effect::None;
    if over && job.ended_at.is_none() {
        job.ended_at = Some(now);
    }
    let settling = matches!(job.phase, JobPhase::Settling(_));
    let agent = job.agent;
    world.touched.jobs.insert(id);
    if settling {
        free_slot(world, agent, id, now);
    }
    account::turn(world, agent, now);
    Answer::Applied
}

/// The job's slot is free again; an agent that has run its last job is told so by `plan`.
fn free_slot(world: &mut World, agent: AgentId, job: JobId, now: Timestamp) {
    let claimed = world
        .jobs
        .get(&job)
        .is_some_and(|job| job.claimed_at.is_some());
    let Some(agent) = world.agents.get_mut(&agent) else {
        return;
    };
    agent.jobs.retain(|held| *held != job);
    if claimed {
        agent.record.jobs_done = agent.record.jobs_done.saturating_add(1);
        world.touched.agents.insert(agent.record.id);
    }
    agent.idle_since = now;
}

pub(super) fn end_job(world: &mut World, id: JobId) {
    if let Some(job) = world.jobs.remove(&id) {
        world.touched.jobs.remove(&id);
        if job.assigned_at.is_some() {
            world.touched.settled.insert((id, job.attempt()));
        }
    }
}

/// What the source is told of a job that its agent did not claim.
pub(crate) fn unclaimed(job: &crate::Job) -> Settlement {
    // A job that was merely taken was not delivered to anybody.
    let delivered = job.phase == JobPhase::Assigned;
    if job.cancel_requested {
        Settlement::Complete(JobEnd::Cancelled { outcome: None })
    } else if delivered && job.info.deliveries + 1 >= MAX_DELIVERIES {
        failed(Reason::Undeliverable, None)
    } else {
        Settlement::Return
    }
}

fn finished(job: &crate::Job) -> Settlement {
    let outcome = job.outcome.clone();
    let reason = match &outcome {
        Some(outcome) if outcome.is_success() => {
            return Settlement::Complete(JobEnd::Succeeded);
        }
        Some(Outcome::Cancelled) => {
            return Settlement::Complete(JobEnd::Cancelled { outcome });
        }
        Some(Outcome::TimedOut) => Reason::TimedOut,
        Some(Outcome::NotStarted(_)) => Reason::NotStarted,
        Some(Outcome::Exited(_)) | None => Reason::CommandFailed,
    };
    if job.cancel_requested {
        Settlement::Complete(JobEnd::Cancelled { outcome })
    } else if job.info.retries_left > 0 {
        Settlement::Retry
    } else {
        failed(reason, outcome)
    }
}

fn lost(job: &crate::Job) -> Settlement {
    if job.cancel_requested {
        Settlement::Complete(JobEnd::Cancelled { outcome: None })
    } else if job.info.retries_left > 0 {
        Settlement::Retry
    } else {
        failed(Reason::AgentLost, None)
    }
}

const fn failed(reason: Reason, outcome: Option<Outcome>) -> Settlement {
    Settlement::Complete(JobEnd::Failed { reason, outcome })
}
