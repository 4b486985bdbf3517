//! Pools.

use std::collections::BTreeMap;

use headcount_api::{Failure, Pool, PoolCounts, PoolSchedule, PoolState};
use headcount_controller::{Launches, PoolCounts as Counts, PoolView, View};
use headcount_model::{InForce, PoolSpec, Timestamp};

use super::{agent, cap, labels, moment, signal};

/// All pools of a view, in its order.
pub(crate) fn pools(view: &View, launches: &Launches) -> Vec<Pool> {
    let mut agents: BTreeMap<&str, u32> = BTreeMap::new();
    for pool in &view.pools {
        *agents.entry(pool.scaler.as_str()).or_default() += pool.counts.total();
    }
    let of = |pool: &PoolView| agents.get(pool.scaler.as_str()).copied();
    let pools = view.pools.iter();
    pools
        .map(|found| pool(view, launches, found, of(found).unwrap_or_default()))
        .collect()
}

fn pool(view: &View, launches: &Launches, pool: &PoolView, scaler_agents: u32) -> Pool {
    let spec = pool.spec.as_deref();
    let mut scalers = view.fleet.scalers.iter();
    let scaler = scalers.find(|spec| spec.name == pool.scaler);
    let backoff = &pool.backoff;
    let trouble = view
        .backends
        .iter()
        .find(|backend| Some(&backend.id) == pool.backend.as_ref())
        .and_then(|backend| backend.trouble.clone());
    Pool {
        name: pool.name.to_string(),
        scaler: pool.scaler.to_string(),
        backend: pool.backend.as_ref().map(ToString::to_string),
        kind: spec.map(|spec| agent::kind(spec.kind).to_owned()),
        state: state(pool),
        labels: spec.map(|spec| labels(&spec.labels)).unwrap_or_default(),
        system_labels: spec
            .map(|spec| labels(&spec.system_labels))
            .unwrap_or_default(),
        agents: counts(pool.counts),
        max_agents: pool.max_agents,
        scaler_agents,
        resource_cap: scaler
            .map(|scaler| cap(scaler.resource_cap))
            .filter(|cap| *cap != headcount_api::ResourceCap::default()),
        idle_count: spec.map_or(0, |spec| idle_count(spec, pool.in_force)),
        slots: spec.map_or(1, |spec| spec.slots),
        max_jobs: spec.and_then(|spec| spec.max_jobs),
        wanted: pool.wanted,
        limited_by: pool.limited_by.map(|reason| reason.code().to_owned()),
        limited_by_text: pool.limited_by.map(|reason| reason.sentence().to_owned()),
        limited_by_detail: pool.limited_by_detail.clone(),
        schedule: pool.in_force.map(schedule),
        signal: pool.signal.as_ref().map(signal::signal),
        machine_pool: scaler
            .and_then(|scaler| scaler.machine_pool.as_ref())
            .map(ToString::to_string),
        launch_failures: backoff.failures,
        next_launch_at: (backoff.next_at > view.at).then(|| moment(backoff.next_at)),
        last_failure: backoff.last.as_ref().map(|(at, message)| Failure {
            at: moment(*at),
            message: message.clone(),
            output: launches.words_at(&pool.name, *at),
        }),
        backend_trouble: trouble,
    }
}

/// What holds now: of the schedule in force, or else the policy's own.
fn idle_count(spec: &PoolSpec, in_force: Option<InForce>) -> u32 {
    let schedule = in_force.and_then(|it| spec.schedules.get(it.schedule?));
    schedule.map_or(spec.idle.keep, |schedule| schedule.rule.keep)
}

pub(crate) fn schedule(in_force: InForce) -> PoolSchedule {
    PoolSchedule {
        index: in_force.schedule.and_then(|n| u32::try_from(n).ok()),
        until: (in_force.until < Timestamp::MAX).then(|| moment(in_force.until)),
    }
}

const fn state(pool: &PoolView) -> PoolState {
    if pool.spec.is_none() {
        PoolState::Removed
    } else if pool.drained {
        PoolState::Draining
    } else if pool.backoff.failures > 0 {
        PoolState::Failing
    } else {
        PoolState::Active
    }
}

const fn counts(counts: Counts) -> PoolCounts {
    PoolCounts {
        starting: counts.starting,
        idle: counts.idle,
        busy: counts.busy,
        draining: counts.draining,
        destroying: counts.destroying,
        quarantined: counts.quarantined,
        total: counts.total(),
    }
}
