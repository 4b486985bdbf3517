//! Agents that leave: by themselves, drained, idle for too long, too old, or because the
//! daemon stops.

mod common;

use std::time::Duration;

use common::Scenario;
use headcount_model::{Answer, Exit, Refusal, TroubleKind};
use headcount_planner::Operator;

const ONE: &str = "scaler d max=1 labels=linux";

#[test]
fn an_agent_that_leaves_by_itself_ends_its_job_first() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    assert_eq!(s.leaving(1), Answer::Applied);
    assert_eq!(s.leaving(1), Answer::Known);
    assert_eq!(s.plan(), "");
    assert_eq!(s.agents(), "a-1-1 draining: ended_itself");
    assert_eq!(s.exit(1, 1, 1, 0), Answer::Applied);
    s.plan();
    s.ok_all();
    s.gone(1, Exit::Code(0));
    assert_eq!(s.ends(), "job-1 succeeded");
}

#[test]
fn an_agent_that_leaves_may_still_claim_what_it_has_heard_of() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up().hand_out();
    s.leaving(1);
    assert_eq!(s.plan(), "wake in 10s: claim_deadline");
    assert_eq!(s.claim(1, 1, 1), Answer::Applied);
}

#[test]
fn an_agent_that_leaves_is_not_kept_waiting_with_what_it_has_not_heard_of() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up().plan();
    s.ok("take").plan();
    s.fail("assign", TroubleKind::Transient);
    s.leaving(1);
    assert_eq!(s.plan().lines().next(), Some("return job-1: slot_gone"));
}

#[test]
fn an_agent_that_leaves_and_breaks_off_gives_its_offer_back_soon() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up().hand_out();
    s.leaving(1);
    s.disconnect(1);
    assert_eq!(s.plan(), "wake in 10s: claim_deadline");
    assert!(s.wake().plan().starts_with("return job-1: slot_gone"));
}

#[test]
fn who_was_asked_to_leave_and_stays_is_destroyed() {
    let mut s = Scenario::new("scaler d labels=linux keep=1");
    s.bring_up();
    s.configure("scaler d labels=linux");
    assert_eq!(s.plan(), "drain a-1-1: surplus_idle");
    s.ok_all();
    assert_eq!(s.plan(), "wake in 10s: retire_deadline");
    assert_eq!(s.wake().plan(), "destroy a-1-1: surplus_idle");
    s.ok_all();
    assert_eq!(s.world.agents().count(), 0);
}

#[test]
fn who_was_asked_to_leave_and_has_left_is_not_waited_for() {
    let mut s = Scenario::new("scaler d labels=linux keep=1");
    s.bring_up();
    s.configure("scaler d labels=linux");
    assert_eq!(s.plan(), "drain a-1-1: surplus_idle");
    s.ok_all();
    assert_eq!(s.plan(), "wake in 10s: retire_deadline");
    s.disconnect(1);
    assert_eq!(s.plan(), "wake in 1s: retire_deadline");
    let plan = s.wake().plan();
    assert_eq!(plan.lines().next(), Some("destroy a-1-1: surplus_idle"));
}

#[test]
fn who_did_not_hear_that_it_should_leave_is_told_again() {
    let mut s = Scenario::new("scaler d labels=linux keep=1");
    s.bring_up();
    s.configure("scaler d labels=linux");
    s.plan();
    for seconds in ["0.2", "0.4"] {
        s.fail("drain", TroubleKind::Transient);
        assert_eq!(s.plan(), format!("wake in {seconds}s: retry"));
        assert_eq!(
            s.wake().plan().lines().next(),
            Some("drain a-1-1: surplus_idle")
        );
    }
    s.ok_all();
    s.disconnect(1);
    s.plan();
    s.resume(1, &[]);
    assert_eq!(s.plan().lines().next(), Some("drain a-1-1: surplus_idle"));
}

#[test]
fn a_drained_pool_ends_its_jobs_and_takes_no_new_ones() {
    let mut s = Scenario::new("scaler d max=3 labels=linux jobs=9 keep=1");
    s.jobs("linux", 1).run();
    s.bring_up();
    let pool = s.world.pools().next().unwrap().name.clone();
    assert_eq!(s.operator(Operator::Drain(pool.clone())), Answer::Applied);
    assert_eq!(s.operator(Operator::Drain(pool.clone())), Answer::Known);
    s.jobs("linux", 1);
    assert_eq!(
        s.plan(),
        "drain a-1-1: pool_drained\n\
         linux wait: 1 pool_draining in d/linux"
    );
    assert_eq!(
        s.agents(),
        "a-1-1 draining: pool_drained\na-1-2 ready: running_job"
    );
    assert_eq!(s.operator(Operator::Undrain(pool.clone())), Answer::Applied);
    assert_eq!(s.operator(Operator::Undrain(pool)), Answer::Known);
    assert!(s.plan().contains("create a-1-3 in d/linux: demand_waiting"));
}

#[test]
fn a_drain_is_written_down_and_no_such_pool_is_refused() {
    let mut s = Scenario::new(ONE);
    let pool = s.world.pools().next().unwrap().name.clone();
    s.operator(Operator::Drain(pool.clone()));
    assert_eq!(s.world.take_changes().drained_pools, Some(vec![pool]));
    let nobody = Operator::Drain(headcount_model::PoolName::new("d/mac"));
    assert_eq!(s.operator(nobody), Answer::Refused(Refusal::UnknownPool));
}

#[test]
fn a_starting_agent_of_a_drained_pool_is_destroyed() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    s.ok_all();
    let pool = s.world.pools().next().unwrap().name.clone();
    s.operator(Operator::Drain(pool));
    assert_eq!(s.plan().lines().next(), Some("destroy a-1-1: pool_drained"));
}

#[test]
fn after_a_stop_nothing_new_is_handed_out_and_what_runs_ends() {
    let mut s = Scenario::new("scaler d max=3 labels=linux jobs=9 idle=60");
    s.jobs("linux", 2).bring_up().plan();
    s.ok("take");
    s.plan();
    s.ok_all().claim_all();
    s.jobs("linux", 1);
    assert_eq!(s.operator(Operator::Stop), Answer::Applied);
    assert_eq!(s.operator(Operator::Stop), Answer::Known);
    assert_eq!(s.plan(), "linux wait: 1 stopping");
    assert_eq!(s.exit(2, 1, 1, 0), Answer::Applied);
    assert_eq!(
        s.plan(),
        "complete job-1: done\n\
         linux wait: 1 stopping\n\
         wake in 60s: idle_time"
    );
}

#[test]
fn a_job_that_was_being_taken_when_the_daemon_stops_goes_back() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up().plan();
    s.operator(Operator::Stop);
    s.ok("take");
    assert_eq!(s.plan().lines().next(), Some("return job-1: slot_gone"));
}

#[test]
fn idle_agents_stay_for_their_idle_time_and_the_alarm_says_so() {
    let mut s = Scenario::new("scaler d max=2 labels=linux jobs=9 idle=30");
    s.jobs("linux", 1).run();
    s.exit(1, 1, 1, 0);
    s.plan();
    s.ok_all();
    assert_eq!(s.plan(), "wake in 30s: idle_time");
    assert_eq!(s.agents(), "a-1-1 ready: idle_time");
    assert_eq!(s.wake().plan(), "drain a-1-1: surplus_idle");
}

#[test]
fn a_renewed_agent_is_replaced_in_the_same_plan() {
    let mut s = Scenario::new("scaler d labels=linux keep=1 age=60");
    s.bring_up();
    assert_eq!(s.plan(), "wake in 60s: idle_age");
    assert_eq!(
        s.wake().plan(),
        "drain a-1-1: idle_too_old\n\
         create a-1-2 in d/linux: keep_ready"
    );
}

#[test]
fn nobody_is_renewed_while_facts_are_stale() {
    let mut s = Scenario::new("scaler d labels=linux keep=1 age=60");
    s.bring_up();
    s.missed();
    s.plan();
    s.wait(Duration::from_secs(60));
    assert_eq!(s.plan(), "", "nobody leaves, so nobody is ordered");
}

#[test]
fn who_has_lived_long_enough_is_replaced_in_the_same_plan() {
    let mut s = Scenario::new("scaler d max=2 labels=linux keep=1 jobs=9 lifetime=3600");
    s.bring_up();
    assert_eq!(s.plan(), "wake in 3600s: lifetime");
    assert_eq!(
        s.wake().plan(),
        "drain a-1-1: lifetime_over\n\
         create a-1-2 in d/linux: keep_ready"
    );
}

#[test]
fn a_running_job_outlives_its_agents_lifetime_and_is_its_last() {
    let mut s = Scenario::new("scaler d max=2 labels=linux slots=2 jobs=9 lifetime=3600");
    s.jobs("linux", 1).run();
    assert_eq!(s.plan(), "", "time alone ends no job");
    s.wait(Duration::from_secs(3600)).jobs("linux", 1);
    assert_eq!(
        s.plan(),
        "create a-1-2 in d/linux: demand_waiting\n\
         linux wait: 1 agent_starting in d/linux",
        "its free slot is given no more jobs"
    );
    s.ok_all();
    s.register(2);
    s.hand_out().claim_all();
    s.exit(1, 1, 1, 0);
    let text = s.plan();
    assert!(text.contains("drain a-1-1: lifetime_over"), "{text}");
    assert!(!text.contains("a-1-2"), "{text}");
}

#[test]
fn a_lifetime_begins_when_an_agent_is_ready_and_holds_for_living_ones() {
    let mut s = Scenario::new("scaler d max=1 labels=linux keep=1 jobs=9");
    s.plan();
    s.wait(Duration::from_secs(50)).ok_all();
    assert_eq!(s.register(1), Answer::Applied);
    s.wait(Duration::from_secs(30));
    s.configure("scaler d max=1 labels=linux keep=1 jobs=9 lifetime=60");
    assert_eq!(s.plan(), "wake in 30s: lifetime");
    assert!(s.wake().plan().starts_with("drain a-1-1: lifetime_over"));
}

#[test]
fn workers_live_as_long_as_they_like() {
    let mut s = Scenario::new("scaler d labels=linux keep=1 worker=w lifetime=60");
    s.plan();
    s.ok_all();
    s.running(1);
    assert_eq!(s.plan(), "");
    assert_eq!(s.wait(Duration::from_secs(999)).plan(), "");
}
