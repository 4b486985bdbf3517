//! Agent caps: `maxAgents` per scaler and `globalMaxAgents`. Every agent counts from
//! intent to confirmed absence, and so does every instance of ours the ledger does not
//! know.

use alloc::vec::Vec;

use headcount_model::Reason;

use crate::World;
use crate::plan::Tally;

/// Room left, below zero where a cap was lowered under what exists.
#[derive(Clone)]
pub(crate) struct Limits {
    fleet_room: i64,
    scaler_room: Vec<i64>,
}

impl Limits {
    pub(crate) fn new(world: &World, tally: &Tally<'_>) -> Self {
        let room = |cap: u32, used: u32| i64::from(cap) - i64::from(used);
        let scalers = world.fleet.scalers.iter().zip(&tally.scaler_agents);
        Self {
            fleet_room: room(world.fleet.max_agents, tally.fleet_agents),
            scaler_room: scalers.map(|(s, n)| room(s.max_agents, *n)).collect(),
        }
    }

    /// Room in this scaler and in the fleet, whichever is less, under the name of that one.
    pub(crate) fn room(&self, scaler: usize) -> (u32, Reason) {
        let scaler_room = self.scaler_room.get(scaler).copied().unwrap_or(0);
        if scaler_room <= self.fleet_room {
            (whole(scaler_room), Reason::ScalerAtMaxAgents)
        } else {
            (whole(self.fleet_room), Reason::FleetAtMaxAgents)
        }
    }

    pub(crate) fn take(&mut self, scaler: usize, n: u32) {
        self.add(Some(scaler), -i64::from(n));
    }

    /// One agent of this scaler (of one that is no longer configured) makes room.
    pub(crate) fn free(&mut self, scaler: Option<usize>) {
        self.add(scaler, 1);
    }

    /// The caps of the scaler and of the fleet that more exist than allow.
    pub(crate) fn over(&self, scaler: usize) -> [Option<Reason>; 2] {
        let scaler_room = self.scaler_room.get(scaler).copied().unwrap_or(0);
        [
            (scaler_room < 0).then_some(Reason::ScalerAtMaxAgents),
            (self.fleet_room < 0).then_some(Reason::FleetAtMaxAgents),
        ]
    }

    fn add(&mut self, scaler: Option<usize>, n: i64) {
        self.fleet_room += n;
        if let Some(room) = scaler.and_then(|scaler| self.scaler_room.get_mut(scaler)) {
            *room += n;
        }
    }
}

fn whole(room: i64) -> u32 {
    u32::try_from(room.max(0)).unwrap_or(u32::MAX)
}
