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

use crate::wants::{Patterns, Wants};
use crate::{PoolId, World};

/// The pools that can serve a class, best first: higher priority, then the smaller
/// label set, then file order. Jobs that ask for no label take file order alone.
#[must_use]
pub fn candidates(world: &World, key: &ClassKey) -> Vec<PoolId> {
    with_wants(world, key, |wants| ranked(world, wants))
}

/// What comes of the class's wants; its patterns are made ready here if no job of it is
/// known.
pub(crate) fn with_wants<T>(
    world: &World,
    key: &ClassKey,
    then: impl FnOnce(&Wants<'_>) -> T,
) -> T {
    match world.class_keyed(key) {
        Some(class) => then(&Wants::of(world, key, &class.patterns)),
        None => then(&Wants::of(world, key, &Patterns::of(key))),
    }
}

/// See [`candidates`].
pub(crate) fn ranked(world: &World, wants: &Wants<'_>) -> Vec<PoolId> {
    let mut ranked: Vec<(Rank, PoolId)> = match world.labelled.rarest(wants.key.runs_on.labels()) {
        Some(places) => places
            .iter()
            .filter_map(|place| rank(world, wants, *place))
            .collect(),
        None => places(&world.fleet)
            .filter_map(|place| rank(world, wants, place))
            .collect(),
    };
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, pool)| pool).collect()
}

/// Smaller is better.
type Rank = (Reverse<i32>, usize, Place);

/// How well this pool serves the class, if it does.
fn rank(world: &World, wants: &Wants<'_>, place: Place) -> Option<(Rank, PoolId)> {
    let scaler = world.fleet.scalers.get(place.0)?;
    let spec = scaler.pools.get(place.1)?;
    if !wants.opens(scaler) || !qualifies(spec, wants) {
        return None;
    }
    let pool = world.pool_ids.get(&spec.name)?;
    let size = if wants.key.runs_on.is_empty() {
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

    /// Every label that some pool has, once.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &Label> {
        self.0.keys()
    }

    /// The pools with the label of these that the fewest have; none if no label is asked
    /// for by name.
    fn rarest(&self, labels: &Labels) -> Option<&[Place]> {
        let places = labels
            .iter()
            .map(|label| self.0.get(label).map_or(&[][..], Vec::as_slice));
        places.min_by_key(|places| places.len())
    }
}

/// Workers feed themselves and are given nothing, whatever their labels are.
fn qualifies(spec: &PoolSpec, wants: &Wants<'_>) -> bool {
    spec.kind != AgentKind::Worker && wants.met_by(spec)
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
    impossible(world, key, &candidates(world, key))
}

/// See [`admission`].
pub(crate) fn impossible(world: &World, key: &ClassKey, pools: &[PoolId]) -> Option<Impossible> {
    let mut first = None;
    for pool in pools.iter().copied() {
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
