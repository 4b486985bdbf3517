//! What agents tell: registration, resumption, claims, results.

use headcount_model::{
    AgentId, AgentPhase, Answer, Digest, Held, JobId, LinkEvent, Outcome, Refusal, Timestamp,
};

use super::moves::{move_agent, move_job};
use crate::lifecycle::agent::AgentInput;
use crate::lifecycle::job::JobInput;
use crate::{JobPhase, Link, World};

pub(super) fn link(world: &mut World, event: LinkEvent, now: Timestamp) -> Answer {
    match event {
        LinkEvent::Registered {
            agent,
            token,
            session,
        } => registered(world, agent, token, session, now),
        LinkEvent::Resumed {
            agent,
            session,
            held,
        } => resumed(world, agent, session, &held, now),
        LinkEvent::Disconnected(agent) => disconnected(world, agent, now),
        LinkEvent::Claimed {
            agent,
            job,
            attempt,
        } => claimed(world, agent, job, attempt, now),
        LinkEvent::Declined {
            agent,
            job,
            attempt,
        } => declined(world, agent, job, attempt, now),
        LinkEvent::Finished {
            agent,
            job,
            attempt,
            outcome,
        } => finished(world, agent, job, attempt, outcome, now),
        LinkEvent::Leaving(agent) => leaving(world, agent, now),
    }
}

/// The same token with the same session is a lost answer; with another session it is
/// stolen or shown twice.
fn registered(
    world: &mut World,
    id: AgentId,
    token: Digest,
    session: Digest,
    now: Timestamp,
) -> Answer {
    let Some(agent) = world.agents.get_mut(&id) else {
        return Answer::Refused(Refusal::UnknownAgent);
    };
    if let (Some(used), Some(known)) = (agent.record.used_token, agent.record.session) {
        if known != session || used != token {
            return Answer::Refused(Refusal::TokenUsed);
        }
        return came_back(world, id);
    }
    if !agent
        .record
        .tokens
        .iter()
        .fold(false, |found, known| found | (*known == token))
    {
        return Answer::Refused(Refusal::BadToken);
    }
    if let Answer::Refused(refusal) = move_agent(world, id, AgentInput::Ready, now) {
        return Answer::Refused(refusal);
    }
    let mut pool = None;
    if let Some(agent) = world.agents.get_mut(&id) {
        agent.record.tokens.clear();
        agent.record.used_token = Some(token);
        agent.record.session = Some(session);
        agent.link = Link::Up;
        pool = Some(agent.pool);
        world.touched.agents.insert(id);
    }
    if let Some(pool) = pool.and_then(|pool| world.pools.get_mut(&pool)) {
        pool.backoff.worked();
    }
    Answer::Applied
}

fn resumed(
    world: &mut World,
    id: AgentId,
    session: Digest,
    held: &[Held],
    now: Timestamp,
) -> Answer {
    let Some(agent) = world.agents.get(&id) else {
        return Answer::Refused(Refusal::UnknownAgent);
    };
    if agent.record.session != Some(session) {
        return Answer::Refused(Refusal::BadSession);
    }
    // After a restore from a backup an attempt may belong to somebody else by now: an
    // agent that holds such a one is fenced off whole.
    if held.iter().any(|held| is_foreign(world, id, held)) {
        return Answer::Refused(Refusal::NotYours);
    }
    let answer = came_back(world, id);
    if !matches!(answer, Answer::Refused(_)) {
        compare_held(world, id, held, now);
    }
    answer
}

/// What the agent was granted it has claimed; what it neither was granted nor is about to
/// claim again it does not run, whatever the book says, and will never tell the end of.
fn compare_held(world: &mut World, id: AgentId, held: &[Held], now: Timestamp) {
    let jobs = world.agents.get(&id).map(|agent| agent.jobs.clone());
    for job in jobs.unwrap_or_default() {
        let phase = world.jobs.get(&job).map(|job| &job.phase);
        let held = held.iter().find(|held| held.job == job);
        match phase {
            Some(JobPhase::Assigned) if held.is_some_and(|held| held.granted) => {
                move_job(world, job, JobInput::Claim, now)
            }
            Some(JobPhase::Running) if held.is_none() => {
                move_job(world, job, JobInput::AgentAbsent, now)
            }
            _ => continue,
        };
    }
}

/// A claim that was never granted harms nobody: it is denied when it comes again.
fn is_foreign(world: &World, agent: AgentId, held: &Held) -> bool {
    let job = world.jobs.get(&held.job);
    held.granted && job.is_some_and(|job| job.agent != agent || job.attempt() != held.attempt)
}

fn came_back(world: &mut World, id: AgentId) -> Answer {
    let Some(agent) = world.agents.get_mut(&id) else {
        return Answer::Refused(Refusal::UnknownAgent);
    };
    match agent.record.phase {
        AgentPhase::Destroying | AgentPhase::Quarantined | AgentPhase::Releasing => {
            return Answer::Refused(Refusal::AgentLeaving);
        }
        _ => {}
    }
    let known = agent.link == Link::Up;
    agent.link = Link::Up;
    agent.told_to_drain = false;
    // What was said into the broken connection may be lost: it is said again.
    for job in agent.jobs.clone() {
        if let Some(job) = world.jobs.get_mut(&job) {
            if job.phase == JobPhase::Assigned {
                job.effect = crate::Effect::None;
            }
            job.cancel_told = false;
        }
    }
    if known {
        Answer::Known
    } else {
        Answer::Applied
    }
}

fn disconnected(world: &mut World, id: AgentId, now: Timestamp) -> Answer {
    let Some(agent) = world.agents.get_mut(&id) else {
        return Answer::Refused(Refusal::UnknownAgent);
    };
    if agent.link != Link::Up {
        return Answer::Known;
    }
    agent.link = Link::Down(now);
    Answer::Applied
}

/// An agent that says so itself need not be told.
fn leaving(world: &mut World, id: AgentId, now: Timestamp) -> Answer {
    if let Some(agent) = world.agents.get_mut(&id) {
        agent.told_to_drain = true;
    }
    move_agent(world, id, AgentInput::Drain, now)
}

/// Whether this attempt of this job is this agent's.
fn is_mine(world: &World, agent: AgentId, job: JobId, attempt: u32) -> bool {
    let job = world.jobs.get(&job);
    job.is_some_and(|job| job.agent == agent && job.attempt() == attempt)
}

fn claimed(world: &mut World, agent: AgentId, job: JobId, attempt: u32, now: Timestamp) -> Answer {
    let ready = world.agents.get(&agent).is_some_and(|agent| {
        matches!(agent.record.phase, AgentPhase::Ready | AgentPhase::Draining)
    });
    if !ready || !is_mine(world, agent, job, attempt) {
        return Answer::Refused(Refusal::NotYours);
    }
    // A job whose end is wanted does not start.
    if world
        .jobs
        .get(&job)
        .is_some_and(|job| job.cancel_requested && job.claimed_at.is_none())
    {
        return Answer::Refused(Refusal::NotYours);
    }
    move_job(world, job, JobInput::Claim, now)
}

fn declined(world: &mut World, agent: AgentId, job: JobId, attempt: u32, now: Timestamp) -> Answer {
    if !is_mine(world, agent, job, attempt) {
        return Answer::Known;
    }
    match world.jobs.get(&job).map(|job| &job.phase) {
        Some(JobPhase::Assigned) => move_job(world, job, JobInput::Unclaimed, now),
        _ => Answer::Known,
    }
}

fn finished(
    world: &mut World,
    agent: AgentId,
    job: JobId,
    attempt: u32,
    outcome: Outcome,
    now: Timestamp,
) -> Answer {
    // What is settled is forgotten here, so an attempt that is not in the book was
    // recorded before, or fenced off; either way the agent may forget it.
    if !is_mine(world, agent, job, attempt) {
        return Answer::Known;
    }
    if let Some(job) = world.jobs.get_mut(&job)
        && job.phase == JobPhase::Running
    {
        job.outcome = Some(outcome);
    }
    move_job(world, job, JobInput::Finish, now)
}
