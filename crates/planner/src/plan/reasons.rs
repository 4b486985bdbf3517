//! Every agent and every taken job has exactly one reason; every pool its numbers.

use alloc::collections::BTreeMap;

use headcount_model::{AgentId, AgentPhase, Reason};

use super::{Round, Tally};
use crate::{Action, Agent, JobPhase, Link, PoolReport};

pub(super) fn tell(round: &mut Round<'_>, tally: &Tally) {
    let ended = round.actions.iter().filter_map(|action| match action {
        Action::Destroy { agent, reason, .. } => Some((*agent, *reason)),
        _ => None,
    });
    let ended: BTreeMap<AgentId, Reason> = ended.collect();
    for agent in round.world.agents.values() {
        let id = agent.record.id;
        let decided = ended.get(&id).or_else(|| round.stays.get(&id)).copied();
        let reason = decided.unwrap_or_else(|| agent_reason(round, agent));
        round.report.agents.push((id, reason));
    }
    for (id, job) in &round.world.jobs {
        let reason = match &job.phase {
            JobPhase::Taken | JobPhase::Assigned => Reason::Assigning,
            JobPhase::Running => running_reason(round, job.agent),
            JobPhase::Lost => Reason::AgentLost,
            JobPhase::Settling(_) => Reason::Done,
        };
        round.report.jobs.push((*id, reason));
    }
    for pool in round.world.pools.values() {
        let n = pool.id.0 as usize;
        let growth = round.growth[n];
        round.report.pools.push(PoolReport {
            pool: pool.id,
            counts: tally.counts[n],
            wanted: growth.wanted,
            allowed: growth.allowed,
            limited_by: growth.limited_by,
            leaving: growth.leaving,
        });
    }
}

fn running_reason(round: &Round<'_>, agent: AgentId) -> Reason {
    let agent = round.world.agents.get(&agent);
    match agent.map(|agent| agent.link) {
        Some(Link::Down(_)) => Reason::ConnectionLost,
        _ => Reason::RunningJob,
    }
}

/// Why an agent of which this plan decides nothing is as it is.
fn agent_reason(round: &Round<'_>, agent: &Agent) -> Reason {
    let leaves = agent.record.leaves_for.unwrap_or(Reason::EndedItself);
    match agent.record.phase {
        AgentPhase::Reserving | AgentPhase::Creating | AgentPhase::Starting => {
            agent.record.made_for
        }
        AgentPhase::Draining | AgentPhase::Destroying | AgentPhase::Releasing => leaves,
        AgentPhase::Ready if matches!(agent.link, Link::Down(_)) => Reason::ConnectionLost,
        AgentPhase::Ready => {
            let works = agent.jobs.iter().filter_map(|id| round.world.jobs.get(id));
            let mut works = works.filter(|job| job.phase == JobPhase::Running);
            if works.next().is_some() {
                Reason::RunningJob
            } else {
                Reason::Promised
            }
        }
    }
}
