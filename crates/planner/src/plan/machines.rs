//! The agents of a pool one by one, for rules that count more than those without a job.
//! What this plan has decided so far counts as done.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use headcount_model::{AgentId, AgentPhase, JobId};

use super::Round;
use super::idle::Idle;
use crate::policy::idle::gitlab::{Machine, State};
use crate::{Action, Agent, Link, Pool};

/// Gathered when it is first asked for, once for all pools.
#[derive(Default)]
pub(super) struct Machines {
    /// What this plan decided before anybody asked.
    decided: Option<Decided>,
}

#[derive(Default)]
struct Decided {
    /// Agents that leave.
    leaving: BTreeSet<AgentId>,
    /// Agents that a job is offered to.
    given: BTreeSet<AgentId>,
    /// Agents that nobody can speak to, of which every job is taken back.
    freed: BTreeSet<AgentId>,
}

impl Machines {
    /// Agents that have a job, or that one is meant for.
    pub(super) fn in_use(&mut self, round: &Round<'_>, pool: &Pool) -> u32 {
        let n = pool.id.0 as usize;
        let decided = self.decided(round);
        let gone = decided.leaving.union(&decided.freed);
        let gone = gone.filter_map(|id| round.world.agents.get(id));
        let gone =
            gone.filter(|agent| agent.pool == pool.id && agent.record.phase == AgentPhase::Ready);
        let counts = round.counts[n];
        let ready = (counts.idle + counts.busy) as usize;
        // Whoever is ready and not idle has a job, or will have one by this plan.
        let others = gone.count() + round.ready[n].idle().count();
        let in_use = ready.saturating_sub(others);
        let coming = &round.coming[n];
        let meant = coming.len() - coming.idle().count();
        crate::world_count(in_use.saturating_add(meant))
    }

    /// All of them in the order in which they were intended; last those this plan orders,
    /// which are nobody yet.
    pub(super) fn of(
        &mut self,
        round: &Round<'_>,
        pool: &Pool,
        usable: &[Idle<'_>],
        awaited: &BTreeSet<AgentId>,
    ) -> Vec<(Option<AgentId>, Machine)> {
        let n = pool.id.0 as usize;
        let decided = self.decided(round);
        let usable = sorted(usable.iter().map(|idle| idle.slot.agent));
        let idle = sorted(round.ready[n].idle().map(|slot| slot.agent));
        let agents = round.world.agents_in(pool.id).map(|agent| {
            let id = agent.record.id;
            let state = match state(agent, &usable, &idle) {
                _ if decided.leaving.contains(&id) => State::Removing,
                // It is there, and is given nothing until its connection is back.
                _ if awaited.contains(&id) => State::Acquired,
                // Else the next plan would count it otherwise than this one.
                State::Acquired if decided.given.contains(&id) => State::Used,
                State::Used if decided.freed.contains(&id) => State::Removing,
                state => state,
            };
            let machine = Machine {
                state,
                used: agent.idle_since,
                jobs: agent.record.jobs_done,
            };
            (Some(id), machine)
        });
        let ordered = Machine {
            state: State::Creating,
            used: round.now,
            jobs: 0,
        };
        let n_ordered = round.growth[n].allowed as usize;
        agents
            .chain(core::iter::repeat_n((None, ordered), n_ordered))
            .collect()
    }

    /// Agents that nobody can speak to, of which this plan takes back every job.
    pub(super) fn freed(&mut self, round: &Round<'_>) -> &BTreeSet<AgentId> {
        &self.decided(round).freed
    }

    fn decided(&mut self, round: &Round<'_>) -> &Decided {
        self.decided.get_or_insert_with(|| Decided::by(round))
    }
}

impl Decided {
    fn by(round: &Round<'_>) -> Self {
        let mut decided = Self::default();
        let mut settled: BTreeSet<JobId> = BTreeSet::new();
        for action in &round.actions {
            match action {
                Action::Destroy { agent, .. } | Action::Release { agent, .. } => {
                    decided.leaving.insert(*agent);
                }
                Action::Assign { agent, .. } => {
                    decided.given.insert(*agent);
                }
                Action::Settle { job, .. } => {
                    settled.insert(*job);
                }
                _ => {}
            }
        }
        let holders = settled.iter().filter_map(|job| round.world.jobs.get(job));
        let holders = holders.filter_map(|job| round.world.agents.get(&job.agent));
        // Whoever jobs are just being taken for has something to do.
        let takes = round.world.takes.values();
        let takers: BTreeSet<AgentId> = takes.flat_map(|take| take.agents.clone()).collect();
        let freed = holders.filter(|agent| {
            let id = &agent.record.id;
            matches!(agent.link, Link::Down(_))
                && !decided.leaving.contains(id)
                && !takers.contains(id)
                && !agent.jobs.is_empty()
                && agent.jobs.iter().all(|job| settled.contains(job))
        });
        decided.freed = freed.map(|agent| agent.record.id).collect();
        decided
    }
}

fn sorted(agents: impl Iterator<Item = AgentId>) -> Vec<AgentId> {
    let mut agents: Vec<AgentId> = agents.collect();
    agents.sort_unstable();
    agents
}

/// An idle one that is of no use leaves, or cannot be spoken to.
fn state(agent: &Agent, usable: &[AgentId], idle: &[AgentId]) -> State {
    let id = agent.record.id;
    let is_in = |list: &[AgentId]| list.binary_search(&id).is_ok();
    match agent.record.phase {
        AgentPhase::Reserving | AgentPhase::Creating | AgentPhase::Starting => State::Creating,
        AgentPhase::Ready if is_in(usable) => State::Idle,
        AgentPhase::Ready if is_in(idle) => State::Removing,
        AgentPhase::Ready if agent.jobs.is_empty() => State::Acquired,
        AgentPhase::Ready => State::Used,
        AgentPhase::Draining
        | AgentPhase::Destroying
        | AgentPhase::Quarantined
        | AgentPhase::Releasing => State::Removing,
    }
}
