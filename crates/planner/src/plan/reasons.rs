//! Every agent and every taken job has exactly one reason; every pool its numbers.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use headcount_model::{AgentId, AgentPhase, Reason};

use super::{Round, Tally};
use crate::{Action, Agent, JobPhase, Link, PoolReport};

pub(super) fn tell(round: &mut Round<'_>, tally: &Tally) {
    let away = tell_agents(round);
    for (id, job) in &round.world.jobs {
        let reason = match &job.phase {
            JobPhase::Taken | JobPhase::Assigned => Reason::Assigning,
            JobPhase::Running if away.contains(&job.agent) => Reason::ConnectionLost,
            JobPhase::Running => Reason::RunningJob,
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

/// Returns the agents that are out of sight while they have jobs.
fn tell_agents(round: &mut Round<'_>) -> BTreeSet<AgentId> {
    let mut decided = core::mem::take(&mut round.stays);
    decided.extend(round.actions.iter().filter_map(|action| match action {
        Action::Destroy { agent, reason, .. } => Some((*agent, *reason)),
        _ => None,
    }));
    // Both are in order of id, so they are walked side by side.
    let mut decided = decided.into_iter().peekable();
    let mut away = BTreeSet::new();
    let mut reasons = Vec::with_capacity(round.world.agents.len());
    for (id, agent) in &round.world.agents {
        let here = decided.next_if(|(decided, _)| decided == id);
        let reason = here.map_or_else(|| agent_reason(round, agent), |(_, reason)| reason);
        if matches!(agent.link, Link::Down(_)) && !agent.jobs.is_empty() {
            away.insert(*id);
        }
        reasons.push((*id, reason));
    }
    round.report.agents = reasons;
    away
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
        AgentPhase::Ready if round.duties.works(agent) => Reason::RunningJob,
        AgentPhase::Ready => Reason::Promised,
    }
}
