//! The inputs of the reference's comparison: what the original's arithmetic makes of
//! them, polled, and what ours makes of the same stories.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use headcount_model::{Compat, Strategy, StreamMeasure};
use headcount_sim::queue::{Story, run};

fn group() -> String {
    "workers".to_owned()
}

fn backlog() -> StreamMeasure {
    StreamMeasure::Backlog {
        group: group(),
        claim_after: None,
    }
}

fn lag() -> StreamMeasure {
    StreamMeasure::Lag { group: group() }
}

/// What distinguishes one input from a burst of ten.
type Input = (&'static str, fn(&mut Story));

const INPUTS: [Input; 3] = [
    ("burst 10", |_| {}),
    ("every 7 s", |story| {
        story.arrivals = (0..30).map(|n| (5 + 7 * n, 1)).collect();
    }),
    ("burst 10, start 45 s", |story| {
        story.starts_in = vec![45];
        story.rule.max = Some(30);
    }),
];

fn line(story: &Story) -> String {
    let told = run(story, &[]);
    let wait = told
        .mean_wait
        .map_or("never".to_owned(), |it| format!("{it:.1}"));
    let last = told
        .last_ack
        .map_or("never".to_owned(), |it| it.to_string());
    format!("{:>5} {:>5} {wait:>7} {last:>6}", told.created, told.idle)
}

#[test]
fn what_the_arithmetic_of_the_original_makes_of_them() {
    use Strategy::{Accurate, Default, Eager};
    let pending = || StreamMeasure::Pending { group: group() };
    let of = |measure, strategy| Story::burst(measure, strategy, Compat::Keda);
    let mut with_min = of(pending(), Default);
    with_min.rule.min = 1;
    let mut by_five = of(lag(), Default);
    by_five.rule.triggers[0].target = headcount_model::Level(5.0);
    let (_, every_7) = INPUTS[1];
    let (_, slow) = INPUTS[2];
    let with = |mut story: Story, mend: fn(&mut Story)| {
        mend(&mut story);
        story
    };
    let stories = [
        ("burst 10, pending, default", of(pending(), Default)),
        ("burst 10, pending, default, min 1", with_min),
        ("burst 10, waiting, default", of(lag(), Default)),
        ("burst 10, waiting, default, target 5", by_five),
        ("burst 10, all, default", of(backlog(), Default)),
        (
            "burst 10, length, default",
            of(StreamMeasure::Length, Default),
        ),
        (
            "every 7 s, waiting, default",
            with(of(lag(), Default), every_7),
        ),
        (
            "every 7 s, waiting, accurate",
            with(of(lag(), Accurate), every_7),
        ),
        (
            "every 7 s, all, default",
            with(of(backlog(), Default), every_7),
        ),
        (
            "every 7 s, all, accurate",
            with(of(backlog(), Accurate), every_7),
        ),
        (
            "slow start, waiting, accurate",
            with(of(lag(), Accurate), slow),
        ),
        ("slow start, waiting, eager", with(of(lag(), Eager), slow)),
        (
            "slow start, all, accurate",
            with(of(backlog(), Accurate), slow),
        ),
    ];
    let lines = stories.map(|(name, story)| format!("{name:<37}{}", line(&story)));
    assert_eq!(
        lines.join("\n"),
        "\
burst 10, pending, default               0     0   never  never
burst 10, pending, default, min 1      241   230    47.5    160
burst 10, waiting, default              10     0    12.5     80
burst 10, waiting, default, target 5    10     0   190.5    540
burst 10, all, default                  10     0    12.5     80
burst 10, length, default             2365  2345    12.5     80
every 7 s, waiting, default             30     0    63.3    430
every 7 s, waiting, accurate            30     0    16.7    300
every 7 s, all, default                 30     0    17.0    300
every 7 s, all, accurate                46    16    11.2    300
slow start, waiting, accurate           10     0    50.0    115
slow start, waiting, eager              20    10    50.0    115
slow start, all, accurate               30    20    50.0    115"
    );
}

#[test]
fn what_ours_makes_of_them_and_nobody_comes_for_nothing() {
    let mut lines = Vec::new();
    for (name, mend) in INPUTS {
        for (told, how) in [(true, "told"), (false, "polled")] {
            for strategy in [Strategy::Default, Strategy::Accurate, Strategy::Eager] {
                let mut story = Story::burst(backlog(), strategy, Compat::Headcount);
                mend(&mut story);
                story.told = told;
                let told = run(&story, &[]);
                assert_eq!(told.idle, 0, "{name}, {how}, {strategy:?}");
                assert!(told.most <= u64::from(story.rule.max.unwrap()));
                let what = format!("{name}, {how}, {strategy:?}");
                lines.push(format!("{what:<37}{}", line(&story)));
            }
        }
    }
    assert_eq!(
        lines.join("\n"),
        "\
burst 10, told, Default                 10     0     7.5     75
burst 10, told, Accurate                10     0     7.5     75
burst 10, told, Eager                   10     0     7.5     75
burst 10, polled, Default               10     0    12.5     80
burst 10, polled, Accurate              10     0    12.5     80
burst 10, polled, Eager                 10     0    12.5     80
every 7 s, told, Default                30     0     8.0    281
every 7 s, told, Accurate               30     0     8.0    281
every 7 s, told, Eager                  30     0     8.0    281
every 7 s, polled, Default              30     0    12.2    283
every 7 s, polled, Accurate             30     0    12.2    283
every 7 s, polled, Eager                30     0    12.2    283
burst 10, start 45 s, told, Default     10     0    45.0    110
burst 10, start 45 s, told, Accurate    10     0    45.0    110
burst 10, start 45 s, told, Eager       10     0    45.0    110
burst 10, start 45 s, polled, Default   10     0    50.0    115
burst 10, start 45 s, polled, Accurate   10     0    50.0    115
burst 10, start 45 s, polled, Eager     10     0    50.0    115"
    );
}

/// What users of the original have: a number of what waits alone.
#[test]
fn ours_with_what_waits_alone() {
    let mut lines = Vec::new();
    for (name, mend) in INPUTS {
        for strategy in [Strategy::Accurate, Strategy::Eager] {
            let mut story = Story::burst(lag(), strategy, Compat::Headcount);
            mend(&mut story);
            let told = run(&story, &[]);
            assert_eq!(told.idle, 0, "{name}, {strategy:?}");
            let what = format!("{name}, {strategy:?}");
            lines.push(format!("{what:<37}{}", line(&story)));
        }
    }
    assert_eq!(
        lines.join("\n"),
        "\
burst 10, Accurate                      10     0     7.5     75
burst 10, Eager                         10     0     7.5     75
every 7 s, Accurate                     30     0     8.0    280
every 7 s, Eager                        30     0     8.0    280
burst 10, start 45 s, Accurate          10     0    45.0    110
burst 10, start 45 s, Eager             10     0    45.0    110"
    );
}
