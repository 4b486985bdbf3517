//! Every agent and every taken job has exactly one reason; every pool its numbers.

use headcount_model::{AgentId, AgentPhase, Reason};

use super::duties::Duties;
use super::{Round, Tally};
use crate::{Action, Agent, JobPhase, Link, PoolReport};

pub(super) fn tell(round: &mut Round<'_>, tally: Tally<'_>) {
    for (id, job) in &round.world.jobs {
        let reason = match &job.phase {
            JobPhase::Taken | JobPhase::Assigned => Reason::Assigning,
            JobPhase::Running if tally.away.contains(&job.agent) => Reason::ConnectionLost,
            JobPhase::Running => Reason::RunningJob,
            JobPhase::Lost if is_quarantined(round, job.agent) => Reason::AgentQuarantined,
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
            counts: round.counts[n],
            wanted: growth.wanted,
            allowed: growth.allowed,
            limited_by: growth.limited_by,
            leaving: growth.leaving,
            queue: growth.queue,
        });
    }
    tell_agents(round, tally);
}

fn is_quarantined(round: &Round<'_>, agent: AgentId) -> bool {
    let agent = round.world.agents.get(&agent);
    agent.is_some_and(|agent| agent.record.phase == AgentPhase::Quarantined)
}

/// What this plan decides of an agent is its reason; all others keep theirs.
fn tell_agents(round: &mut Round<'_>, tally: Tally<'_>) {
    let mut decided = core::mem::take(&mut round.stays);
    for action in &round.actions {
        if let Action::Destroy { agent, reason, .. } = action {
            decided.tell(*agent, *reason);
        }
    }
    let mut reasons = tally.reasons;
    // Both are in order of id, so they are walked side by side.
    let mut rest = reasons.iter_mut();
    for (agent, reason) in decided.settled() {
        if let Some(told) = rest.find(|(id, _)| *id == agent) {
            told.1 = reason;
        }
    }
    round.report.agents = reasons;
}

/// Why an agent is as it is, as long as nothing is decided of it.
pub(super) fn of(agent: &Agent, duties: &Duties) -> Reason {
    let leaves = agent.record.leaves_for.unwrap_or(Reason::EndedItself);
    match agent.record.phase {
        AgentPhase::Reserving | AgentPhase::Creating | AgentPhase::Starting => {
            agent.record.made_for
        }
        AgentPhase::Draining | AgentPhase::Destroying | AgentPhase::Releasing => leaves,
        AgentPhase::Quarantined => Reason::Quarantined,
        AgentPhase::Ready if matches!(agent.link, Link::Down(_)) => Reason::ConnectionLost,
        AgentPhase::Ready if duties.works(agent) => Reason::RunningJob,
        AgentPhase::Ready => Reason::Promised,
    }
}
