//! The metric names of the KiCI auto-scaler, for dashboards that exist already.
//!
//! Promise: the same names and labels with the meaning its documents give them; where it
//! never emitted what it documents, that is emitted here. Leaves out what has no meaning
//! here: nothing of a cluster of orchestrators.

use std::collections::BTreeMap;

use headcount_controller::{Link, PoolView, View};
use headcount_model::Resources;
use headcount_ports::JobStatus;

use super::count::{Labels, Metrics};
use super::gauges::{Page, cpus_of, float, memory_of, per_machine_pool, per_scaler};
use super::scrape::Snapshot;

/// The row that adds up all scalers.
const ALL: &str = "__global__";

/// All of them.
pub(super) fn page(metrics: &Metrics, snapshot: &Snapshot<'_>) -> Page {
    let mut page = Page::new("kici_orch");
    reloads(&mut page, metrics);
    resources(&mut page, snapshot.view);
    refusals(&mut page, snapshot.view);
    failures(&mut page, metrics, snapshot.view);
    let help = "Agents that can be spoken to";
    let connected = snapshot
        .view
        .agents
        .iter()
        .filter(|agent| agent.link == Link::Up);
    page.gauge("agents_active", help, float(connected.count() as u64));
    queue(&mut page, snapshot);
    page
}

/// Results are `attempted`, `success` and `failed`.
fn reloads(page: &mut Page, metrics: &Metrics) {
    let ok = metrics.reloads("ok");
    let failed = metrics.reloads("invalid") + metrics.reloads("stopping");
    let results = [
        ("attempted", ok + failed),
        ("success", ok),
        ("failed", failed),
    ];
    let rows = results.map(|(result, n)| (vec![("result", result.to_owned())], n));
    let help = "Reloads of the scalers, by result";
    page.counters("scaler_config_reloads", help, rows.clone());
    let help = "Reloads of the configuration, by result";
    page.counters("config_reload", help, rows);
}

fn resources(page: &mut Page, view: &View) {
    let mut cpus = Vec::new();
    let mut memory = Vec::new();
    let mut all = Resources::ZERO;
    let used = per_scaler(view);
    for scaler in &view.fleet.scalers {
        let name = scaler.name.as_str();
        let requests = used.get(name).map_or(Resources::ZERO, |used| used.requests);
        let labels = labels_of(name, backend_type(scaler.backend.as_str()));
        cpus.push((labels.clone(), cpus_of(requests)));
        memory.push((labels, memory_of(requests)));
        all = all.plus(requests);
    }
    cpus.push((labels_of(ALL, ALL), cpus_of(all)));
    memory.push((labels_of(ALL, ALL), memory_of(all)));
    for (pool, used) in per_machine_pool(view) {
        let labels = vec![("machinePool", pool.to_owned())];
        cpus.push((labels.clone(), cpus_of(used)));
        memory.push((labels, memory_of(used)));
    }
    page.gauges("scaler_cpus_used", "CPUs that agents reserve", cpus);
    let help = "Memory that agents reserve";
    page.gauges("scaler_memory_bytes_used", help, memory);
}

fn labels_of(scaler: &str, kind: &str) -> Labels {
    vec![
        ("scaler", scaler.to_owned()),
        ("scalerType", kind.to_owned()),
    ]
}

/// The word of the file: a backend may be one engine of several.
fn backend_type(backend: &str) -> &str {
    backend.split(':').next().unwrap_or(backend)
}

/// A gauge in spite of its name: that is how the original declares it.
fn refusals(page: &mut Page, view: &View) {
    let refused = view.pools.iter().filter(|pool| pool.limited_by.is_some());
    let refused: u64 = refused.map(|pool| u64::from(pool.wanted)).sum();
    let help = "Agents that are wanted now and that a cap or a pool refuses";
    page.gauge("scaler_spawn_refusals_total", help, float(refused));
}

fn failures(page: &mut Page, metrics: &Metrics, view: &View) {
    let mut sums: BTreeMap<(&str, bool), u64> = BTreeMap::new();
    for pool in &view.pools {
        for bound in [true, false] {
            let failed = metrics.failed_spawns(&pool.name, bound);
            *sums.entry((type_of(pool), bound)).or_default() += failed;
        }
    }
    let rows = sums.into_iter().map(|((backend, bound), n)| {
        let labels = vec![
            ("backend", backend.to_owned()),
            ("bound", bound.to_string()),
        ];
        (labels, n)
    });
    let help = "Launches that failed, and whether a job waited for them";
    page.counters("scaler_spawn_failures", help, rows);
}

fn type_of(pool: &PoolView) -> &str {
    let backend = pool.backend.as_ref();
    backend.map_or("none", |backend| backend_type(backend.as_str()))
}

fn queue(page: &mut Page, snapshot: &Snapshot<'_>) {
    let Some(jobs) = &snapshot.jobs else {
        return;
    };
    let depth = |status: JobStatus| float(jobs.get(&status).copied().unwrap_or(0));
    let rows = [
        ("pending", depth(JobStatus::Queued)),
        ("dispatched", depth(JobStatus::Assigned)),
    ];
    let rows = rows.map(|(status, n)| (vec![("status", status.to_owned())], n));
    page.gauges("dispatch_queue_depth", "Jobs in the queue, by status", rows);
}
