//! A crash and a new start: the world is thrown away and made again from what it said
//! must be written, with a new epoch; what is outside lives on, orders are lost.

use headcount_model::{AgentRecord, AttemptRecord};
use headcount_planner::{Job, News, Restored, World};

use super::{OWNER, Outside, Scenario, source};

impl Scenario {
    /// What a ledger that wrote everything down holds now.
    pub fn kept(&self) -> (Vec<AgentRecord>, Vec<AttemptRecord>) {
        let agents = self.world.agents().map(|agent| agent.record().clone());
        let attempts = self.world.jobs().filter_map(Job::record);
        (agents.collect(), attempts.collect())
    }

    /// The daemon is killed and comes back.
    pub fn restart(&self, fleet: &str) -> Self {
        let (agents, attempts) = self.kept();
        self.restart_on(fleet, agents, attempts)
    }

    /// It comes back to another ledger.
    pub fn restart_on(
        &self,
        fleet: &str,
        agents: Vec<AgentRecord>,
        attempts: Vec<AttemptRecord>,
    ) -> Self {
        let mut next = self.clone();
        next.spent.extend(next.world.take_changes().time_spent);
        next.world = World::new();
        next.epoch += 1;
        let restored = Restored {
            owner: OWNER.into(),
            epoch: next.epoch,
            sources: vec![source().into()],
            agents,
            attempts,
            drained_pools: self.drained.clone(),
        };
        next.tell(News::Restored(Box::new(restored)));
        next.configure(fleet);
        next.outside.pending.clear();
        next.forget_taken();
        next
    }

    /// What was taken and not offered counts as waiting again.
    fn forget_taken(&mut self) {
        let outside: &mut Outside = &mut self.outside;
        for (id, (class, queued)) in std::mem::take(&mut outside.taken) {
            if self.world.job(id).is_some() {
                outside.taken.insert(id, (class, queued));
            } else {
                let line = outside.waiting.entry(class).or_default();
                line.push_front(queued);
            }
        }
    }
}
