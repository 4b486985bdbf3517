//! Scenarios A to D of the KEDA reference with a real Redis and real processes, in scaled
//! time: never more workers than allowed, each entry done once, nobody for nothing, and
//! back at none.
//!
//! The same stories are told row by row, without a clock, in `crates/sim`.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Consumers, Wanted};

const SCENARIOS: &str = include_str!("../../../sim/tests/vectors/keda_scenarios.json");

/// Workers at most, in all of them.
const MAX: u32 = 10;

struct Scenario {
    /// When entries arrive, in seconds of the story, and how many.
    arrivals: Vec<(u64, u64)>,
    /// Entries that are in flight when it begins.
    initial: usize,
    /// Seconds that an entry takes, in order.
    takes: Vec<u64>,
    /// A second of the story.
    second: Duration,
}

impl Scenario {
    fn new(id: &str, second_ms: u64) -> Self {
        let all: Vec<Value> = serde_json::from_str(SCENARIOS).unwrap();
        let found = all.iter().find(|scenario| scenario["id"] == id).unwrap();
        let numbers = |value: &Value| -> Vec<u64> {
            let numbers = value.as_array().unwrap().iter();
            numbers.map(|number| number.as_u64().unwrap()).collect()
        };
        let arrivals = found["arrivals"].as_array().unwrap().iter();
        Self {
            arrivals: arrivals
                .map(|it| (it["t"].as_u64().unwrap(), it["count"].as_u64().unwrap()))
                .collect(),
            initial: usize::try_from(found["initial_in_flight"].as_u64().unwrap()).unwrap(),
            takes: numbers(&found["durations_by_start_order_s"]),
            second: Duration::from_millis(second_ms),
        }
    }

    /// What the entry of this number is, which is also the order in which they are read.
    fn work(&self, number: usize) -> String {
        let takes = *self.takes.get(number).or(self.takes.last()).unwrap();
        let takes = self.second * u32::try_from(takes).unwrap();
        format!("work-{number}:{:.3}", takes.as_secs_f64())
    }

    /// Tells it; gives back when everybody has left.
    fn tell(&self) -> Option<Consumers> {
        let consumers = Consumers::up(&Wanted {
            max: MAX,
            ..Wanted::default()
        })?;
        let mut works = (0..).map(|number| self.work(number));
        let mut added = self.initial;
        for work in works.by_ref().take(self.initial) {
            consumers.add(&work);
        }
        consumers.await_taken(self.initial);
        let begun = Instant::now();
        for (at, count) in &self.arrivals {
            let at = begun + self.second * u32::try_from(*at).unwrap();
            // The story says when; nothing is waited for.
            std::thread::park_timeout(at.saturating_duration_since(Instant::now()));
            for work in works.by_ref().take(usize::try_from(*count).unwrap()) {
                consumers.add(&work);
                added += 1;
            }
        }
        consumers.await_done(added);
        Some(consumers)
    }

    fn holds(&self) {
        let Some(consumers) = self.tell() else {
            return;
        };
        let all = self.initial + self.arrivals.iter().map(|it| it.1 as usize).sum::<usize>();
        let done = consumers.noted("did");
        assert_eq!(done.len(), all);
        assert!(done.values().all(|times| *times == 1), "{done:?}");
        assert_eq!(consumers.noted("idle").len(), 0, "somebody found nothing");
        assert_eq!(consumers.noted("came").len(), all, "one worker an entry");
        assert!(
            consumers.notes().most() <= MAX as usize,
            "{:?}",
            consumers.notes()
        );
        consumers.assert_drained();
        told_by_metrics(&consumers, all);
        consumers.house.close();
    }
}

/// Everybody was made for the queue and started, and every wave was seen: the longest that
/// can have taken is the polling interval.
fn told_by_metrics(consumers: &Consumers, made: usize) {
    let api = consumers.house.api();
    let made = f64::from(u32::try_from(made).unwrap());
    let decided = r#"decision="create",reason="queue_demand""#;
    assert_eq!(api.metric("headcount_agent_decisions_total", decided), made);
    let launches = "headcount_agent_launch_seconds_count";
    assert_eq!(api.metric(launches, "consumers"), made);
    let detections = "headcount_signal_detection_seconds";
    let waves = api.metric(&format!("{detections}_count"), "consumers");
    let took = api.metric(&format!("{detections}_sum"), "consumers");
    assert!(
        1.0 <= waves && waves <= made,
        "{waves} waves for {made} entries"
    );
    assert!(took / waves <= 1.0, "{took} s for {waves} waves");
}

#[test]
fn a_single_job() {
    Scenario::new("A", 5).holds();
}

#[test]
fn b_burst_of_ten() {
    Scenario::new("B", 20).holds();
}

#[test]
fn c_a_flow_of_jobs() {
    Scenario::new("C", 10).holds();
}

#[test]
fn d_more_than_there_are_agents() {
    Scenario::new("D", 2).holds();
}
