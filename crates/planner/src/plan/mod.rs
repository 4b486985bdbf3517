//! The plan: what to do now, why, and when to look again. Only reads.
//!
//! The order is fixed: ask for missing facts; move agents and jobs on; fill free slots;
//! place what remains of each class over its candidate pools within headroom, then what
//! triggers ask for; let the idle rule add or keep; remove last, and let idle agents make room for jobs that wait.

mod agents;
mod crews;
mod demand;
mod duties;
mod facts;
mod idle;
mod jobs;
mod machines;
mod others;
mod placing;
mod queue;
mod reasons;
mod room;
mod slots;
mod stays;
mod tally;
mod wakes;

use alloc::vec::Vec;

use headcount_model::{AgentId, Granted, Reason, Timeouts, Timestamp};

pub(crate) use facts::REAP_GRACE;
pub(crate) use tally::Tally;

use crate::guard::{Headroom, Permit};
use crate::{Action, PoolCounts, Report, Wake, World};

/// What to do now, why, and when to look again although nothing was told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// In the order they take effect.
    pub actions: Vec<Action>,
    /// What was wanted, what was allowed, what stood in the way.
    pub report: Report,
    /// The next moment at which time alone would change the answer.
    pub wake_at: Option<Wake>,
}

/// Plans at `now`. The same world and moment give the same plan; a plan that has taken
/// effect is followed by an empty one until there is news.
#[must_use]
pub fn plan(world: &World, now: Timestamp) -> Plan {
    let (mut round, mut tally) = Round::begin(world, now);
    facts::ask(&mut round, &tally);
    others::ask(&mut round);
    queue::ask(&mut round);
    agents::move_on(&mut round, core::mem::take(&mut tally.restless));
    jobs::move_on(&mut round);
    demand::serve(&mut round);
    queue::serve(&mut round);
    idle::keep(&mut round);
    room::make(&mut round);
    reasons::tell(&mut round, tally);
    Plan {
        actions: round.actions,
        report: round.report,
        wake_at: round.wakes.first(),
    }
}

/// The plan while it is being made.
pub(crate) struct Round<'w> {
    pub(crate) world: &'w World,
    pub(crate) now: Timestamp,
    pub(crate) actions: Vec<Action>,
    pub(crate) report: Report,
    pub(crate) wakes: wakes::Wakes,
    pub(crate) headroom: Headroom<'w>,
    /// Agents that can take a job, per pool; slots given away are used up.
    pub(crate) ready: Vec<slots::Slots>,
    /// Agents on their way, per pool; slots a waiting job is meant for are used up.
    pub(crate) coming: Vec<slots::Slots>,
    /// Per pool: how patient it is.
    pub(crate) timeouts: Vec<Timeouts>,
    /// What agents owe for the jobs they were given.
    pub(crate) duties: duties::Duties,
    /// Per pool: the scaler it counts against.
    pub(crate) scaler_of: Vec<Option<usize>>,
    /// Per pool: agents by what they do.
    pub(crate) counts: Vec<PoolCounts>,
    /// Per pool: agents as triggers count them.
    pub(crate) crews: crews::Crews,
    /// Per pool: new agents wanted, allowed, and why they differ.
    pub(crate) growth: Vec<Growth>,
    /// Agents that jobs wait for, with only caps in the way.
    pub(crate) shortages: Vec<room::Shortage>,
    /// Agents of which this plan decides something, with the reason: idle ones that stay,
    /// and those asked to leave.
    pub(crate) stays: stays::Stays,
    next_agent: u32,
    next_take: u64,
}

/// How patient each pool is, by its id.
fn timeouts(world: &World) -> Vec<Timeouts> {
    let mut timeouts = alloc::vec![Timeouts::default(); world.next_pool as usize];
    for pool in world.pools.values() {
        if let Some(configured) = &pool.configured {
            timeouts[pool.id.0 as usize] = configured.spec.timeouts;
        }
    }
    timeouts
}

/// What a pool was to grow by.
#[derive(Clone, Copy, Default)]
pub(crate) struct Growth {
    pub(crate) wanted: u32,
    pub(crate) allowed: u32,
    pub(crate) leaving: u32,
    pub(crate) limited_by: Option<Reason>,
    pub(crate) queue: Option<crate::QueueReport>,
}

impl<'w> Round<'w> {
    /// What there is, and nothing decided yet.
    fn begin(world: &'w World, now: Timestamp) -> (Self, Tally<'w>) {
        let timeouts = timeouts(world);
        let mut wakes = wakes::Wakes::new(now);
        let duties = duties::Duties::of(world, &timeouts, &mut wakes);
        let mut tally = Tally::of(world, &duties, now);
        let headroom = Headroom::new(world, &tally, now);
        let ready = core::mem::take(&mut tally.ready);
        let round = Self {
            world,
            now,
            actions: Vec::new(),
            report: Report::default(),
            wakes,
            timeouts,
            duties,
            headroom,
            growth: alloc::vec![Growth::default(); ready.len()],
            ready,
            counts: core::mem::take(&mut tally.counts),
            crews: core::mem::take(&mut tally.crews),
            coming: core::mem::take(&mut tally.coming),
            scaler_of: core::mem::take(&mut tally.scaler_of),
            shortages: Vec::new(),
            stays: stays::Stays::default(),
            next_agent: world.next_agent,
            next_take: world.next_take,
        };
        (round, tally)
    }

    /// Asks the guards for up to `wanted` new agents and orders those they allow.
    pub(crate) fn grow(
        &mut self,
        pool: &crate::Pool,
        granted: Granted,
        wanted: u32,
        reason: Reason,
    ) -> (Permit, Vec<AgentId>) {
        let permit = self.headroom.take(pool, &granted, wanted, self.now);
        self.count_growth(pool, wanted, permit);
        let backoff = self.headroom.backoff(pool);
        if permit.limited_by.is_some() && backoff.failures > 0 {
            self.wakes.at(backoff.next_at, crate::WakeReason::Backoff);
        }
        self.wake_for_ledger(pool, permit);
        let orders = (0..permit.allowed).filter_map(|_| self.order(pool, granted, reason));
        (permit, orders.collect())
    }

    /// Nobody tells when another daemon gives room back, which may be in the way beside
    /// the cap that is named.
    fn wake_for_ledger(&mut self, pool: &crate::Pool, permit: Permit) {
        let limited = pool.open().filter(|_| permit.limited_by.is_some());
        let shared = self.headroom.machine_pools();
        if let Some(at) = limited.and_then(|open| shared.again_at(open.scaler_index)) {
            self.wakes.at(at, crate::WakeReason::MachinePool);
        }
    }

    /// Notes that a pool was to grow by `wanted`, and what became of it.
    pub(crate) fn count_growth(&mut self, pool: &crate::Pool, wanted: u32, permit: Permit) {
        if let Some(growth) = self.growth.get_mut(pool.id.0 as usize) {
            growth.wanted = growth.wanted.saturating_add(wanted);
            growth.allowed = growth.allowed.saturating_add(permit.allowed);
            growth.limited_by = growth.limited_by.or(permit.limited_by);
        }
    }

    fn order(&mut self, pool: &crate::Pool, granted: Granted, reason: Reason) -> Option<AgentId> {
        let configured = pool.open()?;
        let scaler = self.world.fleet.scalers.get(configured.scaler_index)?;
        let spec = &configured.spec;
        let agent = AgentId {
            epoch: self.world.epoch,
            number: self.next_agent,
        };
        self.next_agent = self.next_agent.saturating_add(1);
        let order = crate::CreateOrder {
            agent,
            pool: pool.name.clone(),
            scaler: pool.scaler.clone(),
            backend: scaler.backend.clone(),
            machine_pool: scaler.machine_pool.clone(),
            kind: spec.kind,
            labels: configured.told_labels.clone(),
            granted,
            slots: spec.slots,
            log_pressure: spec.log_pressure,
            recipe: spec.recipe.clone(),
            made_from: configured.made_from,
            reason,
            deadline: spec.timeouts.create,
        };
        self.actions.push(match order.machine_pool {
            Some(_) => Action::Reserve(order),
            None => Action::Create(order),
        });
        Some(agent)
    }

    pub(crate) fn next_take(&mut self) -> u64 {
        let take = self.next_take;
        self.next_take += 1;
        take
    }
}
