//! Machine pools: budgets that several daemons of one host share. Our own part is counted
//! here; what the others hold is what the shared ledger said last, for as long as that is
//! believed. The ledger itself is asked before anything is made and has the last word.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use headcount_model::{Cap, Name, Reason, Resources, Timestamp};

use super::resources::{cpu_passed, cpu_room, memory_passed, memory_room, minus};
use crate::World;
use crate::plan::Tally;

/// What may still be asked for in this plan.
#[derive(Clone)]
pub(crate) struct MachinePools<'w> {
    pools: Vec<Shared>,
    by_name: BTreeMap<&'w Name, usize>,
    of_scaler: Vec<Option<usize>>,
}

#[derive(Clone)]
struct Shared {
    cap: Cap,
    /// What our own agents reserve.
    own: Resources,
    /// What the others hold, as far as it is known.
    others: Resources,
    /// How many launches may ask.
    asks: u32,
    again_at: Option<Timestamp>,
    /// Jobs wait behind this cap of it: spares get nothing there.
    wanted: Option<Reason>,
}

impl<'w> MachinePools<'w> {
    pub(crate) fn new(world: &'w World, tally: &Tally<'_>, now: Timestamp) -> Self {
        let mut pools = Vec::new();
        let mut by_name = BTreeMap::new();
        for pool in &world.fleet.machine_pools {
            by_name.insert(&pool.name, pools.len());
            pools.push(Shared::new(world, tally, &pool.name, pool.cap, now));
        }
        let scalers = world.fleet.scalers.iter();
        let of = |name: &Option<Name>| by_name.get(name.as_ref()?).copied();
        let of_scaler = scalers.map(|scaler| of(&scaler.machine_pool)).collect();
        Self {
            pools,
            by_name,
            of_scaler,
        }
    }

    /// The machine pool of this name.
    pub(crate) fn named(&self, name: Option<&Name>) -> Option<usize> {
        self.by_name.get(name?).copied()
    }

    /// The machine pool of a scaler.
    pub(crate) fn of_scaler(&self, scaler: usize) -> Option<usize> {
        self.of_scaler.get(scaler).copied().flatten()
    }

    /// How many launches of this scaler may ask the ledger now.
    pub(crate) fn asks(&self, scaler: usize) -> (u32, Reason) {
        let asks = self.shared(scaler).map_or(u32::MAX, |shared| shared.asks);
        (asks, Reason::MachinePoolRefused)
    }

    /// When the ledger of this scaler is asked again for what it refused.
    pub(crate) fn again_at(&self, scaler: usize) -> Option<Timestamp> {
        self.shared(scaler)?.again_at
    }

    /// How many agents of this size fit, and the side of the cap that says so.
    pub(crate) fn room(&self, scaler: usize, each: Resources) -> (u32, Reason) {
        let Some(shared) = self.shared(scaler) else {
            return (u32::MAX, Reason::MachinePoolRefused);
        };
        let taken = (shared.own.plus(shared.others), shared.cap);
        let cpu = (cpu_room(taken, each), Reason::MachinePoolCpuCap);
        let memory = (memory_room(taken, each), Reason::MachinePoolMemoryCap);
        if memory.0 < cpu.0 { memory } else { cpu }
    }

    pub(crate) fn take(&mut self, scaler: usize, each: Resources, n: u32) {
        if let Some(shared) = self.of_scaler(scaler).and_then(|at| self.pools.get_mut(at)) {
            shared.own = shared.own.plus(each.times(u64::from(n)));
            shared.asks = match shared.asks {
                u32::MAX => u32::MAX,
                asks => asks.saturating_sub(n),
            };
        }
    }

    /// What an agent reserved in this machine pool is free.
    pub(crate) fn free(&mut self, pool: Option<usize>, reserved: Resources) {
        if let Some(shared) = pool.and_then(|at| self.pools.get_mut(at)) {
            shared.own = minus(shared.own, reserved);
        }
    }

    /// The opposite.
    pub(crate) fn put_back(&mut self, pool: Option<usize>, reserved: Resources) {
        if let Some(shared) = pool.and_then(|at| self.pools.get_mut(at)) {
            shared.own = shared.own.plus(reserved);
        }
    }

    /// The sides of the scaler's machine pool of which our own agents hold too much.
    pub(crate) fn over(&self, scaler: usize) -> [Option<Reason>; 2] {
        let Some(shared) = self.shared(scaler) else {
            return [None; 2];
        };
        let own = (shared.own, shared.cap);
        [
            cpu_passed(own).then_some(Reason::MachinePoolCpuCap),
            memory_passed(own).then_some(Reason::MachinePoolMemoryCap),
        ]
    }

    /// Jobs of this scaler wait behind this cap.
    pub(crate) fn want(&mut self, scaler: usize, reason: Reason) {
        if let Some(shared) = self.of_scaler(scaler).and_then(|at| self.pools.get_mut(at)) {
            shared.wanted.get_or_insert(reason);
        }
    }

    pub(crate) fn wanted(&self, scaler: usize) -> Option<Reason> {
        self.shared(scaler)?.wanted
    }

    fn shared(&self, scaler: usize) -> Option<&Shared> {
        self.pools.get(self.of_scaler(scaler)?)
    }
}

impl Shared {
    fn new(world: &World, tally: &Tally<'_>, name: &Name, cap: Cap, now: Timestamp) -> Self {
        let (own, asking) = tally.machine_pools.get(name).copied().unwrap_or_default();
        let facts = world.machine_pools.get(name);
        let again_at = facts.and_then(|facts| facts.asked_again_at(now));
        let others = facts.and_then(|facts| facts.others);
        let asks = match (again_at, others) {
            (Some(_), None) => 0,
            // One at a time tries out whether there is room again.
            (None, _) if facts.is_some_and(|facts| facts.is_probed(now)) => {
                1_u32.saturating_sub(asking)
            }
            _ => u32::MAX,
        };
        Self {
            cap,
            own,
            others: others.filter(|_| again_at.is_some()).unwrap_or_default(),
            asks,
            again_at,
            wanted: None,
        }
    }
}
