//! How pools of machines behave, by the numbers of the machine autoscaling reference: what is
//! the same here, and what is different by design. `docs/migrate/docker-machine-vectors.md`
//! has the whole table and says why.

mod common;

use std::time::Duration;

use common::Scenario;
use headcount_model::{AgentPhase, TroubleKind};

/// A pool whose machines are used again and stay for a minute.
fn pool(words: &str) -> String {
    format!("scaler m max=10 labels=ci jobs=100 idle=60 {words}")
}

/// The same, in either arithmetic.
fn in_both(words: &str, test: impl Fn(&mut Scenario)) {
    for compat in ["", "gitlab"] {
        test(&mut Scenario::new(&pool(&format!("{words} {compat}"))));
    }
}

#[test]
fn vector_63_a_machine_that_nobody_knows_is_never_used() {
    let mut s = Scenario::new(&pool(""));
    s.stranger(70, "m/ci").missed();
    s.settle();
    s.jobs("ci", 1).settle();
    assert_eq!(s.in_use(), [1], "a machine of its own");
    s.wait(Duration::from_secs(60));
    assert!(s.plan().contains("reap a-1-70"), "{}", s.agents());
}

#[test]
fn vector_64_a_machine_in_use_is_not_acquired_again() {
    in_both("max=1", |s| {
        s.jobs("ci", 2).settle();
        assert_eq!((s.in_use(), s.machines()), (vec![1], 1));
    });
}

#[test]
fn vector_65_a_machine_that_cannot_be_reached_gets_no_job_and_is_removed() {
    let mut s = Scenario::new(&pool("max=2 keep=2 idle=9000"));
    s.settle();
    s.disconnect(2);
    s.jobs("ci", 2).settle();
    assert_eq!(s.in_use(), [1], "the other one cannot be spoken to");
    s.wait(Duration::from_secs(120));
    let text = s.plan();
    assert!(text.contains("destroy a-1-2: agent_lost"), "{text}");
}

#[test]
fn vector_66_what_was_made_starts_and_what_was_not_is_no_machine() {
    let mut s = Scenario::new(&pool(""));
    s.configure(&pool("keep=2"));
    s.plan();
    s.ok("create a-1-1")
        .fail("create a-1-2", TroubleKind::Transient);
    assert_eq!(s.in_phase(AgentPhase::Starting), [1]);
    assert_eq!(s.machines(), 1, "nothing was made, so nothing is removed");
}

#[test]
fn vector_67_a_free_machine_is_used_and_then_another_one_is_made() {
    let mut s = Scenario::new(&pool(""));
    s.jobs("ci", 1).settle().end_all_jobs().settle();
    s.jobs("ci", 1).settle();
    assert_eq!((s.in_use(), s.machines()), (vec![1], 1));
    s.jobs("ci", 1).settle();
    assert_eq!(s.in_use(), [1, 2]);
}

#[test]
fn vector_68_a_creation_that_fails_once_is_tried_again() {
    in_both("", |s| {
        s.jobs("ci", 1).plan();
        s.fail("create a-1-1", TroubleKind::Transient).settle();
        assert_eq!(s.machines(), 0, "it waits, and its job with it");
        s.wake().settle();
        assert_eq!(s.in_use(), [2]);
    });
}

#[test]
fn vector_69_no_more_are_made_at_once_than_may_be() {
    for (rate, words) in [(3, "growth=3"), (1, "growth=1")] {
        in_both(&format!("max=20 {words}"), |s| {
            s.jobs("ci", 15);
            let mut most = 0;
            for _ in 0..15 {
                s.plan();
                let coming = s.in_phase(AgentPhase::Creating).len();
                most = most.max(coming + s.in_phase(AgentPhase::Starting).len());
                s.ok_all();
                for number in s.in_phase(AgentPhase::Starting) {
                    s.register(number);
                }
            }
            s.settle();
            assert_eq!((most, s.in_use().len()), (rate, 15));
        });
    }
}

#[test]
fn vector_70_a_machine_found_after_a_restart_is_used_again_and_again() {
    let text = pool("max=1");
    let mut s = Scenario::new(&text);
    s.jobs("ci", 1).settle().end_all_jobs().settle();
    let mut s = s.restart(&text);
    s.settle();
    s.resume(1, &[]);
    s.jobs("ci", 2).settle();
    assert_eq!(s.in_use(), [1], "one job at a time");
    s.end_all_jobs().settle();
    assert_eq!((s.in_use(), s.machines()), (vec![1], 1), "the same machine");
}

#[test]
fn vector_71_without_a_machine_a_job_is_taken_on_and_one_is_made() {
    in_both("", |s| {
        s.settle();
        assert_eq!(s.machines(), 0);
        s.jobs("ci", 1).settle();
        assert_eq!(s.in_use(), [1]);
    });
}

#[test]
fn vector_72_beyond_the_limit_a_job_waits_and_says_why() {
    in_both("max=2", |s| {
        s.jobs("ci", 3).settle();
        assert_eq!(s.in_use(), [1, 2]);
        let text = s.plan();
        assert!(
            text.contains("ci wait: 1 scaler_at_max_agents in m/ci"),
            "{text}"
        );
    });
}

#[test]
fn vectors_73_74_75_numbers_that_change_are_followed() {
    let mut s = Scenario::new(&pool("gitlab"));
    s.configure(&pool("keep=1 gitlab"));
    s.jobs("ci", 1).plan();
    assert!(s.in_use().is_empty(), "73: one is made first");
    s.settle();
    assert_eq!(s.in_use(), [1], "73: and takes the job");
    for compat in ["", "gitlab"] {
        let mut s = Scenario::new(&pool(&format!("keep=1 {compat}")));
        s.settle();
        assert_eq!(s.machines(), 1, "73");
        s.configure(&pool(&format!("keep=2 {compat}")));
        s.settle();
        assert_eq!(s.machines(), 2, "74");
        s.configure(&format!(
            "scaler m max=1 labels=ci jobs=100 keep=1 {compat}"
        ));
        s.wait(Duration::from_secs(1)).settle().let_go();
        assert_eq!(s.in_phase(AgentPhase::Ready), [1], "75");
        assert_eq!(s.machines(), 1, "75");
    }
}

#[test]
fn vector_76_a_limit_that_changes_is_followed() {
    for compat in ["", "gitlab"] {
        let of = |max: u32| format!("scaler m max={max} labels=ci jobs=100 keep=10 {compat}");
        let mut s = Scenario::new(&of(5));
        for (limit, ready) in [(5, 5), (8, 8), (2, 2)] {
            s.configure(&of(limit));
            s.wait(Duration::from_secs(1)).settle().let_go();
            assert_eq!(
                s.in_phase(AgentPhase::Ready).len(),
                ready,
                "{compat} {limit}"
            );
        }
    }
}

#[test]
fn vector_77_a_restart_uses_no_job_up() {
    let text = "scaler m max=9 labels=ci jobs=1 keep=1 idle=60";
    let mut s = Scenario::new(text);
    s.settle();
    let mut s = s.restart(text);
    s.settle();
    s.resume(1, &[]);
    s.settle();
    assert_eq!(s.in_phase(AgentPhase::Ready), [1], "it ran nothing yet");
    s.jobs("ci", 1).settle();
    assert!(s.in_use().contains(&1));
}

#[test]
fn vector_78_who_has_run_its_jobs_leaves_after_a_restart_too() {
    let text = "scaler m max=9 labels=ci jobs=2 idle=60";
    let mut s = Scenario::new(text);
    s.jobs("ci", 1).settle().end_all_jobs().settle();
    let mut s = s.restart(text);
    s.settle();
    s.resume(1, &[]);
    s.jobs("ci", 1).settle();
    assert_eq!(s.in_use(), [1], "its second job");
    s.end_all_jobs();
    let text = s.plan();
    assert!(
        text.contains("a-1-1: jobs_done") || s.agents().contains("jobs_done"),
        "{text}"
    );
    assert_eq!(s.in_phase(AgentPhase::Ready), [0_u32; 0]);
}

#[test]
fn vector_79_an_idle_machine_stays_or_goes_by_count_and_time() {
    for (words, stays) in [
        ("keep=2 idle=1", true),
        ("keep=2 idle=0", true),
        ("keep=0 idle=0", false),
    ] {
        for compat in ["", "gitlab"] {
            let mut s = Scenario::new(&format!("scaler m max=9 labels=ci jobs=9 keep=2 {compat}"));
            s.settle();
            s.configure(&format!("scaler m max=9 labels=ci jobs=9 {words} {compat}"));
            s.wait(Duration::from_secs(1)).settle();
            let ready = s.in_phase(AgentPhase::Ready).contains(&1);
            assert_eq!(ready, stays, "{words} {compat}: {}", s.agents());
        }
    }
}

#[test]
fn vector_80_two_jobs_at_once_have_two_machines() {
    in_both("", |s| {
        s.jobs("ci", 2).settle();
        assert_eq!(s.in_use(), [1, 2]);
    });
}

#[test]
fn vector_82_a_job_that_waits_for_a_machine_takes_one_that_is_free_before() {
    let mut s = Scenario::new(&pool(""));
    s.jobs("ci", 1).settle();
    s.jobs("ci", 1).plan();
    assert_eq!(
        s.in_phase(AgentPhase::Creating),
        [2],
        "its creation takes long"
    );
    s.outside.pending.clear();
    s.end_job_of(1).settle();
    assert_eq!(s.in_use(), [1]);
    assert_eq!(s.in_phase(AgentPhase::Creating), [2]);
}

#[test]
fn vector_83_five_hundred_jobs_all_end() {
    for compat in ["", "gitlab"] {
        let text = format!("fleet max=500\nscaler m max=500 labels=ci jobs=100 growth=10 {compat}");
        let mut s = Scenario::new(&text);
        s.jobs("ci", 500);
        s.play(5000);
        assert_eq!(s.outside.taken.len(), 0);
        assert_eq!(s.world.jobs().count(), 0);
        assert!(s.outside.waiting.values().all(|line| line.is_empty()));
    }
}

#[test]
fn vector_87_a_machine_whose_pool_left_the_configuration_ends_its_job() {
    let mut s = Scenario::new(&pool(""));
    s.jobs("ci", 1).settle();
    s.configure("scaler other max=1 labels=other");
    s.settle();
    assert_eq!(s.in_use(), [1]);
    s.end_all_jobs().settle().let_go();
    assert_eq!(s.machines(), 0);
}
