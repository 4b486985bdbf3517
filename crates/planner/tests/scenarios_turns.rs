//! Which of the idle agents gets the next job: the one that became idle last, so that light
//! traffic does not hold what a peak has made.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use std::time::Duration;

use common::Scenario;
use headcount_model::AgentPhase;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

/// As many machines as jobs, all idle, on demand.
fn peak(words: &str, machines: u64) -> Scenario {
    let mut s = Scenario::new(&format!("scaler m max=9 labels=ci jobs=999 {words}"));
    s.jobs("ci", machines).settle();
    s.wait(SECOND).end_all_jobs().settle();
    assert_eq!(s.machines() as u64, machines);
    s
}

/// A job of one second every other second, for so long.
fn light_traffic(s: &mut Scenario, seconds: u64) {
    for _ in 0..seconds / 2 {
        s.wait(SECOND).jobs("ci", 1).settle();
        assert_eq!(s.in_use().len(), 1);
        s.wait(SECOND).end_all_jobs().settle().let_go();
    }
}

#[test]
fn under_light_traffic_a_fleet_of_four_shrinks_to_one() {
    for compat in ["", "gitlab"] {
        let mut s = peak(&format!("idle=12 {compat}"), 4);
        light_traffic(&mut s, 10);
        assert_eq!(s.machines(), 4, "{compat}: the idle time is not over");
        light_traffic(&mut s, 24);
        assert_eq!(s.in_phase(AgentPhase::Ready), [4], "{compat}");
    }
}

#[test]
fn under_light_traffic_those_kept_ready_and_one_more_stay() {
    let mut s = peak("idle=12", 4);
    s.configure("scaler m max=9 labels=ci jobs=999 idle=12 keep=1");
    light_traffic(&mut s, 34);
    assert_eq!(s.in_phase(AgentPhase::Ready), [1, 4]);
}

/// 1 is idle since 20, 2 since 10, 3 since 15.
fn three(words: &str) -> Scenario {
    let mut s = Scenario::new(&format!("scaler m max=9 labels=ci idle=600 {words}"));
    s.jobs("ci", 3).settle();
    for (at, number) in [(10, 2), (15, 3), (20, 1)] {
        s.at(at).end_job_of(number).settle();
    }
    s.at(30);
    s
}

#[test]
fn the_one_that_became_idle_last_gets_the_next_job() {
    let mut s = three("jobs=9");
    for in_use in [&[1][..], &[1, 3], &[1, 2, 3]] {
        s.jobs("ci", 1).settle();
        assert_eq!(s.in_use(), in_use);
    }
}

#[test]
fn in_the_original_s_arithmetic_it_is_the_one_made_last() {
    let mut s = three("jobs=9 gitlab");
    for in_use in [&[3][..], &[2, 3], &[1, 2, 3]] {
        s.jobs("ci", 1).settle();
        assert_eq!(s.in_use(), in_use);
    }
}

/// Nobody comes back to be idle, so nobody is held; the oldest would be renewed first.
#[test]
fn of_agents_of_one_job_the_longest_idle_is_taken() {
    let mut s = Scenario::new("scaler m max=9 labels=ci keep=3 age=600");
    s.plan();
    s.ok_all();
    for number in [2, 3, 1] {
        s.wait(SECOND).register(number);
    }
    s.jobs("ci", 1).settle();
    assert_eq!(s.in_use(), [2]);
}

#[test]
fn a_free_slot_beside_a_job_goes_before_an_idle_agent() {
    let mut s = Scenario::new("scaler m max=9 labels=ci jobs=9 slots=2 idle=600");
    s.jobs("ci", 4).settle();
    s.at(10).end_job_of(1).settle();
    s.at(20).end_job_of(2).settle();
    s.at(25).end_job_of(2).settle();
    assert_eq!(s.in_use(), [1], "2 has none, and one slot of 1 is free");
    s.jobs("ci", 1).settle();
    assert_eq!(s.in_use(), [1, 1]);
    s.jobs("ci", 1).settle();
    assert_eq!(s.in_use(), [1, 1, 2]);
}

#[test]
fn an_agent_that_is_ready_goes_before_one_on_its_way() {
    for compat in ["", "gitlab"] {
        let mut s = peak(&format!("idle=600 {compat}"), 1);
        s.jobs("ci", 2).plan();
        s.ok("create");
        s.jobs("ci", 0).plan();
        s.ok_all().claim_all();
        assert_eq!(s.in_use(), [1], "{compat}");
    }
}

/// What happens in one second: whether a job comes, and which of the running ones ends.
fn second() -> impl Strategy<Value = (bool, Option<prop::sample::Index>)> {
    (any::<bool>(), any::<Option<prop::sample::Index>>())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whoever is beyond what ran at once for an idle time has not been used in it, and is gone.
    #[test]
    fn no_more_stay_than_were_in_use_at_once(
        machines in 2_u64..8,
        at_once in 1_usize..4,
        gitlab in any::<bool>(),
        seconds in prop::collection::vec(second(), 30..60),
    ) {
        let compat = if gitlab { "gitlab" } else { "" };
        let mut s = peak(&format!("idle=20 {compat}"), machines);
        for (comes, ends) in seconds {
            s.wait(SECOND);
            let running = s.in_use();
            if let Some(ends) = ends.filter(|_| !running.is_empty()) {
                s.end_job_of(*ends.get(&running));
            }
            if comes && s.in_use().len() < at_once {
                s.jobs("ci", 1);
            }
            s.settle().let_go();
        }
        prop_assert!(s.machines() <= at_once, "{}", s.agents());
    }
}
