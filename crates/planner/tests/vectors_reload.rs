//! The reload vectors of the `scalers.yaml` reference, section 18, as far as they are
//! decided here: R1 and R3.
//!
//! Not here: R2 (overlaps are refused by `config`, so no such fleet arrives) and R4 (a
//! configuration arrives whole or not at all: there is no second backend to refuse it).

mod common;

use common::Scenario;
use headcount_model::{Answer, Exit};

const GATED: &str = "
    scaler p gate=gpu max=3 labels=linux,gpu keep=1
    scaler q labels=linux,docker";
const GATE_REMOVED: &str = "scaler q labels=linux,docker";

#[test]
fn r1_the_new_fleet_is_in_force_whole() {
    let mut s = Scenario::new("fleet max=1\nscaler d labels=linux");
    s.jobs("linux", 3).plan();
    assert_eq!(
        s.configure("fleet max=3\nscaler d labels=linux\nscaler e labels=mac"),
        Answer::Applied
    );
    assert_eq!(
        s.plan(),
        "create a-1-2 in d/linux: demand_waiting\n\
         create a-1-3 in d/linux: demand_waiting\n\
         linux wait: 3 agent_starting in d/linux"
    );
}

#[test]
fn r1_the_same_fleet_again_changes_nothing() {
    let mut s = Scenario::new(GATED);
    assert_eq!(s.configure(GATED), Answer::Known);
}

#[test]
fn r3_a_new_scaler_is_usable_at_once() {
    let mut s = Scenario::new("scaler d labels=linux");
    s.jobs("mac", 1);
    assert_eq!(s.plan(), "mac wait: 1 no_matching_pool");
    s.configure("scaler d labels=linux\nscaler m labels=mac");
    assert_eq!(
        s.plan(),
        "create a-1-1 in m/mac: demand_waiting\n\
         mac wait: 1 agent_starting in m/mac"
    );
}

#[test]
fn r3_max_agents_from_2_to_9_applies() {
    let mut s = Scenario::new("scaler d max=2 labels=linux");
    s.jobs("linux", 9).plan();
    assert_eq!(s.world.agents().count(), 2);
    s.configure("scaler d max=9 labels=linux");
    s.plan();
    assert_eq!(s.world.agents().count(), 9);
}

#[test]
fn r3_max_agents_from_9_to_2_adds_nothing_and_lets_spares_go() {
    let mut s = Scenario::new("scaler d max=9 labels=linux keep=4");
    s.bring_up();
    s.jobs("linux", 1).hand_out().claim_all();
    s.bring_up();
    s.configure("scaler d max=2 labels=linux keep=4");
    assert_eq!(
        s.plan(),
        "drain a-1-5: room_wanted\n\
         drain a-1-4: room_wanted\n\
         drain a-1-3: room_wanted\n\
         d/linux grows by 0 of 3: scaler_at_max_agents"
    );
    assert_eq!(
        s.agents(),
        "a-1-1 ready: running_job\n\
         a-1-2 ready: kept_ready\n\
         a-1-3 draining: room_wanted\n\
         a-1-4 draining: room_wanted\n\
         a-1-5 draining: room_wanted"
    );
}

#[test]
fn r3_a_removed_gated_scaler_drains_and_takes_nothing_new() {
    let mut s = Scenario::new(GATED);
    s.jobs("linux,gpu", 1).run();
    s.bring_up();
    assert_eq!(
        s.agents(),
        "a-1-1 ready: running_job\na-1-2 ready: kept_ready"
    );
    s.configure(GATE_REMOVED);
    s.jobs("linux,gpu", 1);
    assert_eq!(
        s.plan(),
        "drain a-1-2: pool_removed\n\
         gpu,linux wait: 1 no_matching_pool"
    );
    assert_eq!(
        s.agents(),
        "a-1-1 ready: running_job\na-1-2 draining: pool_removed",
        "who works may end its work"
    );
    s.exit(1, 1, 1, 0);
    assert!(s.plan().contains("drain a-1-1: pool_removed"));
    s.ok_all();
    s.gone(1, Exit::Code(0));
    s.gone(2, Exit::Code(0));
    assert_eq!(s.world.pools().count(), 1, "forgotten with its last agent");
}

#[test]
fn r3_the_gate_of_a_removed_scaler_never_widens() {
    let mut s = Scenario::new("scaler p gate=gpu max=3 labels=linux,gpu keep=1");
    s.bring_up();
    s.configure(GATE_REMOVED);
    s.jobs("linux", 1);
    assert_eq!(
        s.plan(),
        "create a-1-2 in q/docker+linux: demand_waiting\n\
         drain a-1-1: pool_removed\n\
         linux wait: 1 agent_starting in q/docker+linux"
    );
}

#[test]
fn r3_a_job_on_its_way_to_a_removed_scaler_goes_back() {
    let mut s = Scenario::new(GATED);
    s.bring_up();
    s.jobs("linux,gpu", 1).plan();
    s.configure(GATE_REMOVED);
    s.ok_all();
    assert_eq!(
        s.plan(),
        "return job-1: slot_gone\n\
         drain a-1-1: pool_removed\n\
         destroy a-1-2: pool_removed\n\
         wake in 300s: launch_deadline",
        "the one that was to take the place of the first is starting"
    );
    s.ok_all();
    assert_eq!(
        s.plan().lines().next(),
        Some("gpu,linux wait: 1 no_matching_pool")
    );
}

#[test]
fn r3_a_job_taken_and_not_offered_goes_back_too() {
    let mut s = Scenario::new(GATED);
    s.bring_up();
    s.jobs("linux,gpu", 1).plan();
    s.ok("take");
    assert_eq!(s.taken(), "job-1 taken on a-1-1 attempt 1");
    s.configure(GATE_REMOVED);
    assert_eq!(s.taken(), "job-1 settling on a-1-1 attempt 1");
}

#[test]
fn r3_a_scaler_that_comes_back_uses_its_agents_again() {
    let mut s = Scenario::new(GATED);
    s.jobs("linux,gpu", 1).bring_up();
    s.configure(GATE_REMOVED);
    s.configure(GATED);
    assert_eq!(
        s.plan(),
        "take 1 of [gpu,linux] from queue: assigning\n\
         gpu,linux wait: 1 assigning"
    );
}

#[test]
fn what_agents_are_made_from_changed_so_idle_ones_are_replaced() {
    let mut s = Scenario::new("scaler d labels=linux agent=/old keep=1 slots=2 jobs=9");
    s.bring_up();
    s.configure("scaler d labels=linux agent=/new keep=1 slots=2 jobs=9");
    assert_eq!(
        s.plan(),
        "drain a-1-1: outdated\n\
         create a-1-2 in d/linux: keep_ready"
    );
}

#[test]
fn an_outdated_agent_ends_its_job_and_gets_no_other() {
    let mut s = Scenario::new("scaler d labels=linux agent=/old slots=2 jobs=9");
    s.jobs("linux", 1).run();
    s.configure("scaler d labels=linux agent=/new slots=2 jobs=9");
    s.jobs("linux", 1);
    assert_eq!(
        s.plan(),
        "create a-1-2 in d/linux: demand_waiting\n\
         linux wait: 1 agent_starting in d/linux"
    );
    assert_eq!(s.agents().lines().next(), Some("a-1-1 ready: running_job"));
}

#[test]
fn limits_timeouts_and_idle_rules_apply_to_living_agents() {
    let mut s = Scenario::new("scaler d labels=linux keep=1");
    s.bring_up();
    s.configure("scaler d max=3 labels=linux keep=1 idle=60 claim=30");
    assert_eq!(s.plan(), "");
}
