//! Workers that feed themselves: which stories have a stream with such a pool, its rule,
//! what is added to it and what is taken out again unread.
//!
//! Drawn apart from everything else, so that stories without one stay as they are. The
//! pool has room of its own under every cap.

use std::time::Duration;

use headcount_model::{
    Cap, Combine, Compat, Fleet, Labels, Name, PoolName, QueueRule, Roles, ScalerSpec, Strategy,
    StreamMeasure, Timestamp,
};

use super::{Deed, START};
use crate::queue::{pool, trigger};
use crate::random::Random;

/// Of a thousand stories, so many have a stream.
const STORIES: u32 = 400;
/// Longer than any message takes.
const CLAIM_AFTER: Duration = Duration::from_secs(45);

/// The pool of those workers.
pub(crate) fn name() -> PoolName {
    PoolName::new("q/queue")
}

/// Gives some stories a stream, in every configuration of theirs.
pub(super) fn draw(
    random: &mut Random,
    fleets: &mut [Fleet],
    seconds: u64,
    script: &mut Vec<(Timestamp, Deed)>,
) {
    if !random.chance(STORIES) {
        return;
    }
    let mut rule = rule(random);
    for fleet in fleets {
        if random.chance(200) {
            rule = self::rule(random);
        }
        let max = rule.max.unwrap_or(0);
        fleet.max_agents += max;
        fleet.scalers.push(scaler(&rule, max));
    }
    let quiet = seconds * 1000;
    let sometime = |random: &mut Random| START.after(random.millis(0, quiet.saturating_sub(1)));
    for _ in 0..random.between(1, 12) {
        script.push((sometime(random), Deed::Add(random.count(1, 4))));
    }
    for _ in 0..random.below(3) {
        script.push((sometime(random), Deed::Trim(random.count(1, 2))));
    }
    script.sort_by_key(|(at, _)| *at);
}

fn rule(random: &mut Random) -> QueueRule {
    let group = "workers".to_owned();
    let measure = StreamMeasure::Backlog {
        group,
        claim_after: Some(CLAIM_AFTER),
    };
    let strategies = [Strategy::Default, Strategy::Accurate, Strategy::Eager];
    QueueRule {
        triggers: vec![trigger(measure)],
        strategy: random.pick(&strategies).unwrap_or_default(),
        combine: Combine::Max,
        min: 0,
        max: Some(random.count(1, 5)),
        compat: Compat::Headcount,
        polling: random.millis(2000, 30_000),
    }
}

fn scaler(rule: &QueueRule, max: u32) -> ScalerSpec {
    ScalerSpec {
        name: Name::new("q"),
        backend: headcount_model::BackendId::new(super::BACKENDS[0]),
        max_agents: max,
        resource_cap: Cap::default(),
        machine_pool: None,
        mandatory: Labels::default(),
        roles: Roles::default(),
        priority: 0,
        reap_others_after: None,
        pools: vec![pool(name(), rule.clone())],
    }
}
