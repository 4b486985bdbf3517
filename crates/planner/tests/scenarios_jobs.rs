//! Jobs that wait: bursts, slots and reuse, priorities, expiry, and what is told of why.

mod common;

use std::time::Duration;

use common::{Scenario, class};
use headcount_model::{Answer, Exit, Reason};
use headcount_planner::{Verdict, explain};

const ONE: &str = "scaler d max=1 labels=linux";
const FOUR: &str = "scaler d max=4 labels=linux";

#[test]
fn a_burst_is_served_and_the_fleet_shrinks_to_zero() {
    let mut s = Scenario::new("fleet max=8\nscaler d max=9 labels=linux");
    s.jobs("linux", 20);
    s.play(500);
    assert_eq!(s.outside.ended.len(), 20);
    assert_eq!(s.world.agents().count(), 0);
    assert_eq!(s.plan(), "");
    assert!(s.last.wake_at.is_none(), "nothing is left to wake for");
}

#[test]
fn single_use_from_creation_to_retirement() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1);
    assert_eq!(
        s.plan(),
        "create a-1-1 in d/linux: demand_waiting\n\
         linux wait: 1 agent_starting in d/linux"
    );
    s.ok_all();
    s.register(1);
    assert_eq!(
        s.plan(),
        "take 1 of [linux] from queue: assigning\n\
         linux wait: 1 assigning"
    );
    s.ok_all();
    assert_eq!(s.plan(), "assign job-1 attempt 1 to a-1-1: assigning");
    s.ok_all();
    assert_eq!(s.plan(), "wake in 10s: claim_deadline");
    assert_eq!(s.claim(1, 1, 1), Answer::Applied);
    assert_eq!(s.plan(), "");
    assert_eq!(s.exit(1, 1, 1, 0), Answer::Applied);
    assert_eq!(
        s.plan(),
        "complete job-1: done\n\
         drain a-1-1: jobs_done"
    );
    s.ok_all();
    assert_eq!(s.plan(), "wake in 10s: retire_deadline");
    s.gone(1, Exit::Code(0));
    assert_eq!(s.plan(), "");
    assert_eq!(s.ends(), "job-1 succeeded");
}

#[test]
fn a_single_use_agent_gets_exactly_one_job() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 2).run();
    assert_eq!(
        s.plan(),
        "linux wait: 1 scaler_at_max_agents in d/linux\n\
         d/linux grows by 0 of 1: scaler_at_max_agents"
    );
    s.exit(1, 1, 1, 0);
    assert_eq!(
        s.plan(),
        "complete job-1: done\n\
         drain a-1-1: jobs_done\n\
         linux wait: 1 scaler_at_max_agents in d/linux\n\
         d/linux grows by 0 of 1: scaler_at_max_agents"
    );
}

#[test]
fn an_agent_is_used_again_as_often_as_it_may() {
    let mut s = Scenario::new("scaler d max=1 labels=linux jobs=2");
    s.jobs("linux", 3).run();
    s.exit(1, 1, 1, 0);
    assert_eq!(
        s.plan(),
        "complete job-1: done\n\
         take 1 of [linux] from queue: assigning\n\
         linux wait: 1 assigning, 1 scaler_at_max_agents in d/linux\n\
         d/linux grows by 0 of 1: scaler_at_max_agents"
    );
    s.ok_all().hand_out().claim_all();
    s.exit(1, 2, 1, 0);
    assert!(s.plan().contains("drain a-1-1: jobs_done"));
}

#[test]
fn agents_with_slots_run_several_at_once() {
    let mut s = Scenario::new("scaler d max=9 labels=linux slots=3 jobs=99");
    s.jobs("linux", 7);
    assert_eq!(
        s.plan(),
        "create a-1-1 in d/linux: demand_waiting\n\
         create a-1-2 in d/linux: demand_waiting\n\
         create a-1-3 in d/linux: demand_waiting\n\
         linux wait: 7 agent_starting in d/linux"
    );
    s.ok_all();
    s.register(1);
    assert_eq!(
        s.plan(),
        "take 3 of [linux] from queue: assigning\n\
         linux wait: 3 assigning, 4 agent_starting in d/linux\n\
         wake in 300s: launch_deadline"
    );
}

#[test]
fn slots_left_over_by_one_class_serve_the_next() {
    let mut s = Scenario::new("scaler d max=9 labels=linux,docker slots=4 jobs=99");
    s.jobs("linux", 2);
    s.jobs("docker", 2);
    assert_eq!(
        s.plan(),
        "create a-1-1 in d/docker+linux: demand_waiting\n\
         linux wait: 2 agent_starting in d/docker+linux\n\
         docker wait: 2 agent_starting in d/docker+linux"
    );
}

#[test]
fn an_agent_made_for_one_class_is_not_taken_by_another_that_has_one() {
    let mut s = Scenario::new(
        "scaler d max=3 labels=linux,docker
           pool labels=linux,node20 keep=1 slots=2",
    );
    s.jobs("linux", 1);
    let spare = s.plan();
    assert!(spare.contains("linux wait: 1 agent_starting in d/linux+node20"));
    s.at(1).jobs("docker", 1);
    assert!(s.plan().starts_with("create a-1-3 in d/docker+linux"));
    s.ok_all().at(2);
    assert_eq!(
        s.plan(),
        "linux wait: 1 agent_starting in d/linux+node20\n\
         docker wait: 1 agent_starting in d/docker+linux\n\
         wake in 298s: launch_deadline"
    );
}

#[test]
fn who_has_a_higher_priority_takes_over_what_was_promised() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    s.at(1).jobs("linux,prio:1", 1);
    assert_eq!(
        s.plan(),
        "linux wait: 1 agent_starting in d/linux\n\
         linux wait: 1 scaler_at_max_agents in d/linux\n\
         d/linux grows by 0 of 1: scaler_at_max_agents"
    );
    assert_eq!(s.last.report.classes[0].counts_on, [(common::agent(1), 1)]);
}

#[test]
fn the_last_jobs_of_an_agents_life_bound_its_slots() {
    let mut s = Scenario::new("scaler d max=9 labels=linux slots=4 jobs=3");
    s.jobs("linux", 4);
    s.plan();
    assert_eq!(s.world.agents().count(), 2, "three and one");
}

#[test]
fn an_agent_made_for_a_small_job_is_not_given_a_large_one() {
    let mut s = Scenario::new("scaler d max=9 labels=linux jobs=9 idle=60");
    s.jobs("linux,cpu:500", 1).run();
    s.exit(1, 1, 1, 0);
    s.jobs("linux,cpu:2000", 1);
    assert_eq!(
        s.plan(),
        "complete job-1: done\n\
         create a-1-2 in d/linux: demand_waiting\n\
         linux wait: 1 agent_starting in d/linux\n\
         wake in 60s: idle_time"
    );
}

#[test]
fn higher_priority_is_served_first_whoever_waits_longer() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).at(5).jobs("linux,prio:9", 1);
    assert_eq!(
        s.plan(),
        "create a-1-1 in d/linux: demand_waiting\n\
         linux wait: 1 agent_starting in d/linux\n\
         linux wait: 1 scaler_at_max_agents in d/linux\n\
         d/linux grows by 1 of 2: scaler_at_max_agents"
    );
    s.ok_all();
    s.register(1);
    s.plan();
    s.ok("take");
    assert_eq!(s.taken(), "job-2 taken on a-1-1 attempt 1");
}

#[test]
fn of_equal_priority_who_waits_longest_is_served_first() {
    let mut s = Scenario::new("scaler d max=1 labels=linux,docker");
    s.jobs("docker", 1).at(5).jobs("linux", 1);
    s.bring_up().plan();
    s.ok("take 1 of [docker]");
    assert_eq!(s.taken(), "job-1 taken on a-1-1 attempt 1");
}

#[test]
fn no_pool_matches_and_it_waits_for_one() {
    let mut s = Scenario::new(FOUR);
    s.jobs("linux,gpu", 1);
    assert_eq!(s.plan(), "gpu,linux wait: 1 no_matching_pool");
    let told = explain(&s.world, &class("linux,gpu"));
    let Verdict::Unfit { missing, .. } = &told.pools[0].verdict else {
        panic!("{told:?}");
    };
    assert_eq!(missing.join(","), "gpu");
}

#[test]
fn what_stands_in_the_way_is_told_with_since_when() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    s.at(7).jobs("linux", 1).plan();
    let since = s.now;
    s.at(9).plan();
    let told = explain(&s.world, &class("linux"));
    let Verdict::Candidate { blocked, .. } = &told.pools[0].verdict else {
        panic!("{told:?}");
    };
    assert_eq!(*blocked, Some((Reason::ScalerAtMaxAgents, since)));
}

#[test]
fn jobs_expire_by_the_clock_alone() {
    let mut s = Scenario::new("scaler d labels=mac");
    let at = s.now.after(Duration::from_secs(60));
    s.jobs_with("linux", 2, |queued| queued.expires = Some(at));
    assert_eq!(
        s.plan(),
        "linux wait: 2 no_matching_pool\n\
         wake in 60s: expiry"
    );
    assert_eq!(
        s.wake().plan(),
        "end waiting jobs of [linux] at queue: expired\n\
         linux wait: 2 no_matching_pool"
    );
    s.ok_all();
    assert_eq!(s.plan(), "");
    assert_eq!(s.ends(), "job-1 expired\njob-2 expired");
}
