//! Hundreds of weeks with machines: a provisioner that fails as provisioners do, a daemon that
//! is killed, schedules, a clock that changes. No promise may break.
//!
//! Three hundred seeds take some ten seconds on two cores; `cargo xtask soak --weeks 10000`
//! runs more. Nothing is written down until a promise breaks: that is four fifths of the time.

use std::ops::Range;

use headcount_sim::{Options, Outcome, Story, run_seed, run_seed_quickly};

/// Seeds that once broke a promise, and by what.
const ONCE_BROKEN: [(u64, &str); 2] = [
    (
        0,
        "the first machine after long idleness was compared with the provisioner's list at once",
    ),
    (
        755,
        "machines that left under a lowered cap were replaced by another plan at the same moment",
    ),
];

fn weeks() -> Options {
    Options {
        story: Story::Week,
        twice: false,
        ..Options::default()
    }
}

fn run(seeds: Range<u64>) {
    let n = seeds.end - seeds.start;
    let mut sum = Outcome::default();
    for seed in seeds {
        match run_seed_quickly(seed, &weeks()) {
            Ok(outcome) => sum.add(&outcome),
            Err(failure) => panic!("{failure}"),
        }
    }
    // Weeks in which nothing happens would prove nothing.
    assert!(sum.jobs > 30 * n && sum.instances > 30 * n, "{sum:?}");
    assert!(sum.crashes > n, "{sum:?}");
    assert!(sum.virtual_millis > n * 6 * 86_400_000, "{sum:?}");
}

#[test]
fn weeks_from_0() {
    run(0..100);
}

#[test]
fn weeks_from_100() {
    run(100..200);
}

#[test]
fn weeks_from_200() {
    run(200..300);
}

#[test]
fn weeks_that_once_broke_a_promise() {
    for (seed, by_what) in ONCE_BROKEN {
        if let Err(failure) = run_seed_quickly(seed, &weeks()) {
            panic!("{failure}\n(it once broke because {by_what})");
        }
    }
}

#[test]
fn a_week_is_the_same_every_time_with_and_without_a_trace() {
    for seed in 300..306 {
        let traced = Options {
            twice: true,
            ..weeks()
        };
        let told = run_seed(seed, &traced).unwrap_or_else(|failure| panic!("{failure}"));
        let quick = run_seed_quickly(seed, &weeks()).unwrap();
        let quick = Outcome {
            hash: told.hash,
            ..quick
        };
        assert_eq!(
            quick, told,
            "the trace changes nothing but the number of its lines"
        );
    }
}
