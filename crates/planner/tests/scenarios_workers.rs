//! Workers feed themselves: kept at their number, never too many, told apart by how they end.

mod common;

use std::time::Duration;

use common::Scenario;
use headcount_model::{Exit, TroubleKind};

fn failures(s: &Scenario) -> u32 {
    s.world.pools().map(|pool| pool.backoff.failures).sum()
}

#[test]
fn workers_are_kept_at_their_number() {
    let mut s = Scenario::started("scaler w worker=/bin/w labels=work keep=2");
    assert_eq!(
        s.plan(),
        "list bare-metal: facts_missing\n\
         refresh queue: facts_missing\n\
         create a-1-1 in w/work: keep_ready\n\
         create a-1-2 in w/work: keep_ready"
    );
    s.ok_all();
    s.running(1);
    s.running(2);
    assert_eq!(s.plan(), "");
    assert_eq!(
        s.agents(),
        "a-1-1 ready: kept_ready\na-1-2 ready: kept_ready"
    );
    s.wait(Duration::from_secs(60));
    s.gone(1, Exit::Code(0));
    assert_eq!(s.plan(), "create a-1-3 in w/work: keep_ready");
}

#[test]
fn workers_that_end_at_once_or_badly_back_off() {
    for (lived, exit, failed) in [
        (500, Exit::Code(0), 1),
        (5000, Exit::Code(0), 0),
        (5000, Exit::Code(1), 1),
        (5000, Exit::Signal(9), 1),
    ] {
        let mut s = Scenario::new("scaler w worker=/bin/w labels=work keep=1");
        s.plan();
        s.ok_all();
        s.running(1);
        s.wait(Duration::from_millis(lived));
        s.gone(1, exit);
        assert_eq!(failures(&s), failed, "{lived} ms, {exit:?}");
        let again = s.plan().starts_with("create a-1-2");
        assert_eq!(again, failed == 0, "{lived} ms, {exit:?}");
    }
}

#[test]
fn workers_are_never_too_many_and_never_too_old() {
    let mut s = Scenario::new("scaler w worker=/bin/w labels=work keep=3 age=5");
    s.plan();
    s.ok_all();
    for number in 1..=3 {
        s.running(number);
    }
    s.configure("scaler w worker=/bin/w labels=work keep=1 age=5");
    s.wait(Duration::from_secs(600));
    assert_eq!(s.plan(), "");
}

#[test]
fn workers_of_a_removed_pool_are_ended_politely() {
    let mut s = Scenario::new("scaler w worker=/bin/w labels=work keep=1");
    s.plan();
    s.ok_all();
    s.running(1);
    s.configure("scaler d labels=linux");
    assert_eq!(s.plan(), "destroy a-1-1: pool_removed");
}

#[test]
fn a_worker_whose_end_was_missed_is_found_out_by_a_list() {
    let mut s = Scenario::new("scaler w worker=/bin/w labels=work keep=1");
    s.plan();
    s.ok_all();
    s.running(1);
    s.outside.instances.clear();
    s.missed();
    s.plan();
    s.ok_all();
    assert_eq!(s.plan(), "create a-1-2 in w/work: keep_ready");
}

#[test]
fn a_worker_whose_end_is_told_before_its_beginning_is_looked_for() {
    let mut s = Scenario::started("scaler w worker=/bin/w labels=work keep=1");
    s.plan();
    s.ok("list bare-metal").ok("refresh queue");
    s.gone(1, Exit::Code(0));
    s.running(1);
    s.ok("create a-1-1");
    assert_eq!(s.plan(), "list bare-metal: confirm");
    s.outside.instances.clear();
    s.ok_all();
    assert_eq!(s.agents(), "", "nothing is left of it");
}

#[test]
fn a_worker_that_a_list_did_not_show_while_it_was_made_is_looked_for() {
    let mut s = Scenario::started("scaler w worker=/bin/w labels=work keep=1");
    s.plan();
    s.ok("list bare-metal").ok("refresh queue");
    s.running(1);
    s.missed();
    s.plan();
    s.ok("list bare-metal");
    s.fail("create a-1-1", TroubleKind::Unknown);
    assert_eq!(s.plan(), "list bare-metal: confirm");
    s.ok_all();
    assert_eq!(failures(&s), 0);
    assert_eq!(s.plan(), "create a-1-2 in w/work: keep_ready");
}
