//! What numbers ask for, in our arithmetic; the vectors of the original in both.

extern crate std;

mod vectors;

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use headcount_model::{
    Backlog, Combine, Compat, CronWindow, Level, Measure, QueueRule, Reading, RedisConnection,
    RedisServers, Sample, Strategy, StreamMeasure, Timestamp, Timing, Trigger, TriggerKind,
    Trouble, TroubleKind,
};

use super::{Crew, Proposal, propose};

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
        empty: pending,
        ..Crew::default()
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
    for strategy in [Strategy::Default, Strategy::Accurate, Strategy::Eager] {
        let rule = ours(strategy, Combine::Max, vec![list()]);
        let started = Crew {
            empty: 3,
            ..of(3, 0)
        };
        assert_eq!(made(&rule, vec![known(5.0)], started), 2);
        assert_eq!(made(&rule, vec![known(5.0)], of(3, 0)), 5);
    }
}

/// What a group waits for alone, with what the reader tells beside it.
fn lag(waiting: u64, in_flight: u64, claimable: u64) -> Reading {
    let Reading::Known(measure) = entries(waiting, in_flight, claimable) else {
        unreachable!();
    };
    Reading::Known(Measure {
        value: Level::count(waiting + claimable),
        ..measure
    })
}

fn lag_of(target: f64, strategy: Strategy) -> QueueRule {
    let measure = StreamMeasure::Lag {
        group: "g".to_string(),
        claim_after: None,
    };
    let mut rule = ours(strategy, Combine::Max, vec![stream(measure)]);
    rule.triggers[0].target = Level(target);
    rule
}

#[test]
fn of_what_a_group_waits_for_those_are_taken_off_who_hold_nothing() {
    for strategy in [Strategy::Default, Strategy::Accurate, Strategy::Eager] {
        for (target, (waiting, in_flight, claimable), (alive, pending), expected, why) in [
            (1.0, (10, 0, 0), (0, 0), 10, "one each"),
            (1.0, (4, 3, 0), (3, 0), 4, "three work, and four wait"),
            (1.0, (4, 3, 0), (7, 4), 0, "four are on their way"),
            (1.0, (10, 0, 0), (10, 0), 0, "ten run and have not read yet"),
            (1.0, (1, 2, 0), (0, 0), 1, "one waits beside two that died"),
            (1.0, (0, 0, 2), (0, 0), 2, "two may be claimed"),
            (5.0, (10, 0, 0), (0, 0), 2, "one for five"),
            (5.0, (4, 1, 0), (1, 0), 1, "four wait beside one that works"),
            (5.0, (8, 2, 0), (3, 1), 1, "one is on its way"),
            (1.0, (40, 3, 0), (3, 0), 7, "the maximum"),
        ] {
            let rule = lag_of(target, strategy);
            let reading = vec![lag(waiting, in_flight, claimable)];
            let number = made(&rule, reading, of(alive, pending));
            assert_eq!(number, expected, "{strategy:?}: {why}");
        }
    }
}

#[test]
fn the_minimum_is_beside_what_waits_alone() {
    let rule = QueueRule {
        min: 2,
        ..lag_of(1.0, Strategy::Default)
    };
    for ((waiting, in_flight), (alive, pending), expected, why) in [
        ((3, 0), (0, 0), 5, "three for what waits"),
        ((3, 0), (5, 5), 0, "all are on their way"),
        ((1, 3), (5, 0), 1, "two are ready, one of them takes it"),
        ((0, 3), (5, 0), 0, "nothing waits"),
    ] {
        let number = made(&rule, vec![lag(waiting, in_flight, 0)], of(alive, pending));
        assert_eq!(number, expected, "{why}");
    }
}

#[test]
fn together_with_other_numbers_nobody_at_work_is_taken_off_twice() {
    let kinds = vec![backlog(), list()];
    for (combine, expected) in [
        (Combine::Sum, 4),
        (Combine::Max, 3),
        (Combine::Min, 1),
        (Combine::Avg, 2),
    ] {
        let rule = ours(Strategy::Default, combine, kinds.clone());
        let readings = vec![entries(1, 2, 0), known(3.0)];
        assert_eq!(made(&rule, readings, of(2, 0)), expected, "{combine:?}");
    }
}

#[test]
fn who_came_for_nothing_is_not_made_again_at_once() {
    let resting = Crew {
        resting: 2,
        ..of(3, 0)
    };
    let rule = ours(Strategy::Default, Combine::Max, vec![window()]);
    assert_eq!(made(&rule, vec![known(5.0)], resting), 0);
    assert_eq!(made(&rule, vec![known(5.0)], of(3, 0)), 2);
    let rule = QueueRule {
        min: 5,
        ..ours(Strategy::Default, Combine::Max, vec![backlog()])
    };
    assert_eq!(made(&rule, vec![entries(0, 0, 0)], resting), 0);
    assert_eq!(made(&rule, vec![entries(4, 0, 0)], resting), 4);
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
        kind in 0..3_usize,
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
            ..ours(strategy, Combine::Max, vec![[list(), window(), backlog()][kind].clone()])
        };
        let crew = of(alive, pending.min(alive));
        let Proposal { create, .. } = propose(&rule, Some(&sample_of(vec![known(value)])), crew);
        proptest::prop_assert!(create == 0 || alive + create <= max);
        let after = of(alive + create, crew.pending + create);
        proptest::prop_assert_eq!(made(&rule, vec![known(value)], after), 0);
    }
}
