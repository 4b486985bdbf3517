//! Resource caps: summed requests per scaler and over the fleet. Reaching a cap exactly
//! is allowed; zero requests count toward agent caps only.

use alloc::vec::Vec;

use headcount_model::{Cap, Reason, Resources};

use crate::World;
use crate::plan::Tally;

#[derive(Clone)]
pub(crate) struct Sums {
    fleet: (Resources, Cap),
    scalers: Vec<(Resources, Cap)>,
}

impl Sums {
    pub(crate) fn new(world: &World, tally: &Tally<'_>) -> Self {
        let scalers = world.fleet.scalers.iter().zip(&tally.scaler_reserved);
        Self {
            fleet: (tally.fleet_reserved, world.fleet.resource_cap),
            scalers: scalers
                .map(|(scaler, used)| (*used, scaler.resource_cap))
                .collect(),
        }
    }

    /// How many agents of this size fit under every cap, and the cap that says so.
    pub(crate) fn room(&self, scaler: usize, each: Resources) -> (u32, Reason) {
        let own = self.scalers.get(scaler).copied().unwrap_or_default();
        let rooms = [
            (cpu_room(own, each), Reason::ScalerCpuCap),
            (memory_room(own, each), Reason::ScalerMemoryCap),
            (cpu_room(self.fleet, each), Reason::FleetCpuCap),
            (memory_room(self.fleet, each), Reason::FleetMemoryCap),
        ];
        let mut least = rooms[0];
        for room in rooms {
            if room.0 < least.0 {
                least = room;
            }
        }
        least
    }

    pub(crate) fn take(&mut self, scaler: usize, each: Resources, n: u32) {
        let taken = each.times(u64::from(n));
        self.fleet.0 = self.fleet.0.plus(taken);
        if let Some((used, _)) = self.scalers.get_mut(scaler) {
            *used = used.plus(taken);
        }
    }

    /// What an agent of this scaler (of one that is no longer configured) reserved is free.
    pub(crate) fn free(&mut self, scaler: Option<usize>, reserved: Resources) {
        self.fleet.0 = minus(self.fleet.0, reserved);
        if let Some((used, _)) = scaler.and_then(|scaler| self.scalers.get_mut(scaler)) {
            *used = minus(*used, reserved);
        }
    }

    /// The caps of the scaler and of the fleet that more is reserved than allow.
    pub(crate) fn over(&self, scaler: usize) -> [Option<Reason>; 4] {
        let own = self.scalers.get(scaler).copied().unwrap_or_default();
        [
            cpu_passed(own).then_some(Reason::ScalerCpuCap),
            memory_passed(own).then_some(Reason::ScalerMemoryCap),
            cpu_passed(self.fleet).then_some(Reason::FleetCpuCap),
            memory_passed(self.fleet).then_some(Reason::FleetMemoryCap),
        ]
    }
}

/// Whether an agent of this size takes from what this cap bounds.
pub(crate) const fn counts_against(cap: Reason, reserved: Resources) -> bool {
    match cap {
        Reason::ScalerCpuCap | Reason::FleetCpuCap | Reason::MachinePoolCpuCap => {
            reserved.cpu_millis > 0
        }
        Reason::ScalerMemoryCap | Reason::FleetMemoryCap | Reason::MachinePoolMemoryCap => {
            reserved.memory_bytes > 0
        }
        _ => true,
    }
}

pub(super) fn cpu_passed((used, cap): (Resources, Cap)) -> bool {
    cap.max_cpu_millis.is_some_and(|cap| used.cpu_millis > cap)
}

pub(super) fn memory_passed((used, cap): (Resources, Cap)) -> bool {
    let cap = cap.max_memory_bytes;
    cap.is_some_and(|cap| used.memory_bytes > cap)
}

pub(super) fn minus(from: Resources, what: Resources) -> Resources {
    Resources {
        cpu_millis: from.cpu_millis.saturating_sub(what.cpu_millis),
        memory_bytes: from.memory_bytes.saturating_sub(what.memory_bytes),
    }
}

pub(super) fn cpu_room((used, cap): (Resources, Cap), each: Resources) -> u32 {
    room(used.cpu_millis, cap.max_cpu_millis, each.cpu_millis)
}

pub(super) fn memory_room((used, cap): (Resources, Cap), each: Resources) -> u32 {
    room(used.memory_bytes, cap.max_memory_bytes, each.memory_bytes)
}

fn room(used: u64, cap: Option<u64>, each: u64) -> u32 {
    match cap {
        Some(cap) if each > 0 => u32::try_from(cap.saturating_sub(used) / each).unwrap_or(u32::MAX),
        _ => u32::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_may_be_reached_exactly_and_zero_requests_always_fit() {
        assert_eq!(room(1500, Some(2000), 500), 1);
        assert_eq!(room(1500, Some(2000), 501), 0);
        assert_eq!(room(2000, Some(2000), 0), u32::MAX);
        assert_eq!(room(3000, Some(2000), 1), 0);
        assert_eq!(room(3000, None, 1), u32::MAX);
    }
}
