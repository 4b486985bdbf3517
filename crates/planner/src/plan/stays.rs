//! What a plan decides of single agents, told in the order in which it is decided.
//!
//! Promise: the last word on an agent is the one that holds. Agents are many, so words are
//! only put behind one another, and brought in order once.

use alloc::vec::Vec;

use headcount_model::{AgentId, Reason};

/// Agents that stay or were asked to leave, with the reason.
#[derive(Clone, Default)]
pub(crate) struct Stays {
    told: Vec<(AgentId, Reason)>,
}

impl Stays {
    /// From now on this is why the agent is as it is.
    pub(crate) fn tell(&mut self, agent: AgentId, reason: Reason) {
        self.told.push((agent, reason));
    }

    /// One word for each agent, in order of id.
    pub(crate) fn settled(mut self) -> Vec<(AgentId, Reason)> {
        // The last word comes first among equals, and the first is what stays.
        self.told.reverse();
        self.told.sort_by_key(|(agent, _)| *agent);
        self.told.dedup_by_key(|(agent, _)| *agent);
        self.told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_holds_and_all_are_in_order_of_id() {
        let agent = |number| AgentId { epoch: 1, number };
        let mut stays = Stays::default();
        stays.tell(agent(2), Reason::KeptReady);
        stays.tell(agent(1), Reason::IdleTime);
        stays.tell(agent(2), Reason::SurplusIdle);
        stays.tell(agent(3), Reason::FactsStale);
        stays.tell(agent(2), Reason::RoomWanted);
        assert_eq!(
            stays.settled(),
            [
                (agent(1), Reason::IdleTime),
                (agent(2), Reason::RoomWanted),
                (agent(3), Reason::FactsStale),
            ]
        );
    }
}
