//! Where jobs of a class go: into free slots, then to agents on their way, then to new
//! agents over the candidate pools in order (spill-over).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use headcount_model::{AgentId, Granted, IdleCompat, Reason};

use super::Round;
use super::demand::Serving;
use super::idle::own_shape;
use super::room::{Place, Shortage};
use super::slots::Slot;
use crate::fit;
use crate::guard::Permit;
use crate::world::{Class, Configured};
use crate::{Action, Pool, PoolId};

const TAKE_DEADLINE: Duration = Duration::from_secs(30);

/// What an agent of this pool must have been granted to run a job of this class.
fn needs(round: &Round<'_>, class: &Class, pool: PoolId) -> Option<Granted> {
    let pool = round.world.pools.get(&pool)?;
    Some(fit::granted(&pool.open()?.spec, &class.key))
}

pub(super) fn fill(round: &mut Round<'_>, serving: &mut Serving<'_>) {
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
        serving.report.considered[n].filled += filled;
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

/// Agents on their way that the last plan counted on for this class.
pub(super) fn keep_promises(round: &mut Round<'_>, serving: &mut Serving<'_>) {
    if serving.class.counts_on.is_empty() {
        return;
    }
    let considered = serving.report.considered.iter().enumerate();
    let places: BTreeMap<PoolId, usize> = considered.map(|(n, c)| (c.pool, n)).collect();
    for (agent, slots) in &serving.class.counts_on {
        let Some(agent) = round.world.agents.get(agent) else {
            continue;
        };
        let Some(n) = places.get(&agent.pool).copied() else {
            continue;
        };
        let Some(needs) = needs(round, serving.class, agent.pool) else {
            continue;
        };
        let wanted = u64::from(*slots).min(serving.rest);
        let coming = &mut round.coming[agent.pool.0 as usize];
        let kept = coming.give_of(agent.idle_since, agent.record.id, &needs, wanted);
        serving.count_on(n, &[(agent.record.id, kept)]);
    }
}

pub(super) fn count_on_coming(round: &mut Round<'_>, serving: &mut Serving<'_>) {
    for n in 0..serving.report.considered.len() {
        let pool = serving.report.considered[n].pool;
        let Some(needs) = needs(round, serving.class, pool) else {
            continue;
        };
        let world = round.world;
        let only_spares = world
            .pools
            .get(&pool)
            .is_some_and(|pool| serves_from_ready(round, pool));
        let mut agents: Vec<(AgentId, u32)> = Vec::new();
        let coming = &mut round.coming[pool.0 as usize];
        if only_spares {
            // Whoever is made for a job is for that: who waits was not to have one made.
            let spare = |id: &AgentId| {
                let agent = world.agents.get(id);
                agent.is_some_and(|agent| agent.record.made_for == Reason::KeepReady)
            };
            let slots: Vec<Slot> = coming
                .iter()
                .filter(|it| spare(&it.agent))
                .copied()
                .collect();
            let mut rest = serving.rest;
            for slot in slots {
                let n = coming.give_of(slot.idle_since, slot.agent, &needs, rest);
                rest -= u64::from(n);
                agents.push((slot.agent, n));
            }
        } else {
            coming.give(&needs, serving.rest, |agent, n| agents.push((agent, n)));
        }
        serving.count_on(n, &agents);
    }
}

pub(super) fn grow(round: &mut Round<'_>, serving: &mut Serving<'_>) {
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
        let permit = grow_pool(round, serving, pool, &mut places);
        serving.report.considered[n].created += permit.allowed;
        serving.report.considered[n].blocked = permit.limited_by;
    }
    if serving.rest == 0 {
        return;
    }
    round.shortages.push(Shortage {
        jobs: serving.rest,
        places,
    });
}

/// Orders agents for what remains, and says how many, and what stood in the way of more.
fn grow_pool(
    round: &mut Round<'_>,
    serving: &mut Serving<'_>,
    pool: &Pool,
    places: &mut Vec<Place>,
) -> Permit {
    let Some(open) = pool.open() else {
        return Permit::none(Reason::PoolDraining);
    };
    let each = jobs_at_once(open);
    let agents = serving.rest.div_ceil(u64::from(each));
    let agents = u32::try_from(agents).unwrap_or(u32::MAX);
    let granted = fit::granted(&open.spec, &serving.class.key);
    if waits_for_ready(round, pool, open, &granted) {
        let permit = Permit::none(Reason::ReadyAgentsOnly);
        round.count_growth(pool, agents, permit);
        return permit;
    }
    let (permit, made) = round.grow(pool, granted, agents, Reason::DemandWaiting);
    for agent in made {
        let jobs = u32::try_from(serving.rest).map_or(each, |rest| rest.min(each));
        serving.report.counts_on.push((agent, jobs));
        serving.share(jobs.into(), Reason::AgentStarting, Some(pool.id));
        // Slots that this class does not need are there for the next.
        round.coming[pool.id.0 as usize].push(Slot {
            idle_since: round.now,
            agent,
            granted,
            free: each - jobs,
            idle: false,
        });
    }
    if let Some(cap) = permit.limited_by.filter(|_| permit.short > 0) {
        places.push(Place {
            scaler: open.scaler_index,
            reserved: fit::reserved(&granted, open.spec.slots),
            agents: permit.short,
            each: each.into(),
            cap,
        });
    }
    permit
}

/// Whether a job has to wait for an agent that the idle rule makes. The original knows
/// machines of one size alone: for a job that those could not run, or that those without a
/// job do not run, one is made.
fn waits_for_ready(round: &Round<'_>, pool: &Pool, open: &Configured, needs: &Granted) -> bool {
    let n = pool.id.0 as usize;
    serves_from_ready(round, pool)
        && own_shape(open).covers(needs)
        && round.ready[n].idle().all(|slot| slot.free == 0)
}

/// Whether jobs are served by agents that the idle rule made.
fn serves_from_ready(round: &Round<'_>, pool: &Pool) -> bool {
    let rule = pool.idle_rule(round.now);
    rule.is_some_and(|rule| rule.compat == IdleCompat::Gitlab && rule.keep > 0)
}

/// Jobs an agent of the pool takes when it is new.
fn jobs_at_once(open: &Configured) -> u32 {
    let most = open.spec.max_jobs.unwrap_or(u32::MAX);
    open.spec.slots.min(most).max(1)
}
