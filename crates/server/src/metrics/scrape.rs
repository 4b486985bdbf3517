//! What is read off the view when somebody asks.

use std::collections::BTreeMap;
use std::fmt;

use headcount_controller::View;
use headcount_model::SourceId;
use headcount_ports::{JobStatus, TimeSums};
use prometheus_client::encoding::text::encode_eof;
use serde::Deserialize;

use super::count::Metrics;
use super::gauges::{Page, cpus_of, float, memory_of, per_machine_pool, per_scaler};
use super::{keda, kici};
use crate::needs::StreamNumbers;

/// Names of another system that are given besides ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Names {
    /// Those of the KiCI auto-scaler.
    Kici,
    /// Those of KEDA.
    Keda,
    /// Those of GitLab Runner's autoscaling.
    Gitlab,
}

/// The daemon at one moment.
pub(crate) struct Snapshot<'a> {
    pub(crate) view: &'a View,
    /// `None` when the book could not be read: then nothing is said of it.
    pub(crate) jobs: Option<BTreeMap<JobStatus, u64>>,
    /// `None` when the book could not be read.
    pub(crate) time: Option<TimeSums>,
    pub(crate) streams: BTreeMap<SourceId, StreamNumbers>,
    pub(crate) refused_registrations: BTreeMap<&'static str, u64>,
}

/// Everything in the text format of Prometheus.
///
/// # Errors
/// Never, into a text.
pub(crate) fn text(
    metrics: &Metrics,
    snapshot: &Snapshot<'_>,
    names: Option<Names>,
) -> Result<String, fmt::Error> {
    let mut page = Page::new("headcount");
    page.agents(snapshot.view);
    page.scalers(snapshot.view);
    page.machine_pools(snapshot.view);
    page.fleet(snapshot.view);
    page.pools(snapshot.view);
    page.demand(snapshot.view);
    page.signals(snapshot.view);
    page.edges(snapshot);
    page.streams(&snapshot.streams);
    if let Some(sums) = &snapshot.time {
        page.machine_time(&metrics.grown(sums));
    }
    let mut text = metrics.text_of_counters()?;
    page.write(&mut text)?;
    match names {
        Some(Names::Kici) => kici::page(metrics, snapshot).write(&mut text)?,
        Some(Names::Keda) => keda::page(snapshot).write(&mut text)?,
        Some(Names::Gitlab) => metrics.machines().write(snapshot.view, &mut text)?,
        None => {}
    }
    encode_eof(&mut text)?;
    Ok(text)
}

impl Page {
    fn agents(&mut self, view: &View) {
        let rows = view.pools.iter().flat_map(|pool| {
            let counts = pool.counts;
            let states = [
                ("starting", counts.starting),
                ("idle", counts.idle),
                ("busy", counts.busy),
                ("draining", counts.draining),
                ("destroying", counts.destroying),
                ("quarantined", counts.quarantined),
            ];
            states.map(|(state, n)| {
                let labels = vec![
                    ("pool", pool.name.to_string()),
                    ("scaler", pool.scaler.to_string()),
                    ("state", state.to_owned()),
                ];
                (labels, f64::from(n))
            })
        });
        self.gauges("agents", "Agents by what they do", rows);
    }

    fn scalers(&mut self, view: &View) {
        let by_scaler = per_scaler(view);
        let scaler = |name: &str| vec![("scaler", name.to_owned())];
        let scalers = &view.fleet.scalers;
        let max = scalers.iter().map(|spec| {
            let labels = scaler(spec.name.as_str());
            (labels, f64::from(spec.max_agents))
        });
        let left = scalers.iter().map(|spec| {
            let used = by_scaler.get(spec.name.as_str()).map_or(0, |u| u.agents);
            let left = spec.max_agents.saturating_sub(used);
            (scaler(spec.name.as_str()), f64::from(left))
        });
        self.gauges("scaler_agents_max", "Cap on the agents of a scaler", max);
        let help = "Agents that the scaler's own cap still allows";
        self.gauges("scaler_agents_headroom", help, left);
        let cpus = by_scaler.iter();
        let cpus = cpus.map(|(name, used)| (scaler(name), cpus_of(used.requests)));
        let help = "CPUs that the agents of a scaler reserve";
        self.gauges("scaler_cpus_reserved", help, cpus);
        let memory = by_scaler.iter();
        let memory = memory.map(|(name, used)| (scaler(name), memory_of(used.requests)));
        let help = "Memory that the agents of a scaler reserve";
        self.gauges("scaler_memory_reserved_bytes", help, memory);
    }

    /// Caps are of all daemons of this host together; what is reserved is our own part.
    fn machine_pools(&mut self, view: &View) {
        let pool = |name: &str| vec![("machine_pool", name.to_owned())];
        let pools = &view.fleet.machine_pools;
        let cpus = pools.iter().filter_map(|spec| {
            let cap = float(spec.cap.max_cpu_millis?) / 1000.0;
            Some((pool(spec.name.as_str()), cap))
        });
        let help = "CPUs that all daemons together may reserve in a machine pool";
        self.gauges("machine_pool_cpus_max", help, cpus);
        let memory = pools.iter().filter_map(|spec| {
            let cap = float(spec.cap.max_memory_bytes?);
            Some((pool(spec.name.as_str()), cap))
        });
        let help = "Memory that all daemons together may reserve in a machine pool";
        self.gauges("machine_pool_memory_max_bytes", help, memory);
        let used = per_machine_pool(view);
        let cpus = used.iter().map(|(name, used)| (pool(name), cpus_of(*used)));
        let help = "CPUs that this daemon's agents reserve in a machine pool";
        self.gauges("machine_pool_cpus_reserved", help, cpus);
        let memory = used
            .iter()
            .map(|(name, used)| (pool(name), memory_of(*used)));
        let help = "Memory that this daemon's agents reserve in a machine pool";
        self.gauges("machine_pool_memory_reserved_bytes", help, memory);
    }

    fn fleet(&mut self, view: &View) {
        let used = u32::try_from(view.agents.len()).unwrap_or(u32::MAX);
        let max = view.fleet.max_agents;
        let help = "Cap on agents over all scalers";
        self.gauge("fleet_agents_max", help, f64::from(max));
        let left = f64::from(max.saturating_sub(used));
        let help = "Agents that the fleet's cap still allows";
        self.gauge("fleet_agents_headroom", help, left);
        let writable = f64::from(u8::from(view.ledger_trouble.is_none()));
        let help = "1 while the ledger can be written";
        self.gauge("ledger_writable", help, writable);
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let build = [(vec![("version", version)], 1.0)];
        self.gauges("build_info", "The version that runs", build);
    }

    fn pools(&mut self, view: &View) {
        let pool = |name: &dyn fmt::Display| vec![("pool", name.to_string())];
        let wanted = view.pools.iter();
        let wanted = wanted.map(|p| (pool(&p.name), f64::from(p.wanted)));
        let help = "New agents asked for beyond what is on its way";
        self.gauges("pool_agents_wanted", help, wanted);
        let limited = view.pools.iter().filter_map(|p| {
            let mut labels = pool(&p.name);
            labels.push(("reason", p.limited_by?.code().to_owned()));
            Some((labels, 1.0))
        });
        let help = "1 for the reason why agents that are wanted are not made";
        self.gauges("pool_limited", help, limited);
        let failures = view.pools.iter();
        let failures = failures.map(|p| (pool(&p.name), f64::from(p.backoff.failures)));
        let help = "Launches of a pool that failed in a row";
        self.gauges("pool_launch_failures_in_row", help, failures);
        let lately = view.pools.iter();
        let lately = lately.map(|p| (pool(&p.name), f64::from(p.failures_lately)));
        let help = "Launches of a pool that failed within the last five minutes";
        self.gauges("pool_launch_failures_lately", help, lately);
    }

    fn demand(&mut self, view: &View) {
        let mut waiting: BTreeMap<&'static str, u64> = BTreeMap::new();
        for share in view.classes.iter().flat_map(|class| &class.shares) {
            *waiting.entry(share.reason.code()).or_default() += share.jobs;
        }
        let rows = waiting.into_iter();
        let rows = rows.map(|(reason, n)| (vec![("reason", reason.to_owned())], float(n)));
        self.gauges("jobs_waiting", "Jobs that wait, by reason", rows);
        let oldest = view.classes.iter().filter_map(|class| class.count.oldest);
        let age = oldest
            .min()
            .map_or(0.0, |at| view.at.since(at).as_secs_f64());
        let help = "How long the oldest waiting job has waited";
        self.gauge("jobs_oldest_waiting_seconds", help, age);
    }

    fn edges(&mut self, snapshot: &Snapshot<'_>) {
        let view = snapshot.view;
        let backend = |id: &dyn fmt::Display| vec![("backend", id.to_string())];
        let fresh = view.backends.iter();
        let fresh = fresh.map(|b| (backend(&b.id), f64::from(u8::from(b.fresh))));
        let help = "1 while a backend has said what exists";
        self.gauges("backend_fresh", help, fresh);
        self.orphans(&view.backends);
        self.orphans_of_others(&view.backends, view.at);
        let sources = view.sources.iter().map(|s| {
            let labels = vec![("source", s.id.to_string())];
            (labels, f64::from(u8::from(s.fresh)))
        });
        self.gauges(
            "source_fresh",
            "1 while a source has said what waits",
            sources,
        );
        let jobs = snapshot.jobs.iter().flatten();
        let jobs = jobs.map(|(s, n)| (vec![("state", s.code().to_owned())], float(*n)));
        self.gauges("jobs", "Jobs the ledger keeps, by state", jobs);
        self.refusals(&snapshot.refused_registrations);
    }

    fn refusals(&mut self, refused: &BTreeMap<&'static str, u64>) {
        let rows = refused.iter();
        let rows = rows.map(|(code, n)| (vec![("code", (*code).to_owned())], *n));
        let help = "Registrations and reconnects of agents that were refused";
        self.counters("agent_registrations_refused", help, rows);
    }
}
