//! The plan: what to do now, why, and when to look again. Only reads.
//!
//! The order is fixed: ask for missing facts; move agents and jobs on; fill free slots;
//! place what remains of each class over its candidate pools within headroom; let the
//! idle rule add or keep; remove last.

mod agents;
mod demand;
mod facts;
mod idle;
mod jobs;
mod reasons;
mod tally;
mod wakes;

use alloc::vec::Vec;

use headcount_model::Timestamp;

pub(crate) use tally::Tally;

use crate::guard::Headroom;
use crate::{Action, Report, Wake, World};

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
    let tally = Tally::of(world);
    let mut round = Round::new(world, now, &tally);
    facts::ask(&mut round);
    agents::move_on(&mut round);
    jobs::move_on(&mut round);
    demand::serve(&mut round);
    idle::keep(&mut round);
    reasons::tell(&mut round, &tally);
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
    /// Agents that can take a job, per pool; those given one or sent away are taken out.
    pub(crate) ready: Vec<Vec<tally::Slot>>,
    /// Agents on their way, per pool; those a waiting job is meant for are taken out.
    pub(crate) coming: Vec<Vec<tally::Slot>>,
    /// Per pool: new agents wanted, allowed, and why they differ.
    pub(crate) growth: Vec<Growth>,
    /// Agents that are the next plan's idle ones, with the reason they stay.
    pub(crate) stays:
        alloc::collections::BTreeMap<headcount_model::AgentId, headcount_model::Reason>,
    next_agent: u32,
    next_take: u64,
}

/// What a pool was to grow by.
#[derive(Clone, Copy, Default)]
pub(crate) struct Growth {
    pub(crate) wanted: u32,
    pub(crate) allowed: u32,
    pub(crate) leaving: u32,
    pub(crate) limited_by: Option<headcount_model::Reason>,
}

impl<'w> Round<'w> {
    fn new(world: &'w World, now: Timestamp, tally: &Tally) -> Self {
        Self {
            world,
            now,
            actions: Vec::new(),
            report: Report::default(),
            wakes: wakes::Wakes::new(now),
            headroom: Headroom::new(world, tally),
            ready: tally.ready.clone(),
            coming: tally.coming.clone(),
            growth: alloc::vec![Growth::default(); tally.ready.len()],
            stays: alloc::collections::BTreeMap::new(),
            next_agent: world.next_agent,
            next_take: world.next_take,
        }
    }

    /// Asks the guards for up to `wanted` new agents and orders those they allow.
    pub(crate) fn grow(
        &mut self,
        pool: &crate::Pool,
        granted: headcount_model::Granted,
        wanted: u32,
        reason: headcount_model::Reason,
    ) -> (u32, Option<headcount_model::Reason>) {
        let (allowed, limited_by) = self.headroom.take(pool, &granted, wanted, self.now);
        if let Some(growth) = self.growth.get_mut(pool.id.0 as usize) {
            growth.wanted = growth.wanted.saturating_add(wanted);
            growth.allowed = growth.allowed.saturating_add(allowed);
            growth.limited_by = growth.limited_by.or(limited_by);
        }
        if limited_by.is_some() && pool.backoff.failures > 0 {
            self.wakes
                .at(pool.backoff.next_at, crate::WakeReason::Backoff);
        }
        if limited_by == Some(headcount_model::Reason::MachinePoolRefused) {
            self.wakes
                .at(pool.backoff.refused_until, crate::WakeReason::Backoff);
        }
        for _ in 0..allowed {
            self.order(pool, granted, reason);
        }
        (allowed, limited_by)
    }

    fn order(
        &mut self,
        pool: &crate::Pool,
        granted: headcount_model::Granted,
        reason: headcount_model::Reason,
    ) {
        let Some(configured) = pool.open() else {
            return;
        };
        let Some(scaler) = self.world.fleet.scalers.get(configured.scaler_index) else {
            return;
        };
        let spec = &configured.spec;
        let agent = headcount_model::AgentId {
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
    }

    pub(crate) fn next_take(&mut self) -> u64 {
        let take = self.next_take;
        self.next_take += 1;
        take
    }
}
