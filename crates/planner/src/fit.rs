//! Which pools can serve a class, in which order, and whether one ever could.
//!
//! Source of the rules: the `scalers.yaml` reference, sections 3 and 4, with the
//! recommended ones where the original has a defect: exclusions always apply, one case
//! rule, and candidates are tried one after the other (spill-over).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Reverse;

use headcount_model::{
    AgentKind, Cap, ClassKey, Fleet, Granted, Label, Labels, PoolSpec, Reason, Resources,
    ScalerSpec,
};

use crate::{PoolId, World};

/// The pools that can serve a class, best first: higher priority, then the smaller
/// label set, then file order. Jobs that ask for no label take file order alone.
#[must_use]
pub fn candidates(world: &World, key: &ClassKey) -> Vec<PoolId> {
    let mut ranked: Vec<(Rank, PoolId)> = match world.labelled.rarest(&key.runs_on) {
        Some(places) => places
            .iter()
            .filter_map(|place| rank(world, key, *place))
            .collect(),
        None => places(&world.fleet)
            .filter_map(|place| rank(world, key, place))
            .collect(),
    };
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, pool)| pool).collect()
}

/// Smaller is better.
type Rank = (Reverse<i32>, usize, Place);

/// How well this pool serves the class, if it does.
fn rank(world: &World, key: &ClassKey, place: Place) -> Option<(Rank, PoolId)> {
    let scaler = world.fleet.scalers.get(place.0)?;
    let spec = scaler.pools.get(place.1)?;
    if !gate_open(scaler, key) || !qualifies(spec, key) {
        return None;
    }
    let pool = world.pool_ids.get(&spec.name)?;
    let size = if key.runs_on.is_empty() {
        0
    } else {
        spec.labels.len()
    };
    Some(((Reverse(scaler.priority), size, place), *pool))
}

/// Index of a scaler in the fleet, and of a pool in the scaler.
type Place = (usize, usize);

fn places(fleet: &Fleet) -> impl Iterator<Item = Place> {
    let scalers = fleet.scalers.iter().enumerate();
    scalers.flat_map(|(n, scaler)| (0..scaler.pools.len()).map(move |pool| (n, pool)))
}

/// Where each label is, so that a new class does not look at every pool.
#[derive(Clone, Default, Debug)]
pub(crate) struct Labelled(BTreeMap<Label, Vec<Place>>);

impl Labelled {
    pub(crate) fn of(fleet: &Fleet) -> Self {
        let mut labelled: BTreeMap<Label, Vec<Place>> = BTreeMap::new();
        for place in places(fleet) {
            let spec = &fleet.scalers[place.0].pools[place.1];
            for label in spec.labels.union(&spec.system_labels).iter() {
                labelled.entry(label.clone()).or_default().push(place);
            }
        }
        Self(labelled)
    }

    /// The pools with the label of these that the fewest have; none if no label is asked
    /// for.
    fn rarest(&self, labels: &Labels) -> Option<&[Place]> {
        let places = labels
            .iter()
            .map(|label| self.0.get(label).map_or(&[][..], Vec::as_slice));
        places.min_by_key(|places| places.len())
    }
}

/// Whether every mandatory label of the scaler is among the labels asked for.
pub(crate) fn gate_open(scaler: &ScalerSpec, key: &ClassKey) -> bool {
    key.runs_on.contains_all(&scaler.mandatory)
}

/// Whether the label set has all that is asked for and nothing that is excluded. Workers
/// feed themselves and are given nothing.
pub(crate) fn qualifies(spec: &PoolSpec, key: &ClassKey) -> bool {
    if spec.kind == AgentKind::Worker {
        return false;
    }
    let has = |label| spec.labels.contains(label) || spec.system_labels.contains(label);
    key.runs_on.iter().all(has) && !key.exclude.iter().any(has)
}

/// What an agent made for this class in this pool is granted.
pub(crate) fn granted(spec: &PoolSpec, key: &ClassKey) -> Granted {
    Granted::cascade(&[key.resources, spec.layers.label_set, spec.layers.defaults])
}

/// What such an agent reserves: its slots together.
pub(crate) fn reserved(granted: &Granted, slots: u32) -> Resources {
    granted.requests.times(u64::from(slots))
}

/// Which cap refuses a class for ever, if every pool that has its labels does: jobs like
/// that are refused at the door. A class without candidates is not refused here; it
/// waits, because a configuration may come that serves it.
#[must_use]
pub fn admission(world: &World, key: &ClassKey) -> Option<Impossible> {
    let pools = candidates(world, key);
    let mut first = None;
    for pool in pools {
        let configured = world.pools.get(&pool).and_then(|p| p.configured.as_ref())?;
        let scaler = world.fleet.scalers.get(configured.scaler_index)?;
        let refused = never_fits(&world.fleet, scaler, &configured.spec, key)?;
        first = first.or(Some(Impossible { pool, ..refused }));
    }
    first
}

/// A request that no waiting will ever satisfy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Impossible {
    /// The best candidate.
    pub pool: PoolId,
    /// The cap that refuses it.
    pub cap: Reason,
    /// What an agent for it would reserve.
    pub asked: u64,
    /// What the cap allows.
    pub allowed: u64,
}

/// The cap of this pool that alone refuses one agent for this class.
pub(crate) fn never_fits(
    fleet: &Fleet,
    scaler: &ScalerSpec,
    spec: &PoolSpec,
    key: &ClassKey,
) -> Option<Impossible> {
    let asked = reserved(&granted(spec, key), spec.slots);
    let scaler_caps = (Reason::ScalerCpuCap, Reason::ScalerMemoryCap);
    let fleet_caps = (Reason::FleetCpuCap, Reason::FleetMemoryCap);
    let shared_caps = (Reason::MachinePoolCpuCap, Reason::MachinePoolMemoryCap);
    let shared = scaler.machine_pool.as_ref();
    let shared = shared.and_then(|name| fleet.machine_pool(name));
    beyond(asked, scaler.resource_cap, scaler_caps)
        .or_else(|| beyond(asked, fleet.resource_cap, fleet_caps))
        .or_else(|| beyond(asked, shared?.cap, shared_caps))
}

fn beyond(asked: Resources, cap: Cap, reasons: (Reason, Reason)) -> Option<Impossible> {
    let over = |asked: u64, cap: Option<u64>, reason| {
        let allowed = cap.filter(|allowed| asked > *allowed)?;
        Some(Impossible {
            pool: PoolId(0),
            cap: reason,
            asked,
            allowed,
        })
    };
    over(asked.cpu_millis, cap.max_cpu_millis, reasons.0)
        .or_else(|| over(asked.memory_bytes, cap.max_memory_bytes, reasons.1))
}
