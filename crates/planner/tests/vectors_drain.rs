//! Shutdown and drain, by the numbers of the machine autoscaling reference: what is the same
//! here, and what is different by design. `docs/migrate/docker-machine-vectors.md` says why.

mod common;

use std::time::Duration;

use common::Scenario;
use headcount_model::{AgentPhase, PoolName, TroubleKind};
use headcount_planner::Operator;

const POOL: &str = "scaler m max=9 labels=ci jobs=100 idle=60";

fn drain(s: &mut Scenario) -> String {
    s.operator(Operator::Drain(PoolName::new("m/ci")));
    s.plan()
}

/// One machine whose creation is under way.
fn begun() -> Scenario {
    let mut s = Scenario::new(POOL);
    s.configure(&format!("{POOL} keep=1"));
    s.plan();
    s
}

/// Machines of several kinds of use: one idle, one that runs a job, one that is offered one.
fn mixed() -> Scenario {
    let mut s = Scenario::new(&format!("{POOL} keep=3"));
    s.settle();
    s.jobs("ci", 1).settle();
    s.jobs("ci", 1).hand_out();
    s
}

#[test]
fn vectors_91_92_the_end_of_the_daemon_leaves_machines_and_the_next_one_finds_them() {
    let text = format!("{POOL} keep=2");
    let mut s = Scenario::new(&text);
    s.settle();
    s.operator(Operator::Stop);
    s.settle();
    assert_eq!(s.in_phase(AgentPhase::Ready), [1, 2]);
    let mut s = s.restart(&text);
    s.settle();
    assert_eq!(s.machines(), 2, "nobody is made in their place");
    s.resume(1, &[]);
    s.resume(2, &[]);
    s.settle();
    assert_eq!(
        (s.in_phase(AgentPhase::Ready), s.machines()),
        (vec![1, 2], 2)
    );
}

#[test]
fn vector_93_a_drained_pool_without_machines_has_nothing_to_do() {
    let mut s = Scenario::new(POOL);
    assert_eq!(drain(&mut s), "");
}

#[test]
fn vector_94_all_machines_leave_and_nobody_is_believed_in() {
    let mut s = Scenario::new(&format!("{POOL} keep=5"));
    s.settle();
    let text = drain(&mut s);
    assert_eq!(text.matches("drain a-1-").count(), 5, "{text}");
    s.settle();
    // Nobody leaves by itself, so all are destroyed.
    s.wait(Duration::from_secs(10));
    let text = s.plan();
    assert_eq!(text.matches("destroy a-1-").count(), 5, "{text}");
    s.settle();
    assert_eq!(s.machines(), 0);
}

#[test]
fn vector_96_a_removal_that_fails_is_tried_until_it_works() {
    let mut s = Scenario::new(&format!("{POOL} keep=1"));
    s.settle();
    drain(&mut s);
    s.settle();
    s.wait(Duration::from_secs(10)).plan();
    for _ in 0..30 {
        s.fail("destroy a-1-1", TroubleKind::Transient);
        assert_eq!(s.machines(), 1, "it is still there");
        s.wait(Duration::from_secs(600)).plan();
    }
    s.settle();
    // It is in quarantine by now: gone when that was said twice.
    s.wait(Duration::from_secs(10)).plan();
    s.settle();
    assert_eq!(s.machines(), 0);
}

#[test]
fn vector_97_what_is_unfinished_when_the_daemon_ends_is_carried_on_by_the_next() {
    let text = format!("{POOL} keep=1");
    let mut s = Scenario::new(&text);
    s.settle();
    drain(&mut s);
    s.settle();
    s.wait(Duration::from_secs(10)).plan();
    assert_eq!(s.in_phase(AgentPhase::Destroying), [1]);
    let mut s = s.restart(&text);
    s.settle();
    assert_eq!(s.machines(), 0, "{}", s.agents());
}

#[test]
fn vector_98_idle_machines_leave_and_running_jobs_end_first() {
    let mut s = mixed();
    let in_use = s.in_use();
    assert_eq!(in_use.len(), 2);
    let text = drain(&mut s);
    for number in &in_use {
        assert!(!text.contains(&format!("drain a-1-{number}:")), "{text}");
    }
    s.claim_all().settle();
    assert_eq!(s.in_use(), in_use, "they run on");
    s.end_all_jobs().settle().let_go();
    s.wait(Duration::from_secs(10)).settle();
    assert_eq!(s.machines(), 0, "{}", s.agents());
}

#[test]
fn vector_99_a_removal_under_way_is_not_begun_again() {
    let mut s = Scenario::new("scaler m max=9 labels=ci jobs=100 keep=1");
    s.settle();
    s.configure("scaler m max=9 labels=ci jobs=100 keep=0");
    s.settle();
    s.wait(Duration::from_secs(10)).plan();
    assert_eq!(s.in_phase(AgentPhase::Destroying), [1]);
    assert!(!drain(&mut s).contains("destroy"));
    s.settle();
    assert_eq!(s.machines(), 0);
}

#[test]
fn vector_100_a_creation_under_way_is_waited_for_and_its_machine_is_removed() {
    let mut s = begun();
    assert_eq!(s.in_phase(AgentPhase::Creating), [1]);
    drain(&mut s);
    assert_eq!(s.machines(), 1);
    s.ok("create a-1-1");
    s.settle();
    assert_eq!(s.machines(), 0, "{}", s.agents());
}

#[test]
fn vector_101_what_never_settles_stays_on_the_books() {
    let mut s = begun();
    drain(&mut s);
    s.fail("create a-1-1", TroubleKind::Unknown);
    for _ in 0..20 {
        s.plan();
        s.outside.pending.clear();
        s.wait(Duration::from_secs(60));
        assert_eq!(s.machines(), 1, "nobody has said that it is not there");
    }
}

#[test]
fn vector_103_a_creation_that_failed_unclearly_is_followed_to_its_end() {
    let mut s = begun();
    drain(&mut s);
    s.fail("create a-1-1", TroubleKind::Unknown);
    assert_eq!(s.machines(), 1);
    s.settle();
    assert_eq!(s.machines(), 0, "{}", s.agents());
}
