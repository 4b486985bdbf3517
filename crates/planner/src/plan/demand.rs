//! Waiting jobs are served: free slots first, then agents on their way, then new agents
//! over the candidate pools in order (spill-over). What remains has a reason.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;

use headcount_model::{AgentId, JobEnd, Reason, Timestamp};

use super::Round;
use super::facts::may_start;
use super::room::{Place, Shortage};
use super::slots::Slot;
use crate::fit;
use crate::world::{Class, ClassId};
use crate::{Action, ClassReport, Considered, Pool, PoolId, Share, WakeReason};

const TAKE_DEADLINE: Duration = Duration::from_secs(30);
const END_DEADLINE: Duration = Duration::from_secs(60);

pub(super) fn serve(round: &mut Round<'_>) {
    let mut taking: BTreeMap<ClassId, u64> = BTreeMap::new();
    for take in round.world.takes.values() {
        *taking.entry(take.class).or_insert(0) += take.agents.len() as u64;
    }
    let mut classes: Vec<&Class> = round.world.classes.values().collect();
    classes.sort_by_key(|class| {
        let oldest = class.count.oldest.unwrap_or(Timestamp::MAX);
        (Reverse(class.key.priority), oldest, class.id)
    });
    for class in classes {
        let being_taken = taking.get(&class.id).copied().unwrap_or(0);
        let report = serve_class(round, class, being_taken);
        round.report.classes.push(report);
    }
}

/// A class while it is served.
struct Serving<'w> {
    class: &'w Class,
    /// Jobs for which nothing has been found yet.
    rest: u64,
    report: ClassReport,
}

fn serve_class(round: &mut Round<'_>, class: &Class, being_taken: u64) -> ClassReport {
    let waiting = class.count.waiting;
    let mut serving = Serving {
        class,
        rest: waiting,
        report: ClassReport {
            class: class.id,
            waiting,
            shares: Vec::new(),
            considered: Vec::new(),
        },
    };
    serving.share(being_taken.min(waiting), Reason::Assigning, None);
    if let Some(reason) = not_now(round, class) {
        serving.share(serving.rest, reason, None);
        return serving.report;
    }
    consider(round, &mut serving);
    fill(round, &mut serving);
    count_on_coming(round, &mut serving);
    grow(round, &mut serving);
    let (reason, pool) = serving.obstacle();
    serving.share(serving.rest, reason, pool);
    serving.report
}

/// Why nothing is done for the class at all, if so: its jobs end, or nobody can be asked.
fn not_now(round: &mut Round<'_>, class: &Class) -> Option<Reason> {
    let source = round.world.sources.get(&class.key.source);
    let Some(source) = source.filter(|source| source.fresh) else {
        return Some(Reason::SourceUnknown);
    };
    if class.candidates.is_empty() {
        expire(round, class);
        return Some(Reason::NoMatchingPool);
    }
    if class
        .candidates
        .iter()
        .all(|pool| never_fits(round, class, *pool))
    {
        let end = JobEnd::Failed {
            reason: Reason::NeverFits,
            outcome: None,
        };
        end_waiting(round, class, end, Reason::NeverFits);
        return Some(Reason::NeverFits);
    }
    expire(round, class);
    if round.world.stopping {
        Some(Reason::Stopping)
    } else if may_start(round, source.taking) {
        None
    } else {
        Some(Reason::SourceUnknown)
    }
}

fn expire(round: &mut Round<'_>, class: &Class) {
    let Some(at) = class.count.next_expiry else {
        return;
    };
    if round.wakes.due(at, WakeReason::Expiry) {
        end_waiting(round, class, JobEnd::Expired, Reason::Expired);
    }
}

fn end_waiting(round: &mut Round<'_>, class: &Class, end: JobEnd, reason: Reason) {
    if may_start(round, class.ending) {
        round.actions.push(Action::EndWaiting {
            class: class.id,
            key: class.key.clone(),
            end,
            reason,
            deadline: END_DEADLINE,
        });
    }
}

fn never_fits(round: &Round<'_>, class: &Class, pool: PoolId) -> bool {
    let configured = round
        .world
        .pools
        .get(&pool)
        .and_then(|pool| pool.configured.as_ref());
    configured.is_none_or(|configured| {
        let scaler = round.world.fleet.scalers.get(configured.scaler_index);
        scaler.is_none_or(|scaler| {
            let fleet = &round.world.fleet;
            fit::never_fits(fleet, scaler, &configured.spec, &class.key).is_some()
        })
    })
}

fn consider(round: &Round<'_>, serving: &mut Serving<'_>) {
    for pool in &serving.class.candidates {
        let never = never_fits(round, serving.class, *pool);
        serving.report.considered.push(Considered {
            pool: *pool,
            filled: 0,
            promised: 0,
            created: 0,
            blocked: never.then_some(Reason::NeverFits),
        });
    }
}

/// What an agent of this pool must have been granted to run a job of this class.
fn needs(round: &Round<'_>, class: &Class, pool: PoolId) -> Option<headcount_model::Granted> {
    let pool = round.world.pools.get(&pool)?;
    Some(fit::granted(&pool.open()?.spec, &class.key))
}

fn fill(round: &mut Round<'_>, serving: &mut Serving<'_>) {
    let mut agents: Vec<AgentId> = Vec::new();
    for n in 0..serving.report.considered.len() {
        let pool = serving.report.considered[n].pool;
        let Some(needs) = needs(round, serving.class, pool) else {
            continue;
        };
        let wanted = serving.rest - agents.len() as u64;
        let filled = round.ready[pool.0 as usize].give(&needs, wanted, |agent, slots| {
            agents.extend(core::iter::repeat_n(agent, slots as usize));
        });
        serving.report.considered[n].filled = filled;
    }
    if agents.is_empty() {
        return;
    }
    serving.share(agents.len() as u64, Reason::Assigning, None);
    let take = round.next_take();
    round.actions.push(Action::Take {
        take,
        source: serving.class.key.source.clone(),
        class: serving.class.id,
        key: serving.class.key.clone(),
        agents,
        deadline: TAKE_DEADLINE,
    });
}

fn count_on_coming(round: &mut Round<'_>, serving: &mut Serving<'_>) {
    for n in 0..serving.report.considered.len() {
        let pool = serving.report.considered[n].pool;
        let Some(needs) = needs(round, serving.class, pool) else {
            continue;
        };
        let promised = round.coming[pool.0 as usize].give(&needs, serving.rest, |_, _| {});
        serving.report.considered[n].promised = promised;
        serving.share(promised, Reason::AgentStarting, Some(pool));
    }
}

fn grow(round: &mut Round<'_>, serving: &mut Serving<'_>) {
    let mut places: Vec<Place> = Vec::new();
    for n in 0..serving.report.considered.len() {
        let considered = serving.report.considered[n];
        if serving.rest == 0 {
            break;
        }
        if considered.blocked.is_some() {
            continue;
        }
        let world = round.world;
        let Some(pool) = world.pools.get(&considered.pool) else {
            continue;
        };
        let (created, jobs, blocked) = grow_pool(round, serving, pool, &mut places);
        serving.report.considered[n].created = created;
        serving.report.considered[n].blocked = blocked;
        serving.share(jobs, Reason::AgentStarting, Some(considered.pool));
    }
    if serving.rest == 0 {
        return;
    }
    for place in &places {
        round.headroom.want(place.scaler, place.cap);
    }
    round.shortages.push(Shortage {
        jobs: serving.rest,
        places,
    });
}

/// Orders agents for what remains, and says how many, for how many jobs, and what stood
/// in the way of more.
fn grow_pool(
    round: &mut Round<'_>,
    serving: &Serving<'_>,
    pool: &Pool,
    places: &mut Vec<Place>,
) -> (u32, u64, Option<Reason>) {
    let Some(open) = pool.open() else {
        return (0, 0, Some(Reason::PoolDraining));
    };
    let each = u64::from(
        open.spec
            .slots
            .min(open.spec.max_jobs.unwrap_or(u32::MAX))
            .max(1),
    );
    let agents = u32::try_from(serving.rest.div_ceil(each)).unwrap_or(u32::MAX);
    let granted = fit::granted(&open.spec, &serving.class.key);
    let (permit, last) = round.grow(pool, granted, agents, Reason::DemandWaiting);
    let offered = u64::from(permit.allowed) * each;
    let jobs = offered.min(serving.rest);
    if let (Some(agent), Ok(spare @ 1..)) = (last, u32::try_from(offered - jobs)) {
        // Slots of the last agent that this class does not need are there for the next.
        round.coming[pool.id.0 as usize].push(Slot {
            idle_since: round.now,
            agent,
            granted,
            free: spare,
            idle: false,
        });
    }
    if let Some(cap) = permit.limited_by.filter(|_| permit.short > 0) {
        places.push(Place {
            scaler: open.scaler_index,
            reserved: fit::reserved(&granted, open.spec.slots),
            agents: permit.short,
            each,
            cap,
        });
    }
    (permit.allowed, jobs, permit.limited_by)
}

impl Serving<'_> {
    /// The next `jobs` of the class wait for this reason.
    fn share(&mut self, jobs: u64, reason: Reason, pool: Option<PoolId>) {
        if jobs == 0 {
            return;
        }
        self.rest = self.rest.saturating_sub(jobs);
        match self.report.shares.last_mut() {
            Some(last) if last.reason == reason && last.pool == pool => last.jobs += jobs,
            _ => self.report.shares.push(Share { jobs, reason, pool }),
        }
    }

    /// What stands in the way of the rest: in the best candidate that could ever serve it.
    fn obstacle(&self) -> (Reason, Option<PoolId>) {
        let blocked = self
            .report
            .considered
            .iter()
            .filter_map(|c| Some((c.blocked?, c.pool)));
        let best = blocked
            .clone()
            .find(|(reason, _)| *reason != Reason::NeverFits);
        let (reason, pool) = best
            .or_else(|| blocked.clone().next())
            .map_or((Reason::NoMatchingPool, None), |(r, p)| (r, Some(p)));
        (reason, pool)
    }
}
