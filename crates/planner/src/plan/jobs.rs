//! Taken jobs move on: offered to their agents, asked to end, told to their sources.

use core::time::Duration;

use headcount_model::{AgentPhase, Reason, Settlement};

use super::Round;
use super::facts::may_start;
use crate::{Action, Agent, Job, JobPhase, Link, WakeReason};

const ASSIGN_DEADLINE: Duration = Duration::from_secs(10);
const SETTLE_DEADLINE: Duration = Duration::from_secs(30);

pub(super) fn move_on(round: &mut Round<'_>) {
    // What a destruction in this plan gives back is settled by it already.
    let settled: alloc::collections::BTreeSet<_> = round
        .actions
        .iter()
        .filter_map(|action| match action {
            Action::Settle { job, .. } => Some(*job),
            _ => None,
        })
        .collect();
    for (id, job) in &round.world.jobs {
        if settled.contains(id) {
            continue;
        }
        match &job.phase {
            JobPhase::Taken | JobPhase::Assigned => offer(round, job),
            JobPhase::Running => cancel(round, job),
            JobPhase::Lost => {}
            JobPhase::Settling(settlement) => {
                if may_start(round, job.effect) {
                    settle(round, job, settlement.clone());
                }
            }
        }
    }
}

/// Offers the job to its agent, or gives it back if that agent cannot hear of it soon.
fn offer(round: &mut Round<'_>, job: &Job) {
    let Some(agent) = round.world.agents.get(&job.agent) else {
        return settle(round, job, crate::observe::unclaimed(job));
    };
    let leaves = agent.record.phase != AgentPhase::Ready;
    let taken = job.phase == JobPhase::Taken;
    match agent.link {
        // It may still claim what it has heard of.
        Link::Up if leaves && !taken && job.effect.is_in_flight() => {}
        Link::Up if leaves => settle(round, job, crate::observe::unclaimed(job)),
        Link::Up if may_start(round, job.effect) => assign(round, job, agent),
        Link::Up => {}
        Link::Never => settle(round, job, crate::observe::unclaimed(job)),
        Link::Down(_) if taken => settle(round, job, crate::observe::unclaimed(job)),
        Link::Down(since) => {
            let patience = super::agents::timeouts(round, agent).claim;
            if round
                .wakes
                .due(since.after(patience), WakeReason::ClaimDeadline)
            {
                settle(round, job, crate::observe::unclaimed(job));
            }
        }
    }
}

fn assign(round: &mut Round<'_>, job: &Job, agent: &Agent) {
    let pool = round
        .world
        .pools
        .get(&agent.pool)
        .and_then(|pool| pool.configured.as_ref());
    round.actions.push(Action::Assign {
        agent: agent.record.id,
        job: job.info.job,
        attempt: job.attempt(),
        source: job.source.clone(),
        log_pressure: pool.map(|pool| pool.spec.log_pressure).unwrap_or_default(),
        deadline: ASSIGN_DEADLINE,
    });
}

fn cancel(round: &mut Round<'_>, job: &Job) {
    if !job.cancel_requested || job.cancel_told {
        return;
    }
    let agent = round.world.agents.get(&job.agent);
    let up = agent.is_some_and(|agent| agent.link == Link::Up);
    if up && may_start(round, job.effect) {
        round.actions.push(Action::Cancel {
            agent: job.agent,
            job: job.info.job,
            attempt: job.attempt(),
        });
    }
}

/// Tells the source how the job stands.
pub(super) fn settle(round: &mut Round<'_>, job: &Job, settlement: Settlement) {
    let claimed = u32::from(job.claimed_at.is_some());
    let delivered = u32::from(job.assigned_at.is_some() && job.claimed_at.is_none());
    let (deliveries, reason) = match &settlement {
        Settlement::Return => (job.info.deliveries + delivered, Reason::SlotGone),
        Settlement::Retry => (0, Reason::RetryAsked),
        Settlement::Complete(end) => (job.info.deliveries, end_reason(end)),
    };
    round.actions.push(Action::Settle {
        job: job.info.job,
        source: job.source.clone(),
        settlement,
        attempts: job.info.attempts + claimed,
        deliveries,
        reason,
        deadline: SETTLE_DEADLINE,
    });
}

const fn end_reason(end: &headcount_model::JobEnd) -> Reason {
    use headcount_model::JobEnd;
    match end {
        JobEnd::Succeeded => Reason::Done,
        JobEnd::Failed { reason, .. } => *reason,
        JobEnd::Cancelled { .. } => Reason::CancelRequested,
        JobEnd::Expired => Reason::Expired,
    }
}
