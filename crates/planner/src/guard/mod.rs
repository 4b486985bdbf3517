//! Guards: what must not happen. A policy proposes, a guard lowers or refuses with a
//! reason; one file each, all asked through [`Headroom`].

pub(crate) mod backoff;
pub(crate) mod limits;
pub(crate) mod resources;
pub(crate) mod stale;

use headcount_model::{Granted, Reason};

use crate::plan::Tally;
use crate::{Pool, World};

/// What may still be added in this plan. Taking from it is remembered, so everything a
/// plan adds is counted against the same caps.
pub(crate) struct Headroom<'w> {
    world: &'w World,
    limits: limits::Limits,
    resources: resources::Sums,
    launching: alloc::vec::Vec<u32>,
}

impl<'w> Headroom<'w> {
    pub(crate) fn new(world: &'w World, tally: &Tally) -> Self {
        Self {
            world,
            limits: limits::Limits::new(world, tally),
            resources: resources::Sums::new(world, tally),
            launching: tally.launching.clone(),
        }
    }

    /// Takes room for up to `wanted` agents of this shape. Returns how many, and what
    /// stood in the way of more.
    pub(crate) fn take(
        &mut self,
        pool: &Pool,
        granted: &Granted,
        wanted: u32,
        now: headcount_model::Timestamp,
    ) -> (u32, Option<Reason>) {
        if self.world.stopping {
            return (0, Some(Reason::Stopping));
        }
        let Some(configured) = pool.open() else {
            return (0, Some(Reason::PoolDraining));
        };
        let index = configured.scaler_index;
        if configured_refused(pool, now) {
            return (0, Some(Reason::MachinePoolRefused));
        }
        let reserved = crate::fit::reserved(granted, configured.spec.slots);
        let launching = self.launching.get(pool.id.0 as usize).copied().unwrap_or(0);

        let rooms = [
            backoff::room(&pool.backoff, configured.spec.retry, launching, now),
            self.limits.room(index),
            self.resources.room(index, reserved),
        ];
        let mut allowed = (wanted, None);
        for (room, reason) in rooms {
            if room < allowed.0 {
                allowed = (room, Some(reason));
            }
        }
        self.limits.take(index, allowed.0);
        self.resources.take(index, reserved, allowed.0);
        if let Some(launching) = self.launching.get_mut(pool.id.0 as usize) {
            *launching += allowed.0;
        }
        allowed
    }
}

/// The shared ledger said no, and is not asked again yet.
fn configured_refused(pool: &Pool, now: headcount_model::Timestamp) -> bool {
    now < pool.backoff.refused_until
}
