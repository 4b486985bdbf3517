//! The metric names of KEDA's operator, for dashboards that exist already.
//!
//! Promise: its current names and labels with its meaning, for a pool with triggers as for
//! a `ScaledJob` of its scaler's name. Leaves out what has no meaning here: other kinds of
//! scaled objects, scalers that ask over HTTP, its metrics server and webhooks. Source: the
//! KEDA `ScaledJob` reference, 4.

use std::collections::BTreeMap;

use headcount_controller::View;
use headcount_model::TriggerKind;

use super::count::Labels;
use super::gauges::Page;
use super::scrape::Snapshot;
use super::signals::{Told, pools, triggers};

/// A daemon stands in for one namespace.
const NAMESPACE: &str = "headcount";

/// All of them.
pub(super) fn page(snapshot: &Snapshot<'_>) -> Page {
    let view = snapshot.view;
    let mut page = Page::new("keda");
    let values = triggers(view).filter_map(|told| Some((labels(&told), told.measure()?.value.0)));
    let help = "The current value of each trigger";
    page.gauges("scaler_metrics_value", help, values);
    let active = triggers(view).filter_map(|told| {
        let above = told.measure()?.value.0 > told.trigger.activation.0;
        Some((labels(&told), f64::from(u8::from(above))))
    });
    page.gauges("scaler_active", "1 while a trigger is active", active);
    let took = triggers(view).filter_map(|told| Some((labels(&told), told.took?.as_secs_f64())));
    let help = "How long reading each trigger took last";
    page.gauges("scaler_metrics_latency_seconds", help, took);
    let failures = triggers(view).map(|told| (labels(&told), told.failures));
    let help = "Readings in which a trigger could not be read";
    page.counters("scaler_detail_errors", help, failures);
    let errors = pools(view).map(|(pool, signal)| {
        let labels = vec![
            ("namespace", NAMESPACE.to_owned()),
            ("scaledJob", pool.scaler.to_string()),
        ];
        (labels, signal.unread)
    });
    let help = "Readings of which not everything could be read";
    page.counters("scaled_job_errors", help, errors);
    let late = pools(view).map(|(pool, signal)| {
        let labels = vec![
            ("namespace", NAMESPACE.to_owned()),
            ("type", "scaledjob".to_owned()),
            ("resource", pool.scaler.to_string()),
        ];
        (labels, signal.begun_late.as_secs_f64())
    });
    let help = "How long after it was due the last reading began";
    page.gauges("internal_scale_loop_latency_seconds", help, late);
    registered(&mut page, view);
    page.gauges("build_info", "The version that runs", [(build(), 1.0)]);
    page
}

/// The labels are the original's, whose program is in Go.
fn build() -> Labels {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    vec![
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("git_commit", "unknown".to_owned()),
        ("goversion", "none".to_owned()),
        ("goos", std::env::consts::OS.to_owned()),
        ("goarch", arch.to_owned()),
    ]
}

/// Gauges in spite of their names: that is how the original declares them.
fn registered(page: &mut Page, view: &View) {
    let mut kinds: BTreeMap<&str, f64> = BTreeMap::new();
    for told in triggers(view) {
        *kinds.entry(kind(&told.trigger.kind)).or_default() += 1.0;
    }
    let rows = kinds.into_iter();
    let rows = rows.map(|(kind, n)| (vec![("type", kind.to_owned())], n));
    page.gauges("trigger_registered_total", "Triggers by type", rows);
    let jobs = f64::from(u32::try_from(pools(view).count()).unwrap_or(u32::MAX));
    let labels = vec![
        ("namespace", NAMESPACE.to_owned()),
        ("type", "scaled_job".to_owned()),
    ];
    page.gauges("resource_registered_total", "Scaled jobs", [(labels, jobs)]);
}

fn labels(told: &Told<'_>) -> Labels {
    vec![
        ("namespace", NAMESPACE.to_owned()),
        ("metric", metric(told)),
        ("scaledObject", told.pool.scaler.to_string()),
        ("scaler", told.trigger.name.clone()),
        ("triggerIndex", told.index.to_string()),
        ("type", "scaledjob".to_owned()),
    ]
}

/// `s0-redis-streams-my-stream`: what is not fit for a name becomes a dash.
fn metric(told: &Told<'_>) -> String {
    let what = match &told.trigger.kind {
        TriggerKind::RedisStream { stream, .. } => format!("redis-streams-{stream}"),
        TriggerKind::RedisKey { key, .. } => format!("redis-{key}"),
        TriggerKind::Cron(window) => {
            format!("cron-{}-{}-{}", window.timezone, window.start, window.end)
        }
    };
    let unfit = |c: char| matches!(c, '/' | '.' | ':' | '%' | '(' | ')');
    format!("s{}-{}", told.index, what.replace(unfit, "-"))
}

const fn kind(kind: &TriggerKind) -> &'static str {
    match kind {
        TriggerKind::RedisStream { .. } => "redis-streams",
        TriggerKind::RedisKey { .. } => "redis",
        TriggerKind::Cron(_) => "cron",
    }
}
