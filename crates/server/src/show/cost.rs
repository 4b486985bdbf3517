//! Machine time, shown by pool or by label.

use std::collections::{BTreeMap, BTreeSet};

use headcount_api::{Cost, CostBy, CostRow, CostSum, TimeCost};
use headcount_controller::View;
use headcount_model::{PoolName, Timestamp, Usage};
use headcount_ports::{SpentTime, TimeSum};

use super::moment;

/// Time of one row before it is rounded.
#[derive(Default)]
struct Sum(BTreeMap<Usage, TimeSum>);

/// What there is between `spent.from` and `until`.
pub(crate) fn cost(view: &View, spent: &SpentTime, until: Timestamp, by: CostBy) -> Cost {
    let mut total = Sum::default();
    let mut rows: BTreeMap<String, Sum> = BTreeMap::new();
    for ((pool, usage), sum) in &spent.sums {
        total.add(*usage, *sum);
        for name in names(view, pool, by) {
            rows.entry(name).or_default().add(*usage, *sum);
        }
    }
    let rows = rows.into_iter().map(|(name, sum)| CostRow {
        name,
        sum: sum.shown(),
    });
    Cost {
        from: moment(spent.from),
        until: moment(until),
        by,
        rows: rows.collect(),
        total: total.shown(),
    }
}

/// The rows that a pool's time is in.
fn names(view: &View, pool: &PoolName, by: CostBy) -> BTreeSet<String> {
    match by {
        CostBy::Pool => BTreeSet::from([pool.to_string()]),
        CostBy::Label => labels(view, pool),
    }
}

/// Of a pool that has left the configuration its name says which they were.
fn labels(view: &View, pool: &PoolName) -> BTreeSet<String> {
    let found = view.pools.binary_search_by(|it| it.name.cmp(pool)).ok();
    let known = found.and_then(|n| view.pools.get(n));
    if let Some(spec) = known.and_then(|pool| pool.spec.as_ref()) {
        return spec.labels.iter().map(ToString::to_string).collect();
    }
    let name = pool.as_str();
    let labels = name.split_once('/').map_or(name, |(_, labels)| labels);
    labels.split('+').map(str::to_owned).collect()
}

impl Sum {
    fn add(&mut self, usage: Usage, sum: TimeSum) {
        let entry = self.0.entry(usage).or_default();
        *entry = entry.plus(sum);
    }

    fn shown(&self) -> CostSum {
        let of = |usage: Usage| time_cost(self.0.get(&usage).copied().unwrap_or_default());
        let total = self.0.values().fold(TimeSum::default(), |a, b| a.plus(*b));
        CostSum {
            useful: of(Usage::Useful),
            idle: of(Usage::Idle),
            booting: of(Usage::Booting),
            draining: of(Usage::Draining),
            failed: of(Usage::Failed),
            total: time_cost(total),
        }
    }
}

fn time_cost(sum: TimeSum) -> TimeCost {
    TimeCost {
        time_ms: sum.millis,
        unpriced_ms: sum.unpriced_millis,
        cost_micros: sum.money.micros(),
    }
}
