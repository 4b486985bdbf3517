//! What the ledger kept becomes the world: everything that may exist is believed to
//! exist until its backend says otherwise.

use headcount_model::{AgentId, AgentPhase, AgentRecord, Answer, Refusal, Timestamp};

use super::configured::pool_id;
use crate::world::{Backend, SourceFacts};
use crate::{Agent, Effect, Job, Link, Restored, World};

pub(super) fn restored(world: &mut World, restored: Restored, now: Timestamp) -> Answer {
    if !world.agents.is_empty() || !world.jobs.is_empty() {
        return Answer::Refused(Refusal::Contradiction);
    }
    world.owner = Some(restored.owner);
    world.epoch = restored.epoch;
    for source in restored.sources {
        world
            .sources
            .insert(source.id.clone(), SourceFacts::new(source));
    }
    world.drained = restored.drained_pools.into_iter().collect();
    for pool in world.pools.values_mut() {
        pool.drained = world.drained.contains(&pool.name);
    }
    for record in restored.agents {
        restore_agent(world, record, now);
    }
    for record in restored.attempts {
        let job = Job::restored(record);
        let id = job.info.job;
        let held = !matches!(job.phase, crate::JobPhase::Settling(_));
        match world.agents.get_mut(&job.agent).filter(|_| held) {
            Some(agent) => agent.jobs.push(id),
            None if held => {
                // Its agent was gone before the crash; only the job's end is missing.
                world.jobs.insert(id, job);
                super::moves::move_job(
                    world,
                    id,
                    crate::lifecycle::job::JobInput::AgentAbsent,
                    now,
                );
                continue;
            }
            None => {}
        }
        world.jobs.insert(id, job);
    }
    // Records of before there were accounts have none.
    let agents: alloc::vec::Vec<AgentId> = world.agents.keys().copied().collect();
    for agent in agents {
        super::account::turn(world, agent, now);
    }
    Answer::Applied
}

fn restore_agent(world: &mut World, record: AgentRecord, now: Timestamp) {
    if record.phase == AgentPhase::Releasing && record.machine_pool.is_none() {
        // Absent, and no shared ledger has room of it.
        world.touched.agents.insert(record.id);
        return;
    }
    let pool = pool_id(world, &record.pool, &record.scaler);
    let backend = record.backend.clone();
    let facts = world.backends.entry(backend.clone());
    facts.or_insert_with(|| Backend::new(backend)).is_used(now);
    let agent = Agent {
        pool,
        // An agent that had registered has the recovery time to come back.
        link: if record.session.is_some() {
            Link::Down(now)
        } else {
            Link::Never
        },
        effect: match record.phase {
            AgentPhase::Creating => Effect::Unknown,
            _ => Effect::None,
        },
        jobs: alloc::vec::Vec::new(),
        launch_from: now,
        idle_since: now,
        told_to_drain: false,
        listable_from: 0,
        launch_trouble: None,
        unclear: None,
        // What an earlier daemon saw of it is not written down.
        seen: true,
        waits_for: None,
        unpriced: alloc::vec::Vec::new(),
        stays_for: None,
        absent_since: None,
        record,
    };
    world.agents_of.insert((pool, agent.record.id));
    world.agents.insert(agent.record.id, agent);
}
