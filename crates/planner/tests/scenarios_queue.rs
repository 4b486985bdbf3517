//! Pools with triggers: who is made by what they say, when they are read, and that a
//! sample is used once.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use common::Scenario;
use headcount_model::{Answer, Exit, PoolName, TroubleKind};
use headcount_planner::{News, Operator, Signal};

const ONE: &str = "scaler w worker=/bin/w labels=work queue=backlog most=5";
const POOL: &str = "w/work";

/// A daemon whose backends, sources and triggers have answered: nothing waits.
fn quiet(fleet: &str) -> Scenario {
    let mut s = Scenario::new(fleet);
    s.plan();
    s
}

/// The queue changes, and nobody is told.
fn silently(s: &mut Scenario, readings: &str) {
    s.outside.queues.says(POOL, readings);
}

/// The queue changes, and the reader tells.
fn push(s: &mut Scenario, readings: &str) -> Answer {
    silently(s, readings);
    s.push(POOL)
}

/// The triggers are read because it is time to, and this comes of it.
fn reads(s: &mut Scenario) -> String {
    assert!(s.plan().starts_with("sample w/work: polling_interval"));
    s.ok_all();
    s.plan()
}

fn signal(s: &Scenario) -> &Signal {
    let pool = s.world.pool_named(&PoolName::new(POOL)).unwrap();
    pool.signal.as_ref().unwrap()
}

#[test]
fn triggers_are_read_at_the_start_and_agents_made_by_them() {
    let mut s = Scenario::started(ONE);
    silently(&mut s, "3+0+0");
    assert_eq!(
        s.plan(),
        "list bare-metal: facts_missing\n\
         refresh queue: facts_missing\n\
         sample w/work: facts_missing"
    );
    s.ok_all();
    assert_eq!(
        s.plan(),
        "create a-1-1 in w/work: queue_demand\n\
         create a-1-2 in w/work: queue_demand\n\
         create a-1-3 in w/work: queue_demand\n\
         wake in 30s: polling_interval"
    );
    s.ok_all();
    assert_eq!(s.plan(), "wake in 30s: polling_interval");
    assert_eq!(
        s.agents(),
        "a-1-1 starting: queue_demand\n\
         a-1-2 starting: queue_demand\n\
         a-1-3 starting: queue_demand"
    );
}

#[test]
fn a_message_from_zero_wakes_at_once_and_polling_finds_what_nobody_told() {
    let mut s = quiet(ONE);
    assert_eq!(push(&mut s, "1+0+0"), Answer::Applied);
    assert!(s.plan().starts_with("create a-1-1 in w/work: queue_demand"));
    s.ok_all();
    silently(&mut s, "2+0+0");
    s.at(30);
    assert!(s.plan().starts_with("sample w/work: polling_interval"));
    s.ok_all();
    assert!(s.plan().starts_with("create a-1-2 in w/work: queue_demand"));
}

#[test]
fn a_worker_is_nobodys_surplus() {
    let mut s = quiet(ONE);
    push(&mut s, "2+0+0");
    s.plan();
    s.ok_all();
    s.running(1);
    s.running(2);
    push(&mut s, "0+0+0");
    s.plan();
    assert_eq!(
        s.agents(),
        "a-1-1 ready: feeds_itself\na-1-2 ready: feeds_itself"
    );
    s.wait(std::time::Duration::from_secs(3600));
    assert_eq!(s.plan(), "sample w/work: polling_interval");
}

#[test]
fn an_end_asks_again_and_is_taken_off_until_then() {
    let mut s = quiet(ONE);
    push(&mut s, "2+0+0");
    s.plan();
    s.ok_all();
    s.running(1);
    s.running(2);
    push(&mut s, "0+2+0");
    s.plan();
    s.wait(std::time::Duration::from_secs(5));
    // It acknowledged its entry, which the last sample does not know.
    silently(&mut s, "0+1+0");
    s.gone(1, Exit::Code(0));
    assert_eq!(s.plan(), "sample w/work: agent_ended");
    s.ok_all();
    assert_eq!(s.plan(), "wake in 30s: polling_interval");
}

#[test]
fn an_entry_of_a_dead_agent_asks_for_nobody_before_it_may_be_claimed() {
    let mut s = quiet(ONE);
    push(&mut s, "1+0+0");
    s.plan();
    s.ok_all();
    s.running(1);
    push(&mut s, "0+1+0");
    s.plan();
    s.wait(std::time::Duration::from_secs(5));
    let claim_at = s.now.after(std::time::Duration::from_secs(12));
    s.outside.queues.changes_at(POOL, Some(claim_at));
    s.gone(1, Exit::Signal(9));
    assert!(s.plan().starts_with("sample w/work: agent_ended"));
    s.ok_all();
    assert_eq!(s.plan(), "wake in 12s: trigger_change");
    silently(&mut s, "0+0+1");
    s.outside.queues.changes_at(POOL, None);
    s.wake();
    assert!(s.plan().starts_with("sample w/work: trigger_change"));
    s.ok_all();
    assert!(s.plan().starts_with("create a-1-2 in w/work: queue_demand"));
}

#[test]
fn the_maximum_is_named() {
    let mut s = quiet(ONE);
    push(&mut s, "40+0+0");
    s.plan();
    s.ok_all();
    assert_eq!(
        s.plan(),
        "w/work grows by 0 of 35: queue_at_max\nwake in 30s: polling_interval"
    );
}

#[test]
fn what_the_guards_did_not_allow_is_made_when_they_do() {
    let mut s = quiet(
        "fleet max=3
         scaler w worker=/bin/w labels=work queue=backlog most=5
         scaler v worker=/bin/v labels=other keep=1",
    );
    s.ok_all();
    push(&mut s, "4+0+0");
    assert_eq!(
        s.plan(),
        "create a-1-2 in w/work: queue_demand\n\
         create a-1-3 in w/work: queue_demand\n\
         w/work grows by 2 of 4: fleet_at_max_agents\n\
         wake in 30s: polling_interval"
    );
    assert!(signal(&s).is_spent());
    s.ok_all();
    s.configure(
        "fleet max=9
         scaler w worker=/bin/w labels=work queue=backlog most=5
         scaler v worker=/bin/v labels=other keep=1",
    );
    assert_eq!(
        s.plan(),
        "create a-1-4 in w/work: queue_demand\n\
         create a-1-5 in w/work: queue_demand\n\
         wake in 30s: polling_interval"
    );
}

#[test]
fn a_sample_is_used_once_whatever_becomes_of_those_made_by_it() {
    let mut s = quiet("scaler w worker=/bin/w labels=work queue=list");
    push(&mut s, "2");
    s.plan();
    s.ok_all();
    s.running(1);
    s.running(2);
    // Both run, and the sample still says that two wait.
    assert_eq!(s.plan(), "wake in 30s: polling_interval");
}

#[test]
fn a_creation_that_failed_is_decided_by_the_next_sample() {
    let mut s = quiet(ONE);
    push(&mut s, "1+0+0");
    s.plan();
    s.fail("create a-1-1", TroubleKind::Transient);
    assert_eq!(s.plan(), "sample w/work: agent_ended");
    s.ok_all();
    assert_eq!(
        s.plan(),
        "w/work grows by 0 of 1: launch_backoff\nwake in 1s: launch_backoff"
    );
    s.wake();
    assert!(s.plan().starts_with("create a-1-2 in w/work: queue_demand"));
}

#[test]
fn what_could_not_be_read_changes_nothing_and_is_read_again() {
    let mut s = quiet("scaler w worker=/bin/w labels=work queue=backlog min=1 poll=2");
    s.ok_all();
    s.running(1);
    push(&mut s, "?");
    assert_eq!(
        s.plan(),
        "w/work grows by 0 of 0: signal_unknown\nwake in 0.2s: retry"
    );
    let mut waits = Vec::new();
    for _ in 0..6 {
        s.wake();
        let before = s.now;
        assert!(s.plan().starts_with("sample w/work: signal_unknown"));
        s.fail("sample", TroubleKind::Transient);
        s.plan();
        waits.push(s.last.wake_at.unwrap().at.since(before).as_millis());
    }
    assert_eq!(waits, [400, 800, 1600, 2000, 2000, 2000]);
    assert_eq!(signal(&s).trouble(), Some("it did not work"));
    // The minimum is kept all the same.
    s.gone(1, Exit::Code(0));
    assert!(s.plan().starts_with("create a-1-2 in w/work: queue_demand"));
    s.ok_all();
    silently(&mut s, "2+0+0");
    s.wake();
    s.plan();
    s.ok_all();
    let text = s.plan();
    assert!(text.starts_with("create a-1-3"), "{text}");
    assert_eq!(signal(&s).trouble(), None);
}

#[test]
fn one_trigger_of_two_that_is_unknown_leaves_the_other() {
    let mut s = quiet("scaler w worker=/bin/w labels=work queue=backlog,list");
    push(&mut s, "? 1");
    assert_eq!(
        s.plan(),
        "create a-1-1 in w/work: queue_demand\n\
         w/work grows by 1 of 1: signal_unknown\n\
         wake in 0.2s: retry"
    );
}

#[test]
fn older_samples_are_known_and_those_of_other_triggers_are_not_used() {
    let mut s = quiet(ONE);
    let pool = PoolName::new(POOL);
    s.outside.queues.says(POOL, "3+0+0");
    let old = s.outside.queues.sample(&pool, s.now).unwrap();
    assert_eq!(push(&mut s, "0+0+0"), Answer::Applied);
    assert_eq!(s.tell(News::Sampled(pool.clone(), old)), Answer::Known);
    assert_eq!(s.plan(), "wake in 30s: polling_interval");
    // With other triggers nothing that was heard counts, not even what is on its way.
    s.at(30);
    s.plan();
    s.configure("scaler w worker=/bin/w labels=work queue=list");
    silently(&mut s, "1");
    assert_eq!(push(&mut s, "1"), Answer::Known);
    assert_eq!(s.plan(), "");
    s.ok_all();
    assert_eq!(s.plan(), "sample w/work: facts_missing");
    s.ok_all();
    assert!(s.plan().starts_with("create a-1-1 in w/work: queue_demand"));
}

#[test]
fn a_drained_pool_makes_nobody_and_reads_anew_afterwards() {
    let mut s = quiet(ONE);
    push(&mut s, "2+0+0");
    s.operator(Operator::Drain(PoolName::new(POOL)));
    assert_eq!(s.plan(), "");
    silently(&mut s, "0+0+0");
    s.operator(Operator::Undrain(PoolName::new(POOL)));
    assert_eq!(s.plan(), "sample w/work: facts_missing");
    s.ok_all();
    assert_eq!(s.plan(), "wake in 30s: polling_interval");
}

#[test]
fn after_a_restart_who_lives_counts_and_nobody_is_made_before_a_sample() {
    let mut s = quiet(ONE);
    push(&mut s, "2+0+0");
    s.plan();
    s.ok_all();
    s.running(1);
    s.running(2);
    push(&mut s, "1+2+0");
    let mut s = s.restart(ONE);
    assert_eq!(
        s.plan(),
        "list bare-metal: facts_missing\n\
         refresh queue: facts_missing\n\
         sample w/work: facts_missing"
    );
    s.ok("sample w/work");
    assert!(s.plan().starts_with("create a-2-1 in w/work: queue_demand"));
}

#[test]
fn compatible_pools_are_read_by_the_clock_alone() {
    let mut s = quiet(
        "scaler w worker=/bin/w labels=work queue=list strategy=accurate compat=keda poll=10",
    );
    assert_eq!(push(&mut s, "3"), Answer::Known);
    assert_eq!(s.plan(), "wake in 10s: polling_interval");
    s.at(10);
    s.plan();
    s.ok_all();
    assert!(s.plan().starts_with("create a-1-1 in w/work: queue_demand"));
    s.ok_all();
    for number in 1..=3 {
        s.running(number);
    }
    // The original forgets whoever runs and has not read yet.
    s.at(20);
    assert_eq!(s.plan(), "sample w/work: polling_interval");
    s.ok_all();
    assert!(s.plan().starts_with("create a-1-4 in w/work: queue_demand"));
}

#[test]
fn a_compatible_pool_uses_a_sample_at_once_or_never() {
    let mut s = quiet("scaler w worker=/bin/w labels=work queue=list most=2 compat=keda poll=10");
    silently(&mut s, "2");
    s.at(10);
    s.plan();
    s.ok_all();
    s.plan();
    s.ok_all();
    s.running(1);
    s.wait(std::time::Duration::from_secs(5));
    s.gone(1, Exit::Code(0));
    assert_eq!(s.plan(), "wake in 5s: polling_interval");
}

#[test]
fn managed_agents_are_made_for_jobs_alone() {
    let mut s = quiet("scaler d labels=linux queue=backlog min=2");
    assert_eq!(s.plan(), "");
    assert!(s.world.pools().all(|pool| pool.signal.is_none()));
    s.jobs("linux", 1);
    assert!(s.plan().starts_with("create a-1-1"));
}

#[test]
fn the_minimum_is_kept_at_once_or_where_it_is_compatible_by_the_clock() {
    for (compat, at_once) in [("", true), (" compat=keda", false)] {
        let fleet = "scaler w worker=/bin/w labels=work queue=list min=1 poll=10";
        let mut s = quiet(&format!("{fleet}{compat}"));
        s.ok_all();
        s.running(1);
        s.at(10);
        reads(&mut s);
        s.at(15);
        s.gone(1, Exit::Code(0));
        let made = s.plan().contains("create a-1-2");
        assert_eq!(made, at_once, "{compat}");
        s.at(20);
        s.plan();
        s.ok_all();
        s.plan();
        assert_eq!(s.world.agents().count(), 1);
    }
}

/// A worker is made for `said`, and ends after so many milliseconds. Whether that counts as
/// a launch that failed.
fn fails(rule: &str, said: &str, lived: u64, exit: Exit) -> bool {
    let mut s = quiet(&format!(
        "scaler w worker=/bin/w labels=work queue=backlog {rule}"
    ));
    s.ok_all();
    push(&mut s, said);
    s.plan();
    s.ok_all();
    s.running(1);
    s.wait(std::time::Duration::from_millis(lived));
    s.gone(1, exit);
    s.world.pools().any(|pool| pool.backoff.failures > 0)
}

#[test]
fn work_that_is_done_quickly_or_badly_is_no_failed_launch() {
    assert!(!fails("min=0", "1+0+0", 20, Exit::Code(0)));
    assert!(!fails("min=0", "1+0+0", 5000, Exit::Code(1)));
    assert!(!fails("min=1", "1+0+0", 20, Exit::Code(0)));
    assert!(
        fails("min=0", "1+0+0", 20, Exit::Code(127)),
        "it could not start"
    );
    assert!(
        fails("min=1", "0+0+0", 20, Exit::Code(0)),
        "it would come back for ever"
    );
}
