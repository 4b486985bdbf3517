//! Pools with triggers: who has not taken anything yet, and who came for nothing.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use common::Scenario;
use headcount_model::Exit;

const POOL: &str = "w/work";

/// A daemon whose backends, sources and triggers have answered: nothing waits.
fn quiet(fleet: &str) -> Scenario {
    let mut s = Scenario::new(fleet);
    s.plan();
    s
}

/// The queue changes, and the reader tells.
fn push(s: &mut Scenario, readings: &str) {
    s.outside.queues.says(POOL, readings);
    s.push(POOL);
}

/// The triggers are read because it is time to, and this comes of it.
fn reads(s: &mut Scenario) -> String {
    assert!(s.plan().starts_with("sample w/work: polling_interval"));
    s.ok_all();
    s.plan()
}

#[test]
fn who_runs_and_has_not_read_its_list_yet_is_not_forgotten() {
    let mut s = quiet("scaler w worker=/bin/w labels=work queue=list poll=10");
    push(&mut s, "2");
    s.plan();
    s.ok_all();
    s.running(1);
    s.running(2);
    let rests = "wake in 10s: polling_interval";
    s.wait(std::time::Duration::from_secs(10));
    assert_eq!(reads(&mut s), rests, "both read later");
    // The first one takes, and at the same moment another is added.
    s.wait(std::time::Duration::from_secs(2));
    push(&mut s, "1");
    assert_eq!(s.plan(), rests);
    push(&mut s, "2");
    assert!(s.plan().starts_with("create a-1-3 in w/work: queue_demand"));
    s.ok_all();
    s.running(3);
    // The second never takes anything: it is taken to be at work in the end.
    s.wait(std::time::Duration::from_secs(60));
    assert!(reads(&mut s).starts_with("create a-1-4 in w/work: queue_demand"));
    assert_eq!(s.world.agents().count(), 5);
}

#[test]
fn who_came_for_nothing_comes_back_for_the_minimum_after_a_while() {
    let mut s = quiet("scaler w worker=/bin/w labels=work queue=backlog min=1 poll=10");
    s.ok_all();
    s.running(1);
    s.wait(std::time::Duration::from_secs(2));
    s.gone(1, Exit::Code(0));
    assert!(s.plan().starts_with("sample w/work: agent_ended"));
    s.ok_all();
    assert_eq!(s.plan(), "wake in 10s: polling_interval");
    // Demand does not wait for that.
    push(&mut s, "1+0+0");
    assert!(s.plan().starts_with("create a-1-2 in w/work: queue_demand"));
    s.ok_all();
    s.running(2);
    push(&mut s, "0+1+0");
    assert_eq!(s.plan(), "wake in 10s: polling_interval");
    s.wait(std::time::Duration::from_secs(10));
    assert!(reads(&mut s).starts_with("create a-1-3 in w/work: queue_demand"));
}

#[test]
fn who_found_nothing_in_an_open_window_comes_back_after_a_while() {
    let mut s = quiet("scaler w worker=/bin/w labels=work queue=cron,backlog poll=10");
    push(&mut s, "1 0+0+0");
    s.plan();
    s.ok_all();
    s.running(1);
    s.wait(std::time::Duration::from_secs(2));
    s.gone(1, Exit::Code(0));
    s.plan();
    s.ok_all();
    assert_eq!(s.plan(), "wake in 10s: polling_interval");
    s.wait(std::time::Duration::from_secs(10));
    assert!(reads(&mut s).starts_with("create a-1-2 in w/work: queue_demand"));
}

#[test]
fn a_number_that_does_not_fall_with_its_agents_makes_no_more_of_them_at_once() {
    let mut s = quiet("scaler w worker=/bin/w labels=work queue=length poll=10");
    push(&mut s, "1");
    s.plan();
    s.ok_all();
    s.running(1);
    s.wait(std::time::Duration::from_secs(2));
    s.gone(1, Exit::Code(0));
    assert_eq!(s.plan(), "wake in 8s: polling_interval");
}
