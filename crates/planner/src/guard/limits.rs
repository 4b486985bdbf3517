//! Agent caps: `maxAgents` per scaler and `globalMaxAgents`. Every agent counts from
//! intent to confirmed absence, and so does every instance of ours the ledger does not
//! know.

use alloc::vec::Vec;

use headcount_model::Reason;

use crate::World;
use crate::plan::Tally;

pub(crate) struct Limits {
    fleet_room: u32,
    scaler_room: Vec<u32>,
}

impl Limits {
    pub(crate) fn new(world: &World, tally: &Tally) -> Self {
        let scalers = world.fleet.scalers.iter().zip(&tally.scaler_agents);
        Self {
            fleet_room: world.fleet.max_agents.saturating_sub(tally.fleet_agents),
            scaler_room: scalers
                .map(|(s, n)| s.max_agents.saturating_sub(*n))
                .collect(),
        }
    }

    /// Room in this scaler and in the fleet, whichever is less, under the name of that one.
    pub(crate) fn room(&self, scaler: usize) -> (u32, Reason) {
        let scaler_room = self.scaler_room.get(scaler).copied().unwrap_or(0);
        if scaler_room <= self.fleet_room {
            (scaler_room, Reason::ScalerAtMaxAgents)
        } else {
            (self.fleet_room, Reason::FleetAtMaxAgents)
        }
    }

    pub(crate) fn take(&mut self, scaler: usize, n: u32) {
        self.fleet_room = self.fleet_room.saturating_sub(n);
        if let Some(room) = self.scaler_room.get_mut(scaler) {
            *room = room.saturating_sub(n);
        }
    }
}
