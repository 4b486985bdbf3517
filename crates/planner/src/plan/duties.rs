//! What agents owe for the jobs they were given: found in one walk over the jobs, because
//! looking each job up again for its agent is what a large plan would spend its time on.

use alloc::collections::BTreeMap;
use core::time::Duration;

use headcount_model::{AgentId, Reason, Timeouts};

use super::wakes::Wakes;
use crate::{Agent, Effect, Job, JobPhase, Link, WakeReason, World};

/// The daemon's patience behind the agent's own with a job's timeout.
const TIMEOUT_BACKSTOP: Duration = Duration::from_secs(60);

/// Agents that were given jobs, as far as it is not simply "it runs them".
#[derive(Default)]
pub(crate) struct Duties {
    /// Jobs an agent was given and has not claimed.
    unclaimed: BTreeMap<AgentId, usize>,
    /// Agents that did not do what they should have done by now.
    overdue: BTreeMap<AgentId, Reason>,
}

impl Duties {
    /// Walks over all jobs; deadlines that lie ahead set the alarm.
    pub(crate) fn of(world: &World, timeouts: &[Timeouts], wakes: &mut Wakes) -> Self {
        let mut duties = Self::default();
        for job in world.jobs.values() {
            match job.phase {
                JobPhase::Taken | JobPhase::Assigned => {
                    *duties.unclaimed.entry(job.agent).or_insert(0) += 1;
                    if unresponsive(world, timeouts, job, wakes) {
                        duties.overdue.insert(job.agent, Reason::Unresponsive);
                    }
                }
                JobPhase::Running if overran(job, wakes) => {
                    duties.overdue.entry(job.agent).or_insert(Reason::AgentLost);
                }
                JobPhase::Running | JobPhase::Lost | JobPhase::Settling(_) => {}
            }
        }
        duties
    }

    /// Why this agent must go, if it did not do its duty.
    pub(crate) fn overdue(&self, agent: &Agent) -> Option<Reason> {
        self.overdue.get(&agent.record.id).copied()
    }

    /// Agents that must go for not having done their duty, in order of id.
    pub(crate) fn all_overdue(&self) -> impl Iterator<Item = AgentId> {
        self.overdue.keys().copied()
    }

    /// Whether it runs at least one of the jobs it was given.
    pub(crate) fn works(&self, agent: &Agent) -> bool {
        let unclaimed = self.unclaimed.get(&agent.record.id).copied().unwrap_or(0);
        agent.jobs.len() > unclaimed
    }
}

/// Whether its agent heard of it and did not claim it in time.
fn unresponsive(world: &World, timeouts: &[Timeouts], job: &Job, wakes: &mut Wakes) -> bool {
    // An offer into a broken connection is about to be made again.
    let made = job.phase == JobPhase::Assigned && job.effect != Effect::None;
    let Some(offered) = job.claim_from.filter(|_| made) else {
        return false;
    };
    let agent = world.agents.get(&job.agent);
    let Some(agent) = agent.filter(|agent| agent.link == Link::Up) else {
        return false;
    };
    let patience = timeouts
        .get(agent.pool.0 as usize)
        .copied()
        .unwrap_or_default();
    wakes.due(offered.after(patience.claim), WakeReason::ClaimDeadline)
}

/// Whether it runs long past its own timeout.
fn overran(job: &Job, wakes: &mut Wakes) -> bool {
    let (Some(claimed), Some(timeout)) = (job.claimed_at, job.info.timeout) else {
        return false;
    };
    let due = claimed.after(timeout.saturating_add(TIMEOUT_BACKSTOP));
    wakes.due(due, WakeReason::JobDeadline)
}
