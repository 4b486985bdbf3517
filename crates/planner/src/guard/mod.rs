//! Guards: what must not happen. A policy proposes, a guard lowers or refuses with a
//! reason; one file each, all asked through [`Headroom`].

pub(crate) mod backoff;
pub(crate) mod growth;
pub(crate) mod limits;
pub(crate) mod machine_pool;
pub(crate) mod resources;
pub(crate) mod stale;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use headcount_model::{Granted, Reason, Resources, Timestamp};

use crate::plan::Tally;
use crate::{Agent, Backoff, Pool, PoolId, World};

/// What may still be added in this plan. Taking from it is remembered, so everything a
/// plan adds is counted against the same caps.
#[derive(Clone)]
pub(crate) struct Headroom<'w> {
    world: &'w World,
    limits: limits::Limits,
    resources: resources::Sums,
    machine_pools: machine_pool::MachinePools<'w>,
    launching: Vec<u32>,
    /// Pools in which this plan gives up launches that failed, as they stand after that.
    failed: BTreeMap<PoolId, Backoff>,
    /// Jobs wait behind this cap of the fleet, or of a scaler: spares get nothing there.
    fleet_wanted: Option<Reason>,
    scaler_wanted: Vec<Option<Reason>>,
}

/// What the guards say to a wish for new agents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Permit {
    pub(crate) allowed: u32,
    /// What stood in the way of more.
    pub(crate) limited_by: Option<Reason>,
    /// How many more there would be if agent and resource caps had room.
    pub(crate) short: u32,
}

impl Permit {
    /// Nothing was asked for.
    pub(crate) const NOTHING: Self = Self {
        allowed: 0,
        limited_by: None,
        short: 0,
    };

    pub(crate) const fn none(reason: Reason) -> Self {
        Self {
            allowed: 0,
            limited_by: Some(reason),
            short: 0,
        }
    }
}

impl<'w> Headroom<'w> {
    pub(crate) fn new(world: &'w World, tally: &Tally<'_>, now: Timestamp) -> Self {
        Self {
            world,
            limits: limits::Limits::new(world, tally),
            resources: resources::Sums::new(world, tally),
            machine_pools: machine_pool::MachinePools::new(world, tally, now),
            launching: tally.launching.clone(),
            failed: BTreeMap::new(),
            fleet_wanted: None,
            scaler_wanted: alloc::vec![None; world.fleet.scalers.len()],
        }
    }

    /// This plan destroys an agent that was launching. Once that has taken effect it no
    /// longer counts as launching, and its pool waits if that was a failure: so it does
    /// for the rest of this plan.
    pub(crate) fn launch_given_up(&mut self, agent: &Agent, reason: Reason, now: Timestamp) {
        if let Some(launching) = self.launching.get_mut(agent.pool().0 as usize) {
            *launching = launching.saturating_sub(1);
        }
        let pool = self.world.pools.get(&agent.pool());
        let Some((pool, retry)) = pool.and_then(|pool| Some((pool, pool.retry()?))) else {
            return;
        };
        if reason == Reason::LaunchDeadline {
            let backoff = self.failed.entry(pool.id);
            let backoff = backoff.or_insert_with(|| pool.backoff.clone());
            let intended = agent.record().created_at;
            backoff.failed(retry, intended, None, String::new(), now);
        }
    }

    /// How the launches of a pool go, those given up by this plan included.
    pub(crate) fn backoff<'p>(&'p self, pool: &'p Pool) -> &'p Backoff {
        self.failed.get(&pool.id).unwrap_or(&pool.backoff)
    }

    /// Takes room for up to `wanted` agents of this shape, and says what stood in the way
    /// of more.
    pub(crate) fn take(
        &mut self,
        pool: &Pool,
        granted: &Granted,
        wanted: u32,
        now: Timestamp,
    ) -> Permit {
        if self.world.stopping {
            return Permit::none(Reason::Stopping);
        }
        let Some(configured) = pool.open() else {
            return Permit::none(Reason::PoolDraining);
        };
        let index = configured.scaler_index;
        let reserved = crate::fit::reserved(granted, configured.spec.slots);
        let launching = self.launching.get(pool.id.0 as usize).copied().unwrap_or(0);
        let patience = backoff::room(self.backoff(pool), configured.spec.retry, launching, now);
        let asks = self.machine_pools.asks(index);
        let patience = if asks.0 < patience.0 { asks } else { patience };
        let growth = growth::room(configured.spec.max_growth, launching);
        let patience = if growth.0 < patience.0 {
            growth
        } else {
            patience
        };
        let caps = self.fits(index, reserved);

        let mut allowed = (wanted, None);
        for (room, reason) in [patience, caps] {
            if room < allowed.0 {
                allowed = (room, Some(reason));
            }
        }
        self.spend(index, reserved, allowed.0);
        if let Some(launching) = self.launching.get_mut(pool.id.0 as usize) {
            *launching += allowed.0;
        }
        Permit {
            allowed: allowed.0,
            limited_by: allowed.1,
            short: wanted.min(patience.0) - allowed.0,
        }
    }

    /// How many agents of this size fit under every cap, and the cap that says so.
    pub(crate) fn fits(&self, scaler: usize, each: Resources) -> (u32, Reason) {
        let mut least = self.limits.room(scaler);
        for room in [
            self.resources.room(scaler, each),
            self.machine_pools.room(scaler, each),
        ] {
            if room.0 < least.0 {
                least = room;
            }
        }
        least
    }

    pub(crate) fn spend(&mut self, scaler: usize, each: Resources, n: u32) {
        self.limits.take(scaler, n);
        self.resources.take(scaler, each, n);
        self.machine_pools.take(scaler, each, n);
    }

    /// An agent of this scaler (of one that is no longer configured) is gone, and its room
    /// in this machine pool given back.
    pub(crate) fn free(
        &mut self,
        scaler: Option<usize>,
        machine_pool: Option<usize>,
        reserved: Resources,
    ) {
        self.limits.free(scaler);
        self.resources.free(scaler, reserved);
        self.machine_pools.free(machine_pool, reserved);
    }

    /// The opposite of [`Self::free`].
    pub(crate) fn put_back(
        &mut self,
        scaler: usize,
        machine_pool: Option<usize>,
        reserved: Resources,
    ) {
        self.limits.take(scaler, 1);
        self.resources.take(scaler, reserved, 1);
        self.machine_pools.put_back(machine_pool, reserved);
    }

    /// What is known of machine pools.
    pub(crate) const fn machine_pools(&self) -> &machine_pool::MachinePools<'w> {
        &self.machine_pools
    }

    /// The caps that more exists than they allow: this scaler's, and the fleet's.
    pub(crate) fn over(&self, scaler: usize) -> impl Iterator<Item = Reason> + use<> {
        let agents = self.limits.over(scaler).into_iter();
        let resources = self.resources.over(scaler).into_iter();
        let shared = self.machine_pools.over(scaler);
        agents.chain(resources).chain(shared).flatten()
    }

    /// Jobs wait behind this cap.
    pub(crate) fn want(&mut self, scaler: usize, reason: Reason) {
        use Reason as R;
        match reason {
            R::FleetAtMaxAgents | R::FleetCpuCap | R::FleetMemoryCap => {
                self.fleet_wanted.get_or_insert(reason);
            }
            R::MachinePoolCpuCap | R::MachinePoolMemoryCap => {
                self.machine_pools.want(scaler, reason);
            }
            _ => {
                if let Some(wanted) = self.scaler_wanted.get_mut(scaler) {
                    wanted.get_or_insert(reason);
                }
            }
        }
    }

    /// The cap behind which jobs wait that spares of this scaler would hold up.
    pub(crate) fn wanted(&self, scaler: usize) -> Option<Reason> {
        let own = self.scaler_wanted.get(scaler).copied().flatten();
        own.or(self.machine_pools.wanted(scaler))
            .or(self.fleet_wanted)
    }
}
