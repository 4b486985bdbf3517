//! The agents of a pool one by one, for rules that count more than those without a job.
//! What this plan has decided so far counts as done.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use headcount_model::{AgentId, AgentPhase};

use super::Round;
use super::slots::Slot;
use crate::policy::idle::gitlab::{Machine, State};
use crate::{Action, Agent, Pool};

/// Gathered for the first pool that asks, so that others cost nothing.
#[derive(Default)]
pub(super) struct Machines {
    /// Agents that leave by what this plan decided before anybody asked.
    leaving: Option<BTreeSet<AgentId>>,
}

impl Machines {
    /// Agents that have a job, or that one is meant for.
    pub(super) fn in_use(&mut self, round: &Round<'_>, pool: &Pool) -> u32 {
        let n = pool.id.0 as usize;
        let leaving = self.leaving(round);
        let ready = round.world.agents_in(pool.id).filter(|agent| {
            agent.record.phase == AgentPhase::Ready && !leaving.contains(&agent.record.id)
        });
        // Whoever is ready and not idle has a job, or will have one by this plan.
        let in_use = ready.count().saturating_sub(round.ready[n].idle().count());
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
        usable: &[Slot],
    ) -> Vec<(Option<AgentId>, Machine)> {
        let n = pool.id.0 as usize;
        let leaving = self.leaving(round);
        let usable: BTreeSet<AgentId> = usable.iter().map(|slot| slot.agent).collect();
        let idle: BTreeSet<AgentId> = round.ready[n].idle().map(|slot| slot.agent).collect();
        let agents = round.world.agents_in(pool.id).map(|agent| {
            let id = agent.record.id;
            let state = match state(agent, &usable, &idle) {
                _ if leaving.contains(&id) => State::Removing,
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

    fn leaving(&mut self, round: &Round<'_>) -> &BTreeSet<AgentId> {
        self.leaving.get_or_insert_with(|| {
            let leaving = round.actions.iter().filter_map(|action| match action {
                Action::Destroy { agent, .. } | Action::Release { agent, .. } => Some(*agent),
                _ => None,
            });
            leaving.collect()
        })
    }
}

/// An idle one that is of no use leaves, or cannot be spoken to.
fn state(agent: &Agent, usable: &BTreeSet<AgentId>, idle: &BTreeSet<AgentId>) -> State {
    let id = agent.record.id;
    match agent.record.phase {
        AgentPhase::Reserving | AgentPhase::Creating | AgentPhase::Starting => State::Creating,
        AgentPhase::Ready if usable.contains(&id) => State::Idle,
        AgentPhase::Ready if idle.contains(&id) => State::Removing,
        AgentPhase::Ready if agent.jobs.is_empty() => State::Acquired,
        AgentPhase::Ready => State::Used,
        AgentPhase::Draining | AgentPhase::Destroying | AgentPhase::Releasing => State::Removing,
    }
}
