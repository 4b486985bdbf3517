//! The admission vectors of the `scalers.yaml` reference, section 18, by number: A1 to A8
//! and A10 to A16; W1 to W6 as settings of the one idle rule; G7 and G8.
//!
//! Not here: A9 (the cascade is `model`'s); A16's count (the controller counts refusals,
//! here the failure must only be attributed to nobody); P1 to P5 (the shared ledger is a
//! crate of its own, `machine-pools`); B3 (ending a process is a backend's; a grace of five seconds is in
//! the order). Where the original refuses a request once, ours lets it wait with a reason.

mod common;

use std::time::Duration;

use common::{Scenario, agent, class};
use headcount_model::{Answer, BackendEvent, BackendId, Exit, Reason, Refusal, TroubleKind};
use headcount_planner::{Action, News, admission};

const PLAIN: &str = "scaler d max=100 labels=linux";

#[test]
fn a1_the_fleet_is_full() {
    let mut s = Scenario::new("fleet max=10\nscaler d max=100 labels=linux");
    s.jobs("linux", 10).run();
    s.jobs("linux", 1);
    assert_eq!(
        s.plan(),
        "linux wait: 1 fleet_at_max_agents in d/linux\n\
         d/linux grows by 0 of 1: fleet_at_max_agents"
    );
}

#[test]
fn a2_the_scaler_is_full() {
    let mut s = Scenario::new("fleet max=100\nscaler d max=3 labels=linux");
    s.jobs("linux", 3).run();
    s.jobs("linux", 1);
    assert_eq!(
        s.plan(),
        "linux wait: 1 scaler_at_max_agents in d/linux\n\
         d/linux grows by 0 of 1: scaler_at_max_agents"
    );
}

#[test]
fn a3_two_at_once_for_the_last_place() {
    let mut s = Scenario::new("scaler d max=5 labels=linux");
    s.jobs("linux", 4).run();
    s.jobs("linux", 2);
    assert_eq!(
        s.plan(),
        "create a-1-5 in d/linux: demand_waiting\n\
         linux wait: 1 agent_starting in d/linux, 1 scaler_at_max_agents in d/linux\n\
         d/linux grows by 1 of 2: scaler_at_max_agents"
    );
}

#[test]
fn a4_three_requests_for_two_places_of_the_fleet() {
    let mut s = Scenario::new("fleet max=2\nscaler d max=9 labels=linux");
    s.jobs("linux", 3);
    assert_eq!(
        s.plan(),
        "create a-1-1 in d/linux: demand_waiting\n\
         create a-1-2 in d/linux: demand_waiting\n\
         linux wait: 2 agent_starting in d/linux, 1 fleet_at_max_agents in d/linux\n\
         d/linux grows by 2 of 3: fleet_at_max_agents"
    );
}

#[test]
fn a5_the_scalers_cpu() {
    let mut s = Scenario::new("scaler d cpu=2000 labels=linux");
    s.jobs("linux,cpu:1500", 1).plan();
    s.at(1).jobs("linux,cpu:1000", 1);
    assert_eq!(
        s.plan(),
        "linux wait: 1 agent_starting in d/linux\n\
         linux wait: 1 scaler_cpu_cap in d/linux\n\
         d/linux grows by 0 of 1: scaler_cpu_cap"
    );
}

#[test]
fn a6_the_fleets_memory() {
    let mut s = Scenario::new("fleet max=9 mem=2g\nscaler d labels=linux");
    s.jobs("linux,mem:1500m", 1).plan();
    s.at(1).jobs("linux,mem:1g", 1);
    assert_eq!(
        s.plan(),
        "linux wait: 1 agent_starting in d/linux\n\
         linux wait: 1 fleet_memory_cap in d/linux\n\
         d/linux grows by 0 of 1: fleet_memory_cap"
    );
}

#[test]
fn a7_room_that_is_free_again_is_used() {
    let mut s = Scenario::new("scaler d cpu=2000 labels=linux");
    s.jobs("linux,cpu:2000", 1).run();
    s.jobs("linux,cpu:1000", 1);
    assert_eq!(
        s.plan(),
        "linux wait: 1 scaler_cpu_cap in d/linux\n\
         d/linux grows by 0 of 1: scaler_cpu_cap"
    );
    s.exit(1, 1, 1, 0);
    s.gone(1, Exit::Code(0));
    assert_eq!(
        s.plan(),
        "complete job-1: done\n\
         create a-1-2 in d/linux: demand_waiting\n\
         linux wait: 1 agent_starting in d/linux"
    );
}

#[test]
fn a8_limits_alone_are_mirrored_into_requests() {
    let mut s = Scenario::new("scaler d cpu=2000 labels=linux");
    s.jobs("linux,limit-cpu:2000", 1).plan();
    s.at(1).jobs("linux,limit-cpu:500", 1);
    assert_eq!(
        s.plan(),
        "linux wait: 1 agent_starting in d/linux\n\
         linux wait: 1 scaler_cpu_cap in d/linux\n\
         d/linux grows by 0 of 1: scaler_cpu_cap"
    );
}

#[test]
fn a10_without_requests_only_agents_are_counted() {
    let mut s = Scenario::new("scaler d cpu=100 labels=linux");
    s.jobs("linux", 3);
    assert_eq!(
        s.plan(),
        "create a-1-1 in d/linux: demand_waiting\n\
         create a-1-2 in d/linux: demand_waiting\n\
         create a-1-3 in d/linux: demand_waiting\n\
         linux wait: 3 agent_starting in d/linux"
    );
}

#[test]
fn a11_a_failed_launch_leaves_nothing_reserved_and_counts_once() {
    let mut s = Scenario::new("scaler d cpu=1000 labels=linux");
    s.jobs("linux,cpu:1000", 1).plan();
    s.fail("create a-1-1", TroubleKind::Transient);
    assert_eq!(s.world.agents().count(), 0);
    assert_eq!(s.world.pools().next().unwrap().backoff.failures, 1);
    s.wait(Duration::from_secs(1));
    assert_eq!(
        s.plan(),
        "create a-1-2 in d/linux: demand_waiting\n\
         linux wait: 1 agent_starting in d/linux"
    );
}

#[test]
fn a12_a_request_above_the_cap_fails_with_the_reason() {
    let mut s = Scenario::new("scaler d cpu=2000 labels=linux");
    let impossible = admission(&s.world, &class("linux,cpu:8000")).unwrap();
    assert_eq!(
        (impossible.cap, impossible.asked, impossible.allowed),
        (Reason::ScalerCpuCap, 8000, 2000)
    );
    s.jobs("linux,cpu:8000", 1);
    assert_eq!(
        s.plan(),
        "end waiting jobs of [linux] at queue: never_fits\n\
         linux wait: 1 never_fits"
    );
    s.ok_all();
    assert_eq!(s.ends(), "job-1 failed: never_fits");
}

/// A queue of somebody else is not emptied because of our caps; the class says why it waits.
#[test]
fn what_nobody_could_serve_stays_at_a_source_that_keeps_it() {
    let mut s = Scenario::keeping_hopeless("scaler d cpu=2000 labels=linux");
    s.ok_all();
    s.jobs("linux,cpu:8000", 1);
    assert_eq!(s.plan(), "linux wait: 1 never_fits");
    assert_eq!(s.ends(), "");
    s.configure("scaler d cpu=9000 labels=linux");
    assert!(s.plan().starts_with("create a-1-1 in d/linux"));
}

#[test]
fn a12_at_the_cap_it_fits_and_another_pool_may_take_it() {
    let mut s = Scenario::new("scaler small cpu=2000 labels=linux\nscaler big labels=linux,big");
    assert_eq!(admission(&s.world, &class("linux,cpu:8000")), None);
    assert_eq!(admission(&s.world, &class("linux,cpu:2000")), None);
    s.jobs("linux,cpu:8000", 1);
    assert_eq!(
        s.plan(),
        "create a-1-1 in big/big+linux: demand_waiting\n\
         linux wait: 1 agent_starting in big/big+linux"
    );
}

#[test]
fn a13_what_the_best_has_no_room_for_spills_over() {
    let mut s = Scenario::new("scaler a max=1 labels=linux\nscaler b labels=linux,docker");
    s.jobs("linux", 2);
    assert_eq!(
        s.plan(),
        "create a-1-1 in a/linux: demand_waiting\n\
         create a-1-2 in b/docker+linux: demand_waiting\n\
         linux wait: 1 agent_starting in a/linux, 1 agent_starting in b/docker+linux\n\
         a/linux grows by 1 of 2: scaler_at_max_agents"
    );
}

#[test]
fn a14_an_agent_that_never_registers_is_destroyed_and_its_place_is_free() {
    let mut s = Scenario::new("scaler d max=1 labels=linux");
    s.jobs("linux", 1).plan();
    s.ok_all();
    assert_eq!(
        s.plan(),
        "linux wait: 1 agent_starting in d/linux\n\
         wake in 300s: launch_deadline"
    );
    assert_eq!(
        s.wake().plan(),
        "destroy a-1-1: launch_deadline\n\
         linux wait: 1 launch_backoff in d/linux\n\
         d/linux grows by 0 of 1: launch_backoff\n\
         wake in 1s: launch_backoff"
    );
    s.ok_all().wake();
    assert_eq!(
        s.plan(),
        "create a-1-2 in d/linux: demand_waiting\n\
         linux wait: 1 agent_starting in d/linux"
    );
}

#[test]
fn a15_a_failure_before_registration_names_the_agent_and_its_pool() {
    let mut s = Scenario::new(PLAIN);
    s.jobs("linux", 1).plan();
    s.ok_all();
    s.gone(1, Exit::Code(127));
    let pool = s.world.pools().next().unwrap();
    let (_, message) = pool.backoff.last.clone().unwrap();
    assert_eq!(
        (pool.name.to_string(), message),
        (
            "d/linux".to_owned(),
            "agent a-1-1 ended with code 127 before it was of use".to_owned()
        )
    );
}

#[test]
fn a16_an_unknown_agents_failure_is_nobodys() {
    let mut s = Scenario::new(PLAIN);
    let backend = BackendId::new("bare-metal");
    let gone = BackendEvent::Gone(agent(77), Exit::Code(1));
    assert_eq!(s.tell(News::Backend(backend, gone)), Answer::Known);
    assert_eq!(s.register(77), Answer::Refused(Refusal::UnknownAgent));
    assert_eq!(s.world.pools().next().unwrap().backoff.failures, 0);
    assert_eq!(s.plan(), "");
}

#[test]
fn w1_a_job_takes_the_oldest_ready_one_and_another_is_ordered() {
    let mut s = Scenario::new("scaler d labels=linux keep=2");
    s.plan();
    s.ok_all();
    s.register(2);
    s.at(1).register(1);
    s.jobs("linux", 1);
    assert_eq!(
        s.plan(),
        "take 1 of [linux] from queue: assigning\n\
         create a-1-3 in d/linux: keep_ready\n\
         linux wait: 1 assigning"
    );
    let Action::Take { agents, .. } = s.take_pending("take") else {
        panic!("a taking");
    };
    assert_eq!(agents, [agent(2)]);
}

#[test]
fn w2_what_is_missing_is_ordered_and_nothing_else() {
    let mut s = Scenario::new("scaler d labels=linux keep=1");
    s.bring_up();
    s.configure("scaler d labels=linux keep=3");
    assert_eq!(
        s.plan(),
        "create a-1-2 in d/linux: keep_ready\n\
         create a-1-3 in d/linux: keep_ready"
    );
    s.ok_all();
    s.register(2);
    s.register(3);
    assert_eq!(s.plan(), "");
}

#[test]
fn w3_only_what_was_idle_for_long_leaves() {
    let mut s = Scenario::new("scaler d labels=linux keep=2 age=120");
    s.plan();
    s.ok_all();
    s.register(1);
    s.at(100).register(2);
    s.at(130);
    assert_eq!(
        s.plan(),
        "drain a-1-1: idle_too_old\n\
         create a-1-3 in d/linux: keep_ready\n\
         wake in 90s: idle_age"
    );
    assert_eq!(s.in_phase(headcount_model::AgentPhase::Ready), [2]);
}

#[test]
fn w4_a_smaller_pool_loses_its_newest() {
    let mut s = Scenario::new("scaler d labels=linux keep=4");
    s.plan();
    s.ok_all();
    for number in [4, 2, 3, 1] {
        let later = s.now.after(Duration::from_secs(1));
        s.now = later;
        s.register(number);
    }
    s.configure("scaler d labels=linux keep=2");
    assert_eq!(
        s.plan(),
        "drain a-1-3: surplus_idle\n\
         drain a-1-1: surplus_idle"
    );
}

/// The original keeps members of a pool that left the file until they are idle for long;
/// ours leave once they are idle, because nothing can use them any more.
#[test]
fn w5_a_pool_that_left_the_file_lets_its_idle_ones_go() {
    let mut s = Scenario::new("scaler d labels=linux keep=1\nscaler e labels=mac keep=1");
    s.bring_up();
    s.configure("scaler d labels=linux keep=1");
    assert_eq!(s.plan(), "drain a-1-2: pool_removed");
}

#[test]
fn w6_two_become_idle_at_start_without_any_job() {
    let mut s = Scenario::started("scaler d labels=linux keep=2");
    s.plan();
    s.ok_all();
    s.register(1);
    s.register(2);
    assert_eq!(s.plan(), "");
    assert_eq!(
        s.agents(),
        "a-1-1 ready: kept_ready\na-1-2 ready: kept_ready"
    );
}

#[test]
fn g7_five_deliveries_that_nobody_claims_fail_the_job() {
    let mut s = Scenario::new(PLAIN);
    s.jobs("linux", 1);
    for delivery in 1..=4_u32 {
        s.bring_up().hand_out();
        assert_eq!(s.decline(delivery, 1, 1), Answer::Applied);
        s.leaving(delivery);
        assert_eq!(s.plan().lines().next(), Some("return job-1: slot_gone"));
        s.ok_all();
        assert_eq!(s.ends(), "", "after delivery {delivery}");
    }
    s.bring_up().hand_out();
    s.gone(5, Exit::Signal(9));
    assert_eq!(
        s.plan().lines().next(),
        Some("complete job-1: undeliverable")
    );
    s.ok_all();
    assert_eq!(s.ends(), "job-1 failed: undeliverable");
}

#[test]
fn g8_loss_after_start_fails_the_job_at_once() {
    let mut s = Scenario::new(PLAIN);
    s.jobs("linux", 1).run();
    s.gone(1, Exit::Signal(9));
    assert_eq!(s.plan(), "complete job-1: agent_lost");
    s.ok_all();
    assert_eq!(
        (s.ends().as_str(), s.plan().as_str()),
        ("job-1 failed: agent_lost", "")
    );
}

#[test]
fn g8_unless_it_asks_for_another_attempt() {
    let mut s = Scenario::new(PLAIN);
    s.jobs_with("linux", 1, |queued| queued.info.retries_left = 1)
        .run();
    s.gone(1, Exit::Signal(9));
    assert_eq!(s.plan(), "retry job-1: retry_asked");
    s.ok_all().run();
    assert_eq!(s.taken(), "job-1 running on a-1-2 attempt 2");
    s.gone(2, Exit::Signal(9));
    s.plan();
    s.ok_all();
    assert_eq!(s.ends(), "job-1 failed: agent_lost");
}
