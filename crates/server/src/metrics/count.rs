//! What is counted as it happens.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use headcount_model::{BackendId, PoolName, Reason};
use headcount_ports::{JobStatus, TimeSums};
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::gitlab::{Happened, Machines};

pub(super) type Labels = Vec<(&'static str, String)>;
type Counters = Family<Labels, Counter>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// Seconds, from what a ready agent needs to what a person gives up on.
const SPANS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0,
];

/// Seconds, from what a plan that is told of a write needs to what nobody waits for.
const REACTIONS: [f64; 16] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];

/// Seconds, from what a process needs to begin to what a machine does.
const LAUNCHES: [f64; 18] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0,
    60.0, 300.0, 900.0,
];

/// The counters of one daemon.
pub(crate) struct Metrics {
    registry: Registry,
    submitted: Counter,
    ended: Counters,
    waits: Histogram,
    launches: Histograms,
    detections: Histograms,
    launch_failures: Counters,
    /// Kept apart for the names of another system: by pool, and whether a job waited for it.
    failed_spawns: Counters,
    ready_hits: Counters,
    ready_misses: Counters,
    decisions: Counters,
    reaped: Counters,
    backlogs: Counter,
    reloads: Counters,
    requests: Counters,
    /// Kept apart for the names of another system.
    machines: Machines,
    /// The highest numbers that were told of machine time.
    time: Mutex<TimeSums>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("headcount"),
            submitted: Counter::default(),
            ended: Counters::default(),
            waits: spans(),
            launches: Histograms::new_with_constructor(|| Histogram::new(LAUNCHES)),
            detections: Histograms::new_with_constructor(|| Histogram::new(REACTIONS)),
            launch_failures: Counters::default(),
            failed_spawns: Counters::default(),
            ready_hits: Counters::default(),
            ready_misses: Counters::default(),
            decisions: Counters::default(),
            reaped: Counters::default(),
            backlogs: Counter::default(),
            reloads: Counters::default(),
            requests: Counters::default(),
            machines: Machines::new(),
            time: Mutex::default(),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register(
            "jobs_submitted",
            "Jobs accepted since the daemon started",
            self.submitted.clone(),
        );
        registry.register(
            "jobs_ended",
            "Jobs that ended since the daemon started",
            self.ended.clone(),
        );
        registry.register(
            "job_queue_seconds",
            "From acceptance of a job to its first claim by an agent",
            self.waits.clone(),
        );
        registry.register(
            "agent_launch_seconds",
            "From the decision to make an agent to its being ready; one that feeds itself is when it runs",
            self.launches.clone(),
        );
        registry.register(
            "signal_detection_seconds",
            "From the arrival of something new at the triggers of a pool to the first plan that uses it, in whole milliseconds",
            self.detections.clone(),
        );
        registry.register(
            "agent_launch_failures",
            "Agents that ended before they were ready",
            self.launch_failures.clone(),
        );
        registry.register(
            "ready_hits",
            "Jobs given to an agent that was kept ready or had served before",
            self.ready_hits.clone(),
        );
        registry.register(
            "ready_misses",
            "Jobs given to an agent that was made because jobs waited",
            self.ready_misses.clone(),
        );
        registry.register(
            "agent_decisions",
            "Agents that were decided to be made or to leave",
            self.decisions.clone(),
        );
        registry.register(
            "orphans_reaped",
            "Instances of ours that nobody knew and that were ended",
            self.reaped.clone(),
        );
        registry.register(
            "queue_backlogs",
            "Times that jobs began to pile up beyond the queue's warning depth",
            self.backlogs.clone(),
        );
        registry.register(
            "config_reloads",
            "Reloads of the configuration by result",
            self.reloads.clone(),
        );
        registry.register(
            "http_requests",
            "Requests answered by the API",
            self.requests.clone(),
        );
        self
    }

    pub(crate) fn submitted(&self, jobs: u64) {
        self.submitted.inc_by(jobs);
    }

    pub(crate) fn ended(&self, status: JobStatus, reason: Reason) {
        let labels = vec![
            ("state", status.code().to_owned()),
            ("reason", reason.code().to_owned()),
        ];
        self.ended.get_or_create(&labels).inc();
    }

    pub(crate) fn waited(&self, span: Duration) {
        self.waits.observe(span.as_secs_f64());
    }

    pub(crate) fn launched(&self, pool: &PoolName, span: Duration) {
        let labels = vec![("pool", pool.to_string())];
        let launches = self.launches.get_or_create(&labels);
        launches.observe(span.as_secs_f64());
    }

    /// Something new arrived so long before the first plan that uses it.
    pub(crate) fn detected(&self, pool: &PoolName, after: Duration) {
        let labels = vec![("pool", pool.to_string())];
        let detections = self.detections.get_or_create(&labels);
        detections.observe(after.as_secs_f64());
    }

    /// A launch ended before its agent was ready; `bound` when jobs waited for it.
    pub(crate) fn launch_failed(&self, pool: &PoolName, reason: Reason, bound: bool) {
        let spawn = vec![("pool", pool.to_string()), ("bound", bound.to_string())];
        self.failed_spawns.get_or_create(&spawn).inc();
        let labels = vec![
            ("pool", pool.to_string()),
            ("reason", reason.code().to_owned()),
        ];
        self.launch_failures.get_or_create(&labels).inc();
    }

    /// A job was claimed by an agent that was there already, or had to be made.
    pub(crate) fn served(&self, pool: &PoolName, ready: bool) {
        let counters = if ready {
            &self.ready_hits
        } else {
            &self.ready_misses
        };
        let labels = vec![("pool", pool.to_string())];
        counters.get_or_create(&labels).inc();
    }

    /// Failed launches of a pool for which jobs waited, or did not.
    pub(super) fn failed_spawns(&self, pool: &PoolName, bound: bool) -> u64 {
        let labels = vec![("pool", pool.to_string()), ("bound", bound.to_string())];
        count_of(&self.failed_spawns, &labels)
    }

    /// Something happened to a machine.
    pub(crate) fn machine(&self, happened: Happened) {
        self.machines.note(happened);
    }

    pub(super) const fn machines(&self) -> &Machines {
        &self.machines
    }

    /// Reloads with this result.
    pub(super) fn reloads(&self, result: &'static str) -> u64 {
        count_of(&self.reloads, &vec![("result", result.to_owned())])
    }

    pub(crate) fn decided(&self, pool: &PoolName, decision: &'static str, reason: Reason) {
        let labels = vec![
            ("pool", pool.to_string()),
            ("decision", decision.to_owned()),
            ("reason", reason.code().to_owned()),
        ];
        self.decisions.get_or_create(&labels).inc();
    }

    pub(crate) fn reaped(&self, backend: &BackendId) {
        let labels = vec![("backend", backend.to_string())];
        self.reaped.get_or_create(&labels).inc();
    }

    /// Jobs began to pile up.
    pub(crate) fn backlogged(&self) {
        self.backlogs.inc();
    }

    /// One reload, by its result: `ok`, `invalid`, `stopping`.
    pub(crate) fn reloaded(&self, result: &'static str) {
        let labels = vec![("result", result.to_owned())];
        self.reloads.get_or_create(&labels).inc();
    }

    /// One request; `route` is a route's pattern, never a path that a client made up.
    pub(crate) fn requested(&self, method: &'static str, route: &str, status: u16) {
        let labels = vec![
            ("method", method.to_owned()),
            ("route", route.to_owned()),
            ("status", status.to_string()),
        ];
        self.requests.get_or_create(&labels).inc();
    }

    /// Machine time as it may be told: a piece that has ended is measured by the clock of the
    /// round that ended it, and may be some milliseconds shorter than was told of it while it
    /// was under way. No counter goes back for that.
    pub(super) fn grown(&self, sums: &TimeSums) -> TimeSums {
        let mut told = self.time.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, sum) in sums {
            let highest = told.entry(key.clone()).or_default();
            highest.millis = highest.millis.max(sum.millis);
            highest.money = highest.money.max(sum.money);
        }
        told.retain(|key, _| sums.contains_key(key));
        told.clone()
    }

    /// All of them in the text format, without its end.
    ///
    /// # Errors
    /// Never, into a text.
    pub(crate) fn text_of_counters(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn count_of(counters: &Counters, labels: &Labels) -> u64 {
    counters.get(labels).map_or(0, |counter| counter.get())
}

fn spans() -> Histogram {
    Histogram::new(SPANS)
}
