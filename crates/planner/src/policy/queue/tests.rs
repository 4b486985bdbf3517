//! The test vectors of the original by id, in its arithmetic and in ours.

extern crate std;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};
use core::time::Duration;

use headcount_model::{
    Backlog, Combine, Compat, CronWindow, Level, Measure, QueueRule, Reading, RedisConnection,
    RedisServers, Sample, Strategy, StreamMeasure, Timestamp, Timing, Trigger, TriggerKind,
    Trouble, TroubleKind,
};
use serde_json::Value;

use super::keda::{Step, bounds, limits};
use super::{Crew, Proposal, propose};

const VECTORS: &str = include_str!("../../../tests/vectors/keda_scaled_job.json");

/// Where ours asks for another number, and why.
const OURS: &[(&str, u32, &str)] = &[
    (
        "e2e-min2-max4-q3-first",
        4,
        "demand is served while the minimum is made, within the maximum",
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
    ("f-fraction-tiny", 1, "a little is not nothing"),
];

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

fn connection() -> alloc::sync::Arc<RedisConnection> {
    alloc::sync::Arc::new(RedisConnection {
        servers: RedisServers::Standalone("127.0.0.1:6379".to_string()),
        username: None,
        password: None,
        database: 0,
        tls: None,
    })
}

fn list() -> TriggerKind {
    TriggerKind::RedisKey {
        connection: connection(),
        key: "jobs".to_string(),
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

fn known(value: f64) -> Reading {
    Reading::Known(Measure {
        value: Level(value),
        backlog: None,
    })
}

fn unknown() -> Reading {
    Reading::Unknown(Trouble {
        kind: TroubleKind::Transient,
        message: "connection refused".to_string(),
    })
}

fn sample_of(readings: Vec<Reading>) -> Sample {
    Sample {
        number: 1,
        as_of: Timestamp::from_millis(1),
        readings,
        next_change: None,
        timing: Timing::default(),
    }
}

fn crew(input: &Value) -> Crew {
    let pending = number(&input["pending_jobs"]).unwrap();
    Crew {
        alive: number(&input["running_jobs"]).unwrap(),
        pending,
        pending_then: pending,
        ended: 0,
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
    let mut differing = Vec::new();
    for case in vectors("decision") {
        let (id, input) = (case["id"].as_str().unwrap(), &case["input"]);
        let ours = QueueRule {
            compat: Compat::Headcount,
            ..rule(input)
        };
        let made = propose(&ours, sample(input).as_ref(), crew(input)).create;
        if made != number(&case["expected"]["jobs_to_create"]).unwrap() {
            differing.push((id.to_string(), made));
        }
    }
    let stated = OURS.iter().map(|(id, made, _)| (id.to_string(), *made));
    assert_eq!(differing, stated.collect::<Vec<_>>());
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

fn ours(strategy: Strategy, combine: Combine, triggers: Vec<TriggerKind>) -> QueueRule {
    let triggers = triggers.into_iter().map(|kind| Trigger {
        name: "t".to_string(),
        target: Level(1.0),
        activation: Level(0.0),
        kind,
    });
    QueueRule {
        triggers: triggers.collect(),
        strategy,
        combine,
        min: 0,
        max: Some(10),
        compat: Compat::Headcount,
        polling: Duration::from_secs(30),
    }
}

fn stream(measure: StreamMeasure) -> TriggerKind {
    TriggerKind::RedisStream {
        connection: connection(),
        stream: "jobs".to_string(),
        measure,
    }
}

fn backlog() -> TriggerKind {
    stream(StreamMeasure::Backlog {
        group: "g".to_string(),
        claim_after: None,
    })
}

fn window() -> TriggerKind {
    TriggerKind::Cron(CronWindow {
        timezone: "UTC".to_string(),
        start: "0 8 * * *".to_string(),
        end: "0 18 * * *".to_string(),
        desired: 5,
        compat: Compat::Headcount,
    })
}

fn entries(waiting: u64, in_flight: u64, claimable: u64) -> Reading {
    let backlog = Backlog {
        waiting,
        in_flight,
        claimable,
    };
    Reading::Known(Measure {
        value: Level::count(backlog.total()),
        backlog: Some(backlog),
    })
}

fn of(alive: u32, pending: u32) -> Crew {
    Crew {
        alive,
        pending,
        pending_then: pending,
        ended: 0,
    }
}

fn made(rule: &QueueRule, readings: Vec<Reading>, crew: Crew) -> u32 {
    propose(rule, Some(&sample_of(readings)), crew).create
}

#[test]
fn a_backlog_counts_everybody_once_whatever_the_strategy() {
    for strategy in [Strategy::Default, Strategy::Accurate, Strategy::Eager] {
        let rule = ours(strategy, Combine::Max, vec![backlog()]);
        for ((waiting, in_flight, claimable), (alive, pending), expected, why) in [
            ((10, 0, 0), (0, 0), 10, "one each"),
            ((7, 0, 0), (3, 3), 4, "three are on their way"),
            ((7, 0, 0), (3, 0), 4, "three run and have not read yet"),
            ((4, 3, 0), (3, 0), 4, "three work"),
            ((0, 3, 0), (3, 0), 0, "all work"),
            ((0, 2, 0), (0, 0), 0, "two died, and nobody may claim yet"),
            ((1, 2, 0), (0, 0), 1, "one waits beside two that died"),
            ((0, 0, 2), (0, 0), 2, "two may be claimed"),
            ((40, 0, 0), (3, 0), 7, "the maximum"),
        ] {
            let reading = vec![entries(waiting, in_flight, claimable)];
            let number = made(&rule, reading, of(alive, pending));
            assert_eq!(number, expected, "{strategy:?}: {why}");
        }
    }
}

#[test]
fn a_custom_demand_is_beside_the_minimum_before_and_after() {
    let custom = Strategy::Custom {
        deduction: 1,
        running: Level(1.0),
    };
    let rule = QueueRule {
        min: 2,
        max: Some(20),
        ..ours(custom, Combine::Max, vec![list()])
    };
    for ((alive, pending), expected, why) in [
        ((0, 0), 11, "nine for what waits, two for the minimum"),
        ((1, 0), 10, "one of the minimum runs"),
        ((1, 1), 10, "one of the minimum is on its way"),
        ((11, 11), 0, "all are on their way"),
        ((11, 0), 0, "all run"),
    ] {
        let number = made(&rule, vec![known(10.0)], of(alive, pending));
        assert_eq!(number, expected, "{why}");
    }
}

#[test]
fn who_ended_since_the_sample_is_still_in_it() {
    let rule = ours(Strategy::Default, Combine::Max, vec![backlog()]);
    let ended = Crew {
        ended: 2,
        ..of(1, 0)
    };
    assert_eq!(made(&rule, vec![entries(0, 3, 0)], ended), 0);
    assert_eq!(made(&rule, vec![entries(1, 3, 0)], ended), 1);
}

#[test]
fn a_window_is_not_added_to_itself_by_a_strategy_for_lists() {
    let rule = ours(Strategy::Accurate, Combine::Max, vec![window()]);
    assert_eq!(made(&rule, vec![known(5.0)], of(5, 0)), 0);
    let keda = QueueRule {
        compat: Compat::Keda,
        ..rule
    };
    assert_eq!(made(&keda, vec![known(5.0)], of(5, 0)), 5);
}

#[test]
fn who_runs_only_since_the_sample_may_be_what_a_list_waits_for() {
    let rule = ours(Strategy::Accurate, Combine::Max, vec![list()]);
    let started = Crew {
        pending_then: 3,
        ..of(3, 0)
    };
    assert_eq!(made(&rule, vec![known(5.0)], started), 2);
    assert_eq!(made(&rule, vec![known(5.0)], of(3, 0)), 5);
}

#[test]
fn triggers_are_compared_by_the_agents_they_ask_for() {
    let mut rule = ours(Strategy::Default, Combine::Max, vec![list(), list()]);
    rule.triggers[0].target = Level(10.0);
    let readings = || vec![known(20.0), known(9.0)];
    for (combine, ours, keda) in [
        (Combine::Max, 9, 2),
        (Combine::Min, 2, 9),
        (Combine::Avg, 6, 6),
        (Combine::Sum, 10, 10),
    ] {
        rule.combine = combine;
        rule.compat = Compat::Headcount;
        assert_eq!(made(&rule, readings(), of(0, 0)), ours, "{combine:?}");
        rule.compat = Compat::Keda;
        assert_eq!(made(&rule, readings(), of(0, 0)), keda, "{combine:?}");
    }
}

#[test]
fn what_could_not_be_read_asks_for_nothing() {
    for (combine, expected, why) in [
        (Combine::Max, 4, "at least what the others ask for"),
        (Combine::Min, 0, "it may be the smallest"),
        (Combine::Avg, 4, "the mean of those that answered"),
        (Combine::Sum, 4, "at least what the others ask for"),
    ] {
        let rule = ours(Strategy::Default, combine, vec![list(), list()]);
        let readings = vec![unknown(), known(4.0)];
        assert_eq!(made(&rule, readings, of(0, 0)), expected, "{why}");
    }
}

#[test]
fn the_minimum_is_kept_without_a_sample() {
    for compat in [Compat::Headcount, Compat::Keda] {
        let rule = QueueRule {
            min: 3,
            compat,
            ..ours(Strategy::Default, Combine::Max, vec![list()])
        };
        let kept = |alive| propose(&rule, None, of(alive, 0)).create;
        assert_eq!([kept(0), kept(2), kept(3), kept(9)], [3, 1, 0, 0]);
    }
}

#[test]
fn numbers_that_are_none_ask_for_nothing_and_break_nothing() {
    let strange = [f64::NAN, f64::NEG_INFINITY, -5.0, f64::INFINITY, f64::MAX];
    for compat in [Compat::Headcount, Compat::Keda] {
        for target in [0.0, 1.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE] {
            for strategy in [
                Strategy::Default,
                Strategy::Accurate,
                Strategy::Eager,
                Strategy::Custom {
                    deduction: i32::MIN,
                    running: Level(f64::NAN),
                },
            ] {
                let mut rule = ours(strategy, Combine::Sum, vec![list(); 5]);
                rule.compat = compat;
                rule.triggers
                    .iter_mut()
                    .for_each(|t| t.target = Level(target));
                let readings = strange.map(known).to_vec();
                let number = made(&rule, readings, of(4, 1));
                assert!(number <= 10, "{compat:?} {strategy:?} {target}");
            }
        }
    }
}

proptest::proptest! {
    /// Never above the maximum, whatever is said; and what is made by a sample needs no
    /// more by the same one.
    #[test]
    fn ours_stays_within_the_maximum_and_asks_once(
        value in 0.0..200.0_f64,
        (min, max) in (0..20_u32, 0..20_u32),
        (alive, pending) in (0..30_u32, 0..30_u32),
        strategy in 0..4_usize,
    ) {
        let strategy = [
            Strategy::Default,
            Strategy::Accurate,
            Strategy::Eager,
            Strategy::Custom { deduction: 1, running: Level(1.0) },
        ][strategy];
        let rule = QueueRule {
            min,
            max: Some(max),
            ..ours(strategy, Combine::Max, vec![list()])
        };
        let crew = of(alive, pending.min(alive));
        let Proposal { create, .. } = propose(&rule, Some(&sample_of(vec![known(value)])), crew);
        proptest::prop_assert!(create == 0 || alive + create <= max);
        let after = of(alive + create, crew.pending + create);
        proptest::prop_assert_eq!(made(&rule, vec![known(value)], after), 0);
    }
}
