//! A page of numbers that are read off at one moment, and what they are added up from.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicU64;

use headcount_controller::{AgentView, View};
use headcount_model::Resources;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::count::Labels;

type Number = Gauge<f64, AtomicU64>;
type Numbers = Family<Labels, Number>;

/// Numbers of one moment, under names with one prefix.
pub(super) struct Page(Registry);

impl Page {
    pub(super) fn new(prefix: &str) -> Self {
        Self(Registry::with_prefix(prefix))
    }

    /// Adds it to a text.
    ///
    /// # Errors
    /// Never, into a text.
    pub(super) fn write(&self, text: &mut String) -> fmt::Result {
        encode_registry(text, &self.0)
    }

    pub(super) fn gauges(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels, f64)>,
    ) {
        let numbers = Numbers::default();
        for (labels, value) in rows {
            numbers.get_or_create(&labels).set(value);
        }
        self.0.register(name, help, numbers);
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, value: f64) {
        let number = Number::default();
        number.set(value);
        self.0.register(name, help, number);
    }

    /// Numbers that only grow and need not be whole. The name is written without its `_total`.
    pub(super) fn sums(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels, f64)>,
    ) {
        let sums: Family<Labels, Counter<f64, AtomicU64>> = Family::default();
        for (labels, value) in rows {
            sums.get_or_create(&labels).inc_by(value);
        }
        self.0.register(name, help, sums);
    }

    /// The name is written without its `_total`.
    pub(super) fn counters(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels, u64)>,
    ) {
        let counters: Family<Labels, Counter> = Family::default();
        for (labels, n) in rows {
            counters.get_or_create(&labels).inc_by(n);
        }
        self.0.register(name, help, counters);
    }
}

#[derive(Default)]
pub(super) struct Used {
    pub(super) agents: u32,
    pub(super) requests: Resources,
}

pub(super) fn per_scaler(view: &View) -> BTreeMap<&str, Used> {
    let mut scalers: BTreeMap<&str, Used> = BTreeMap::new();
    for spec in &view.fleet.scalers {
        scalers.entry(spec.name.as_str()).or_default();
    }
    for agent in &view.agents {
        let record = &agent.record;
        let used = scalers.entry(record.scaler.as_str()).or_default();
        used.agents += 1;
        used.requests = used.requests.plus(reserved(agent));
    }
    scalers
}

/// What our own agents reserve in each machine pool.
pub(super) fn per_machine_pool(view: &View) -> BTreeMap<&str, Resources> {
    let mut pools: BTreeMap<&str, Resources> = BTreeMap::new();
    for pool in &view.fleet.machine_pools {
        pools.entry(pool.name.as_str()).or_default();
    }
    for agent in &view.agents {
        if let Some(pool) = &agent.record.machine_pool {
            let used = pools.entry(pool.as_str()).or_default();
            *used = used.plus(reserved(agent));
        }
    }
    pools
}

fn reserved(agent: &AgentView) -> Resources {
    let record = &agent.record;
    record.granted.requests.times(u64::from(record.slots))
}

pub(super) fn cpus_of(resources: Resources) -> f64 {
    float(resources.cpu_millis) / 1000.0
}

pub(super) fn memory_of(resources: Resources) -> f64 {
    float(resources.memory_bytes)
}

/// Metrics are floating-point numbers; beyond 2^53 the last digits do not matter.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub(super) fn float(number: u64) -> f64 {
    number as f64
}
