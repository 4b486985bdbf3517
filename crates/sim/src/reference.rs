//! The reference model: what must be true, by rules simple enough to see.
//!
//! Written apart from the planner and knowing nothing of its world: labels and sizes as
//! the `scalers.yaml` reference says, counted over what really exists.

use headcount_model::{
    AgentKind, Cap, ClassKey, Fleet, Granted, Name, PoolSpec, Resources, ScalerSpec,
};

use crate::reference_labels::{hit, unmet};

/// What can become of jobs of a class under a configuration, however long they wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Prospect {
    /// Some pool can run them.
    Fits,
    /// Every pool with their labels is too small.
    NeverFits,
    /// No pool has their labels.
    NoPool,
}

pub(crate) fn prospect(fleet: &Fleet, class: &ClassKey) -> Prospect {
    let mut prospect = Prospect::NoPool;
    for scaler in &fleet.scalers {
        for pool in &scaler.pools {
            if !serves(scaler, pool, class) {
                continue;
            }
            let size = size_for(pool, class);
            let shared = scaler.machine_pool.as_ref();
            let shared = shared.and_then(|name| fleet.machine_pool(name));
            let shared = shared.map(|pool| pool.cap).unwrap_or_default();
            let caps = [scaler.resource_cap, fleet.resource_cap, shared];
            if caps.into_iter().all(|cap| within(size, cap)) {
                return Prospect::Fits;
            }
            prospect = Prospect::NeverFits;
        }
    }
    prospect
}

/// Whether the labels of this pool are right for the class.
fn serves(scaler: &ScalerSpec, pool: &PoolSpec, class: &ClassKey) -> bool {
    let offered = pool.labels.union(&pool.system_labels);
    pool.kind != AgentKind::Worker
        && unmet(&class.runs_on, &offered).is_none()
        && hit(&class.exclude, &offered).is_none()
        && class.runs_on.labels().contains_all(&scaler.mandatory)
}

fn size_for(pool: &PoolSpec, class: &ClassKey) -> Resources {
    let layers = [class.resources, pool.layers.label_set, pool.layers.defaults];
    let granted = Granted::cascade(&layers);
    granted.requests.times(u64::from(pool.slots))
}

fn within(size: Resources, cap: Cap) -> bool {
    let fits = |size: u64, cap: Option<u64>| cap.is_none_or(|cap| size <= cap);
    fits(size.cpu_millis, cap.max_cpu_millis) && fits(size.memory_bytes, cap.max_memory_bytes)
}

/// Agents and what they reserve, added up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) agents: u32,
    pub(crate) reserved: Resources,
}

impl Sum {
    pub(crate) fn add(&mut self, granted: &Granted, slots: u32) {
        self.agents += 1;
        self.reserved = self.reserved.plus(granted.requests.times(u64::from(slots)));
    }

    /// What goes over these caps with one more of this size, in words. A size of which it
    /// has nothing it cannot pass: a lowered cap may be passed by what is there.
    pub(crate) fn over(
        mut self,
        whose: &str,
        one: (&Granted, u32),
        agents: u32,
        cap: Cap,
    ) -> Option<String> {
        let before = self.reserved;
        self.add(one.0, one.1);
        if self.agents > agents {
            return Some(format!(
                "{} agents in {whose} of at most {agents}",
                self.agents
            ));
        }
        let over = |before: u64, after: u64, cap: Option<u64>| {
            after > before && cap.is_some_and(|cap| after > cap)
        };
        let after = self.reserved;
        let passed = over(before.cpu_millis, after.cpu_millis, cap.max_cpu_millis)
            || over(
                before.memory_bytes,
                after.memory_bytes,
                cap.max_memory_bytes,
            );
        passed.then(|| format!("{after:?} reserved in {whose} of at most {cap:?}"))
    }
}

/// The caps of a scaler, if it is configured.
pub(crate) fn caps_of<'f>(fleet: &'f Fleet, scaler: &Name) -> Option<&'f ScalerSpec> {
    fleet.scalers.iter().find(|spec| spec.name == *scaler)
}

/// Agents that a configuration keeps ready.
pub(crate) fn kept(fleet: &Fleet) -> u32 {
    let pools = fleet.scalers.iter().flat_map(|scaler| &scaler.pools);
    pools.map(|pool| pool.idle.keep).sum()
}
