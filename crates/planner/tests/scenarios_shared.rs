//! Machine pools: what is asked of a shared ledger, what its refusals mean, and what idle
//! agents make room for.

mod common;

use common::{Scenario, class};
use headcount_model::{Exit, Reason, TroubleKind};
use headcount_planner::admission;

const HOST: &str = "shared host cpu=4000\nscaler d machine=host labels=linux request-cpu=1000";

#[test]
fn our_own_part_is_counted_before_anybody_is_asked() {
    let mut s = Scenario::new(HOST);
    s.jobs("linux", 9);
    let plan = s.plan();
    assert_eq!(plan.matches("reserve").count(), 4, "{plan}");
    assert!(
        plan.ends_with("d/linux grows by 4 of 9: machine_pool_cpu_cap"),
        "{plan}"
    );
}

#[test]
fn what_others_hold_is_believed_until_the_ledger_is_asked_again() {
    let mut s = Scenario::new(HOST);
    s.peers(4000, 3000);
    s.jobs("linux", 2).plan();
    s.ok_all();
    assert_eq!(
        s.plan(),
        "create a-1-1 in d/linux: demand_waiting\n\
         linux wait: 1 agent_starting in d/linux, 1 machine_pool_cpu_cap in d/linux\n\
         d/linux grows by 0 of 1: machine_pool_cpu_cap\n\
         wake in 0.5s: machine_pool"
    );
    let mut waits = Vec::new();
    for _ in 0..7 {
        assert!(s.wake().plan().starts_with("reserve"));
        s.ok("reserve").plan();
        let again = s.last.wake_at.unwrap().at;
        waits.push(again.since(s.now).as_millis());
    }
    assert_eq!(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    s.peers(4000, 0);
    assert!(s.wake().plan().starts_with("reserve"));
    s.ok_all();
    assert!(s.plan().starts_with("create"));
}

#[test]
fn p1_what_is_smaller_than_what_was_refused_may_fit() {
    let mut s = Scenario::new(HOST);
    s.peers(4000, 3000);
    s.jobs("linux,cpu:3000", 1).plan();
    s.ok_all().plan();
    s.jobs("linux", 2);
    let plan = s.plan();
    assert_eq!(plan.matches("reserve").count(), 1, "{plan}");
    s.ok_all();
    assert!(s.plan().starts_with("create"));
}

#[test]
fn once_refused_one_launch_at_a_time_asks() {
    let mut s = Scenario::new(HOST);
    s.jobs("linux", 4).plan();
    for _ in 0..4 {
        s.fail("reserve", TroubleKind::Transient);
    }
    assert_eq!(
        s.plan(),
        "linux wait: 4 machine_pool_refused in d/linux\n\
         d/linux grows by 0 of 4: machine_pool_refused\n\
         wake in 0.5s: machine_pool"
    );
    let plan = s.wake().plan();
    assert_eq!(plan.matches("reserve").count(), 1, "{plan}");
    s.ok("reserve");
    let plan = s.plan();
    assert_eq!(plan.matches("reserve").count(), 3, "then all: {plan}");
}

#[test]
fn a_refusal_is_no_failed_launch() {
    let mut s = Scenario::new(HOST);
    s.peers(4000, 4000);
    s.jobs("linux", 1).plan();
    for _ in 0..9 {
        s.ok_all().plan();
        s.wake().plan();
    }
    let pool = s.world.pools().next().unwrap();
    assert_eq!(pool.backoff.failures, 0);
    assert_eq!(pool.backoff.last, None);
    let facts = s.world.machine_pool(&"host".into()).unwrap();
    let (_, message) = facts.last.clone().unwrap();
    assert_eq!(message, "no room");
    assert!(
        s.world.agents().count() <= 1,
        "nothing is left of those refused"
    );
}

#[test]
fn room_of_our_own_that_comes_back_is_used_at_once() {
    let mut s =
        Scenario::new("shared host cpu=1000\nscaler d machine=host labels=linux request-cpu=1000");
    s.jobs("linux", 1).plan();
    s.ok_all().run();
    s.jobs("linux", 1);
    assert_eq!(
        s.plan(),
        "linux wait: 1 machine_pool_cpu_cap in d/linux\n\
         d/linux grows by 0 of 1: machine_pool_cpu_cap"
    );
    s.exit(1, 1, 1, 0);
    s.plan();
    s.ok_all();
    s.gone(1, Exit::Code(0));
    assert!(s.plan().contains("release a-1-1 in host: done"));
    s.ok_all();
    assert!(s.plan().contains("reserve"));
}

#[test]
fn spares_of_the_same_machine_pool_leave_for_jobs_and_others_stay() {
    let mut s = Scenario::new(
        "shared host cpu=2000
         scaler a machine=host labels=spare keep=1 request-cpu=1000
         scaler b labels=elsewhere keep=1 request-cpu=1000
         scaler d machine=host labels=linux request-cpu=1000",
    );
    s.plan();
    s.bring_up();
    s.jobs("linux", 2);
    let plan = s.plan();
    assert_eq!(plan.matches("drain").count(), 1, "{plan}");
    assert!(plan.contains("drain a-1-1: room_wanted"), "{plan}");
}

#[test]
fn room_that_others_hold_is_no_reason_to_send_spares_away_in_vain() {
    let mut s = Scenario::new(
        "shared host cpu=4000
         scaler a machine=host labels=spare keep=1 request-cpu=1000
         scaler d machine=host labels=linux",
    );
    s.plan();
    s.bring_up();
    s.peers(4000, 2000);
    s.jobs("linux,cpu:3000", 1).plan();
    s.ok_all();
    let plan = s.plan();
    assert!(!plan.contains("drain"), "3 CPUs never fit beside 2: {plan}");
    s.jobs("linux,cpu:2000", 1);
    assert!(s.plan().contains("drain a-1-1: room_wanted"));
}

#[test]
fn a_job_larger_than_the_machine_pool_is_refused_at_the_door() {
    let s = Scenario::new(HOST);
    let refused = admission(&s.world, &class("linux,cpu:5000")).unwrap();
    assert_eq!(refused.cap, Reason::MachinePoolCpuCap);
    assert_eq!((refused.asked, refused.allowed), (5000, 4000));
    assert_eq!(admission(&s.world, &class("linux,cpu:4000")), None);
}

#[test]
fn a_reload_that_moves_a_scaler_replaces_its_idle_agents() {
    let mut s = Scenario::new("scaler d labels=linux keep=1");
    s.plan();
    s.bring_up();
    s.configure("scaler d machine=host labels=linux keep=1");
    let plan = s.plan();
    assert!(plan.contains("drain a-1-1: outdated"), "{plan}");
    assert!(plan.contains("reserve a-1-2 in d/linux"), "{plan}");
}

#[test]
fn a_reload_that_raises_the_cap_is_felt_at_once() {
    let mut s =
        Scenario::new("shared host cpu=1000\nscaler d machine=host labels=linux request-cpu=1000");
    s.jobs("linux", 2).run();
    s.configure("shared host cpu=2000\nscaler d machine=host labels=linux request-cpu=1000");
    assert!(s.plan().starts_with("reserve a-1-2"));
}

#[test]
fn a_shared_ledger_is_asked_before_and_given_back_after() {
    let mut s = Scenario::new("scaler d max=1 machine=shared labels=linux");
    s.jobs("linux", 1);
    assert_eq!(
        s.plan(),
        "reserve a-1-1 in d/linux: demand_waiting\n\
         linux wait: 1 agent_starting in d/linux"
    );
    s.ok_all();
    assert_eq!(
        s.plan(),
        "create a-1-1 in d/linux: demand_waiting\n\
         linux wait: 1 agent_starting in d/linux\n\
         wake in 300s: launch_deadline"
    );
    s.ok_all();
    s.register(1);
    s.hand_out().claim_all();
    s.exit(1, 1, 1, 0);
    s.plan();
    s.ok_all();
    s.gone(1, Exit::Code(0));
    assert_eq!(s.plan(), "release a-1-1 in shared: done");
    for seconds in ["0.2", "0.4"] {
        s.fail("release", TroubleKind::Transient);
        assert_eq!(s.plan(), format!("wake in {seconds}s: retry"));
        assert_eq!(s.wake().plan(), "release a-1-1 in shared: done");
    }
    assert_eq!(s.world.agents().count(), 1, "its room is not free yet");
    s.ok_all();
    assert_eq!(s.world.agents().count(), 0);
}

#[test]
fn a_reservation_of_unknown_outcome_is_given_back_to_be_sure() {
    let mut s = Scenario::new("scaler d max=1 machine=shared labels=linux");
    s.jobs("linux", 1).plan();
    s.fail("reserve", TroubleKind::Unknown);
    assert_eq!(
        s.plan().lines().next(),
        Some("release a-1-1 in shared: done")
    );
}

#[test]
fn a_launch_of_a_machine_pool_that_failed_gives_its_room_back() {
    let mut s = Scenario::new("scaler d max=1 machine=shared labels=linux");
    s.jobs("linux", 1).plan();
    s.ok_all().plan();
    s.fail("create", TroubleKind::Transient);
    assert_eq!(
        s.plan().lines().next(),
        Some("release a-1-1 in shared: done")
    );
}

#[test]
fn room_reserved_for_a_pool_that_left_goes_back_unused() {
    let mut s = Scenario::new("scaler d machine=shared labels=linux");
    s.jobs("linux", 1).plan();
    s.configure("scaler e labels=mac");
    s.ok_all();
    assert_eq!(
        s.plan().lines().next(),
        Some("release a-1-1 in shared: done")
    );
    s.ok_all();
    assert_eq!(s.world.agents().count(), 0);
    assert!(s.outside.instances.is_empty(), "nothing was made");
}

#[test]
fn a_cap_lowered_while_room_was_asked_for_holds() {
    let mut s = Scenario::new("scaler d max=2 machine=host labels=linux");
    s.jobs("linux", 2).plan();
    s.configure("scaler d max=1 machine=host labels=linux");
    s.ok_all();
    let plan = s.plan();
    assert!(!plan.contains("create"), "{plan}");
    assert!(plan.contains("release a-1-1 in host"), "{plan}");
    for _ in 0..3 {
        s.ok_all().plan();
    }
    assert_eq!(s.outside.instances.len(), 1);
}
