//! Instances of other owners, and how these renew their leases.

use std::time::Duration;

use headcount_model::{
    AgentId, InstanceState, LeasedInstance, OtherEnd, OwnerId, PoolName, Timestamp,
};

use super::{Outside, Scenario};

/// An instance of another owner, as it truly is.
#[derive(Clone, Debug)]
pub struct Leased {
    pub instance: LeasedInstance,
    /// When its owner renewed its lease last, by the time of the scenario.
    pub renewed_at: Timestamp,
}

pub fn theirs(owner: &str, number: u32) -> (OwnerId, AgentId) {
    (owner.into(), super::agent(number))
}

impl Scenario {
    /// Another owner has an instance in this pool, with a lease of so many seconds, and a
    /// clock that is so many seconds ahead of ours.
    pub fn other(&mut self, owner: &str, number: u32, pool: &str, lease: u64, ahead: i64) {
        let (owner, agent) = theirs(owner, number);
        let instance = LeasedInstance {
            name: format!("headcount-{owner}-{agent}"),
            pool: PoolName::new(pool),
            lease_until: Timestamp::ZERO,
            lease_for: Duration::from_secs(lease),
            state: InstanceState::Running,
            owner: owner.clone(),
            agent,
        };
        let renewed_at = self.now;
        let leased = Leased {
            instance,
            renewed_at,
        };
        self.outside.others.insert((owner.clone(), agent), leased);
        self.renew(owner.as_str(), number, ahead);
    }

    /// Its owner renews its lease.
    pub fn renew(&mut self, owner: &str, number: u32, ahead: i64) {
        let now = self.now;
        let Some(leased) = self.outside.others.get_mut(&theirs(owner, number)) else {
            return;
        };
        let theirs = now.as_millis().saturating_add_signed(ahead * 1000);
        let until = Timestamp::from_millis(theirs).after(leased.instance.lease_for);
        leased.instance.lease_until = until;
        leased.renewed_at = now;
    }

    /// What the planner knows of others, one word each.
    pub fn others(&self) -> Vec<String> {
        let facts = self.world.backends().flat_map(|it| &it.others.known);
        let words = facts.map(|((owner, agent), other)| {
            let state = match (other.removal.is_quarantined(), other.removal.is_under_way()) {
                (true, _) => " quarantined",
                (false, true) => " removing",
                (false, false) => "",
            };
            format!("{agent} of {owner}{state}")
        });
        words.collect()
    }
}

impl Outside {
    /// As a backend does it: looks right before.
    pub fn reap_other(&mut self, seen: &LeasedInstance) -> OtherEnd {
        let whose = (seen.owner.clone(), seen.agent);
        match self.others.get(&whose) {
            Some(leased) if leased.instance != *seen => OtherEnd::Spared,
            _ => {
                self.others.remove(&whose);
                OtherEnd::Gone
            }
        }
    }
}
