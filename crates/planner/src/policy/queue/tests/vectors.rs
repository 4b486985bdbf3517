//! The test vectors of the original by id, in its arithmetic and in ours.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use headcount_model::{
    Combine, Compat, Level, QueueRule, Sample, Strategy, StreamMeasure, Trigger,
};
use serde_json::Value;

use super::super::keda::{Step, bounds, limits};
use super::super::{Crew, propose};
use super::{known, list, sample_of, stream, unknown};

const VECTORS: &str = include_str!("../../../../tests/vectors/keda_scaled_job.json");

const WORK_IS_IN_IT: &str = "agents that run are for a part of it, whatever the strategy";

/// Where ours asks for another number, and why: of numbers that hold what agents work on.
const OURS: Table = &[
    ("e2e-accurate-phase3-cap", 0, WORK_IS_IN_IT),
    (
        "e2e-min2-max4-q3-first",
        4,
        "demand is served while the minimum is made, within the maximum",
    ),
    ("f-accurate-incl-inflight-over", 0, WORK_IS_IN_IT),
    ("f-eager-basic", 1, WORK_IS_IN_IT),
    (
        "f-eager-pending-twice",
        4,
        "agents on their way are taken off once: 4 slots are free",
    ),
    ("f-eager-repeat", 0, WORK_IS_IN_IT),
    (
        "f-custom-half",
        6,
        "6 slots are free; the original makes 11 of 10",
    ),
    (
        "f-custom-trunc",
        7,
        "7 slots are free; the original makes 12 of 10",
    ),
    (
        "f-custom-neg-ded",
        5,
        "a deduction below zero asks for more than the queue is long",
    ),
    (
        "f-custom-pending-ignored",
        2,
        "2 on their way are for 2 of the 4 that wait",
    ),
    (
        "f-max-default-with-min",
        80,
        "the maximum that is not set is 100 all the same, the minimum included",
    ),
    (
        "f-min-fill-ignores-queue",
        9,
        "demand is served while the minimum is made, within the maximum",
    ),
    ("f-min-accurate", 3, WORK_IS_IN_IT),
    (
        "f-min-eager",
        5,
        "agents on their way are taken off once: 5 slots are free",
    ),
    ("f-fraction-tiny", 1, "a little is not nothing"),
];

/// The same of numbers of what waits alone.
const OURS_OF_LISTS: Table = &[
    (
        "e2e-min2-max4-q3-first",
        4,
        "demand is served while the minimum is made, within the maximum",
    ),
    (
        "f-default-neg",
        2,
        "the 8 that run hold what they took, and 2 slots are free for the 3 that wait",
    ),
    (
        "f-eager-pending-twice",
        4,
        "agents on their way are taken off once: 4 slots are free",
    ),
    (
        "f-custom-half",
        6,
        "6 slots are free; the original makes 11 of 10",
    ),
    (
        "f-custom-trunc",
        7,
        "7 slots are free; the original makes 12 of 10",
    ),
    (
        "f-custom-neg-ded",
        5,
        "a deduction below zero asks for more than the queue is long",
    ),
    (
        "f-custom-bad-pct",
        5,
        "as default: the 3 that run hold what they took, and 5 wait",
    ),
    (
        "f-custom-pending-ignored",
        2,
        "2 on their way are for 2 of the 4 that wait",
    ),
    (
        "f-max-default-with-min",
        80,
        "the maximum that is not set is 100 all the same, the minimum included",
    ),
    (
        "f-min-fill-ignores-queue",
        9,
        "demand is served while the minimum is made, within the maximum",
    ),
    (
        "f-min-eager",
        5,
        "agents on their way are taken off once: 5 slots are free",
    ),
    (
        "f-cron-churn",
        5,
        "the 2 that run hold what they took, and 5 wait; a window is not such a number",
    ),
    ("f-fraction-tiny", 1, "a little is not nothing"),
    (
        "f-raibid-lag5-4",
        1,
        "the one that runs holds what it took, and 4 wait",
    ),
];

/// Id, agents, why.
type Table = &'static [(&'static str, u32, &'static str)];

fn vectors(kind: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    all.into_iter().filter(|v| v["kind"] == kind).collect()
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64().map(|n| u32::try_from(n).unwrap())
}

fn strategy(input: &Value) -> Strategy {
    let part = input["custom_running_job_percentage"].as_str();
    let deduction = input["custom_queue_length_deduction"].as_i64();
    match (input["strategy"].as_str().unwrap(), part.map(str::parse)) {
        ("custom", Some(Ok(part))) => Strategy::Custom {
            deduction: i32::try_from(deduction.unwrap_or(0)).unwrap(),
            running: Level(part),
        },
        ("accurate", _) => Strategy::Accurate,
        ("eager", _) => Strategy::Eager,
        // A part that is no number is the default, as the configuration reads it.
        ("default" | "custom", _) => Strategy::Default,
        (other, _) => panic!("no such strategy: {other}"),
    }
}

fn rule(input: &Value) -> QueueRule {
    let combine = match input["multiple_scalers_calculation"].as_str() {
        None | Some("max") => Combine::Max,
        Some("min") => Combine::Min,
        Some("avg") => Combine::Avg,
        Some("sum") => Combine::Sum,
        Some(other) => panic!("no such combination: {other}"),
    };
    let triggers = input["triggers"].as_array().into_iter().flatten();
    QueueRule {
        triggers: triggers.map(trigger).collect(),
        strategy: strategy(input),
        combine,
        min: number(&input["min_replica_count"]).unwrap_or(0),
        max: number(&input["max_replica_count"]),
        compat: Compat::Keda,
        polling: Duration::from_secs(30),
    }
}

fn trigger(input: &Value) -> Trigger {
    Trigger {
        name: String::from("list"),
        target: Level(input["target"].as_f64().unwrap()),
        activation: Level(input["activation"].as_f64().unwrap()),
        kind: list(),
    }
}

/// What the triggers said; where one could not even be made, nothing was read.
fn sample(input: &Value) -> Option<Sample> {
    let readings =
        input["triggers"].as_array().unwrap().iter().map(|trigger| {
            match trigger["error"].as_bool().unwrap() {
                true => unknown(),
                false => known(trigger["value"].as_f64().unwrap()),
            }
        });
    let built = !input["trigger_build_error"].as_bool().unwrap();
    built.then(|| sample_of(readings.collect()))
}

fn crew(input: &Value) -> Crew {
    let pending = number(&input["pending_jobs"]).unwrap();
    Crew {
        alive: number(&input["running_jobs"]).unwrap(),
        pending,
        pending_then: pending,
        empty: pending,
        ..Crew::default()
    }
}

#[test]
fn every_decision_of_the_original_by_id() {
    let mut wrong = Vec::new();
    let cases = vectors("decision");
    assert_eq!(cases.len(), 66);
    for case in cases {
        let (id, input) = (case["id"].as_str().unwrap(), &case["input"]);
        let sample = sample(input);
        let made = propose(&rule(input), sample.as_ref(), crew(input)).create;
        let expected = number(&case["expected"]["jobs_to_create"]).unwrap();
        if made != expected {
            wrong.push(format!("{id}: {made} instead of {expected}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_decision_in_our_arithmetic_where_it_differs() {
    for (kind, table) in [
        (stream(StreamMeasure::Length), OURS),
        (list(), OURS_OF_LISTS),
    ] {
        let mut differing = Vec::new();
        for case in vectors("decision") {
            let (id, input) = (case["id"].as_str().unwrap(), &case["input"]);
            let mut ours = QueueRule {
                compat: Compat::Headcount,
                ..rule(input)
            };
            ours.triggers
                .iter_mut()
                .for_each(|trigger| trigger.kind = kind.clone());
            let made = propose(&ours, sample(input).as_ref(), crew(input)).create;
            if made != number(&case["expected"]["jobs_to_create"]).unwrap() {
                differing.push((id.to_string(), made));
            }
        }
        let stated = table.iter().map(|(id, made, _)| (id.to_string(), *made));
        assert_eq!(differing, stated.collect::<Vec<_>>(), "{kind:?}");
    }
}

#[test]
fn every_strategy_of_the_original_by_id() {
    let cases = vectors("strategy");
    assert_eq!(cases.len(), 15);
    for case in cases {
        let (id, input) = (case["id"].as_str().unwrap(), &case["input"]);
        let of = |name: &str| input[name].as_i64().unwrap();
        let step = Step {
            demand: of("max_scale"),
            beyond: of("running_jobs"),
            pending: of("pending_jobs"),
            max: of("max_replicas"),
        };
        let (allowed, up_to) = limits(strategy(input), step, of("scale_to"));
        let expected = &case["expected"];
        let wanted = (
            expected["effective_max_scale"].as_i64().unwrap(),
            expected["scale_to"].as_i64().unwrap(),
        );
        assert_eq!((allowed.max(0), up_to), wanted, "{id}");
    }
}

#[test]
fn every_bound_of_the_original_by_id() {
    let cases = vectors("replica_bounds");
    assert_eq!(cases.len(), 5);
    for case in cases {
        let mut input = case["input"].clone();
        input["strategy"] = "default".into();
        let (min, max) = bounds(&rule(&input));
        let expected = &case["expected"];
        let id = &case["id"];
        assert_eq!(Some(min), expected["effective_min"].as_i64(), "{id}");
        assert_eq!(Some(max), expected["effective_max"].as_i64(), "{id}");
    }
}
