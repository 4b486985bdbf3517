//! Waiting jobs are served, class by class: who can be served at all, in which order, and
//! why what remains waits. Where they go is decided in `placing`.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;

use headcount_model::{AgentId, JobEnd, JobId, Reason, Timestamp};

use super::facts::may_start;
use super::{Round, placing};
use crate::fit;
use crate::world::{Class, ClassId};
use crate::{Action, ClassReport, Considered, JobPhase, PoolId, Share, WakeReason};

const END_DEADLINE: Duration = Duration::from_secs(60);

pub(super) fn serve(round: &mut Round<'_>) {
    let mut classes: Vec<Serving<'_>> = begin(round);
    let mut cap = JobCap::of(round);
    for serving in classes.iter_mut().filter(|serving| serving.open) {
        cap.within(round, serving, placing::fill);
    }
    // What was promised stays promised, unless to jobs of a higher priority: a plan that
    // took effect finds everybody where it put them.
    let same = |a: &Serving<'_>, b: &Serving<'_>| a.class.key.priority == b.class.key.priority;
    for equals in classes.chunk_by_mut(same) {
        for serving in equals.iter_mut().filter(|serving| serving.open) {
            cap.within(round, serving, placing::keep_promises);
        }
        for serving in equals.iter_mut().filter(|serving| serving.open) {
            cap.within(round, serving, placing::count_on_coming);
            cap.within(round, serving, placing::grow);
        }
    }
    cap.want_room(round);
    for mut serving in classes {
        let (reason, pool) = match cap.room {
            Some(0) if serving.open => (Reason::FleetAtMaxJobs, None),
            _ => serving.obstacle(),
        };
        serving.share(serving.rest, reason, pool);
        round.report.classes.push(serving.report);
    }
}

/// `globalMaxJobs`: how many more jobs agents may be given, or be made for.
///
/// Jobs for which agents are ready go first, whatever waits for new ones: nobody is made
/// for jobs that may not run yet.
struct JobCap {
    room: Option<u64>,
}

impl JobCap {
    /// What is being taken counts, and so does a job of which nobody knows whether it still
    /// runs.
    fn of(round: &Round<'_>) -> Self {
        let world = round.world;
        let Some(most) = world.fleet.max_jobs else {
            return Self { room: None };
        };
        let settled = round.actions.iter().filter_map(|action| match action {
            Action::Settle { job, .. } => Some(*job),
            _ => None,
        });
        let settled: BTreeSet<JobId> = settled.collect();
        let held = world.jobs.iter().filter(|(id, job)| {
            !matches!(job.phase, JobPhase::Settling(_)) && !settled.contains(id)
        });
        let taking: usize = world.takes.values().map(|take| take.agents.len()).sum();
        let used = held.count().saturating_add(taking);
        Self {
            room: Some(u64::from(most).saturating_sub(used as u64)),
        }
    }

    /// Serves a class, but no more jobs of it than there is room for.
    fn within<'w>(
        &mut self,
        round: &mut Round<'w>,
        serving: &mut Serving<'w>,
        serve: impl FnOnce(&mut Round<'w>, &mut Serving<'w>),
    ) {
        let Some(room) = self.room else {
            return serve(round, serving);
        };
        let beyond = serving.rest.saturating_sub(room);
        serving.rest -= beyond;
        let before = serving.rest;
        serve(round, serving);
        self.room = Some(room.saturating_sub(before - serving.rest));
        serving.rest += beyond;
    }

    /// Says what behind caps of agents is waited for: not jobs that may not run yet. That
    /// is known last, since what others were given counts.
    fn want_room(&self, round: &mut Round<'_>) {
        let mut room = self.room.unwrap_or(u64::MAX);
        for shortage in &mut round.shortages {
            shortage.jobs = shortage.jobs.min(room);
            room -= shortage.jobs;
        }
        round.shortages.retain(|shortage| shortage.jobs > 0);
        for place in round.shortages.iter().flat_map(|shortage| &shortage.places) {
            round.headroom.want(place.scaler, place.cap);
        }
    }
}

/// A class while it is served.
pub(super) struct Serving<'w> {
    pub(super) class: &'w Class,
    /// Whether anything can be done for it now.
    open: bool,
    /// Jobs for which nothing has been found yet.
    pub(super) rest: u64,
    pub(super) report: ClassReport,
}

/// All classes in the order they are served: higher priority, then who waits longest.
fn begin<'w>(round: &mut Round<'w>) -> Vec<Serving<'w>> {
    let mut taking: BTreeMap<ClassId, u64> = BTreeMap::new();
    for take in round.world.takes.values() {
        *taking.entry(take.class).or_insert(0) += take.agents.len() as u64;
    }
    let mut classes: Vec<&Class> = round.world.classes.values().collect();
    classes.sort_by_key(|class| {
        let oldest = class.count.oldest.unwrap_or(Timestamp::MAX);
        (Reverse(class.key.priority), oldest, class.id)
    });
    classes
        .into_iter()
        .map(|class| begin_class(round, class, taking.get(&class.id).copied().unwrap_or(0)))
        .collect()
}

fn begin_class<'w>(round: &mut Round<'w>, class: &'w Class, being_taken: u64) -> Serving<'w> {
    let waiting = class.count.waiting;
    let mut serving = Serving {
        class,
        open: true,
        rest: waiting,
        report: ClassReport {
            class: class.id,
            waiting,
            shares: Vec::new(),
            considered: Vec::new(),
            counts_on: Vec::new(),
        },
    };
    serving.share(being_taken.min(waiting), Reason::Assigning, None);
    match not_now(round, class) {
        Some(reason) => {
            serving.open = false;
            serving.share(serving.rest, reason, None);
        }
        None => consider(round, &mut serving),
    }
    serving
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
        match source.keeps_hopeless {
            true => expire(round, class),
            false => fail(round, class, Reason::NeverFits),
        }
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

fn fail(round: &mut Round<'_>, class: &Class, reason: Reason) {
    let end = JobEnd::Failed {
        reason,
        outcome: None,
    };
    end_waiting(round, class, end, reason);
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

impl Serving<'_> {
    /// The next `jobs` of the class wait for this reason.
    pub(super) fn share(&mut self, jobs: u64, reason: Reason, pool: Option<PoolId>) {
        if jobs == 0 {
            return;
        }
        self.rest = self.rest.saturating_sub(jobs);
        match self.report.shares.last_mut() {
            Some(last) if last.reason == reason && last.pool == pool => last.jobs += jobs,
            _ => self.report.shares.push(Share { jobs, reason, pool }),
        }
    }

    /// These starting agents of a considered pool are meant for the next jobs of the class.
    pub(super) fn count_on(&mut self, considered: usize, agents: &[(AgentId, u32)]) {
        let agents = agents.iter().filter(|(_, slots)| *slots > 0);
        for (agent, slots) in agents {
            let pool = self.report.considered[considered].pool;
            self.report.considered[considered].promised += u64::from(*slots);
            self.report.counts_on.push((*agent, *slots));
            self.share(u64::from(*slots), Reason::AgentStarting, Some(pool));
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
