//! Pools with triggers: what their queues hold and what is made of it. Agents that were
//! made by them are among `agent_decisions`, with the reason `queue_demand`; how soon what
//! is new is planned for is `signal_detection_seconds`, counted as it happens.

use std::time::Duration;

use headcount_controller::{PoolView, SignalView, View};
use headcount_model::{Measure, Reading, Trigger};

use super::count::Labels;
use super::gauges::{Page, float};

/// A trigger with its place in its pool and what it said last.
pub(super) struct Told<'v> {
    pub(super) pool: &'v PoolView,
    pub(super) index: usize,
    pub(super) trigger: &'v Trigger,
    /// Absent before the first answer.
    pub(super) reading: Option<&'v Reading>,
    /// How long reading it took, where that was measured.
    pub(super) took: Option<Duration>,
    /// Samples in which it could not be read.
    pub(super) failures: u64,
}

impl<'v> Told<'v> {
    /// Its number, if it could be read.
    pub(super) fn measure(&self) -> Option<&'v Measure> {
        match self.reading {
            Some(Reading::Known(measure)) => Some(measure),
            Some(Reading::Unknown(_)) | None => None,
        }
    }

    fn labels(&self) -> Labels {
        vec![
            ("pool", self.pool.name.to_string()),
            ("trigger", self.trigger.name.clone()),
        ]
    }
}

/// Every pool with triggers.
pub(super) fn pools(view: &View) -> impl Iterator<Item = (&PoolView, &SignalView)> {
    let pools = view.pools.iter();
    pools.filter_map(|pool| Some((pool, pool.signal.as_ref()?)))
}

/// Every trigger of every pool.
pub(super) fn triggers(view: &View) -> impl Iterator<Item = Told<'_>> {
    pools(view).flat_map(|(pool, signal)| {
        let triggers = signal.rule.triggers.iter().enumerate();
        triggers.map(move |(index, trigger)| Told {
            pool,
            index,
            trigger,
            reading: signal.sample.as_ref().and_then(|s| s.readings.get(index)),
            took: took(signal, index),
            failures: signal.failures.get(index).copied().unwrap_or(0),
        })
    })
}

fn took(signal: &SignalView, index: usize) -> Option<Duration> {
    let sample = signal.sample.as_ref()?;
    sample.timing.took.get(index).copied()
}

impl Page {
    pub(super) fn signals(&mut self, view: &View) {
        self.readings(view);
        let pool = |pool: &PoolView| vec![("pool", pool.name.to_string())];
        let desired = pools(view);
        let desired = desired.filter_map(|(at, told)| Some((pool(at), f64::from(told.desired?))));
        let help = "Agents that the triggers of a pool ask for";
        self.gauges("signal_agents_desired", help, desired);
        let age = pools(view).filter_map(|(at, told)| {
            let sample = told.sample.as_ref()?;
            Some((pool(at), view.at.since(sample.as_of).as_secs_f64()))
        });
        let help = "Seconds since the triggers of a pool were last read";
        self.gauges("signal_age_seconds", help, age);
        let unread = pools(view).map(|(at, told)| (pool(at), told.unread));
        let help = "Readings of a pool's triggers of which not everything could be read";
        self.counters("signal_unread", help, unread);
    }

    fn readings(&mut self, view: &View) {
        let entries = triggers(view).flat_map(|told| {
            let backlog = told.measure().and_then(|measure| measure.backlog);
            let states = backlog.map(|backlog| {
                [
                    ("waiting", backlog.waiting),
                    ("in_flight", backlog.in_flight),
                    ("claimable", backlog.claimable),
                ]
            });
            let labels = told.labels();
            states.into_iter().flatten().map(move |(state, n)| {
                let mut labels = labels.clone();
                labels.push(("state", state.to_owned()));
                (labels, float(n))
            })
        });
        let help = "Entries of a queue that nobody acknowledged, by state";
        self.gauges("signal_entries", help, entries);
        let values =
            triggers(view).filter_map(|told| Some((told.labels(), told.measure()?.value.0)));
        self.gauges("signal_value", "What a trigger said last", values);
        let unknown = triggers(view).map(|told| {
            let unknown = f64::from(u8::from(told.measure().is_none()));
            (told.labels(), unknown)
        });
        let help = "1 while a trigger could not be read";
        self.gauges("signal_unknown", help, unknown);
        let took =
            triggers(view).filter_map(|told| Some((told.labels(), told.took?.as_secs_f64())));
        let help = "How long reading a trigger took last";
        self.gauges("signal_read_seconds", help, took);
        let failures = triggers(view).map(|told| (told.labels(), told.failures));
        let help = "Readings in which a trigger could not be read";
        self.counters("signal_failures", help, failures);
    }
}
