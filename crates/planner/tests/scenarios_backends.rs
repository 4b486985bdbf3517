//! Backends: lists that fail, are late or show what nobody knows, and
//! room that is asked for and given back.

mod common;

use common::Scenario;
use headcount_model::{AgentPhase, Exit, TroubleKind};
use headcount_planner::plan;

const ONE: &str = "scaler d max=1 labels=linux";

fn failures(s: &Scenario) -> u32 {
    s.world.pools().map(|pool| pool.backoff.failures).sum()
}

#[test]
fn a_list_asked_for_before_a_creation_says_nothing_of_it() {
    let mut s = Scenario::started(ONE);
    s.jobs("linux", 1);
    s.plan();
    s.ok("refresh").plan();
    let empty = s.take_pending("list");
    s.ok("create");
    let answer = headcount_planner::Answered::List(
        headcount_model::BackendId::new("bare-metal"),
        Ok(headcount_model::Listing {
            instances: Vec::new(),
        }),
    );
    drop(empty);
    s.tell(headcount_planner::News::Answered(answer));
    assert_eq!(s.in_phase(AgentPhase::Starting), [1]);
}

#[test]
fn a_failed_list_is_never_zero_and_nothing_is_removed_meanwhile() {
    let mut s = Scenario::new("scaler d max=2 labels=linux keep=2");
    s.bring_up();
    s.configure("scaler d max=2 labels=linux");
    s.missed();
    s.plan();
    for seconds in ["0.2", "0.4", "0.8", "1.6"] {
        s.fail("list", TroubleKind::Transient);
        assert_eq!(s.plan(), format!("wake in {seconds}s: retry"));
        assert_eq!(
            s.agents(),
            "a-1-1 ready: facts_stale\na-1-2 ready: facts_stale"
        );
        assert_eq!(s.wake().plan(), "list bare-metal: facts_missing");
    }
    s.ok_all();
    assert_eq!(
        s.plan(),
        "drain a-1-1: surplus_idle\n\
         drain a-1-2: surplus_idle"
    );
}

#[test]
fn events_missed_while_a_list_is_under_way_need_another() {
    let mut s = Scenario::started(ONE);
    s.plan();
    s.missed();
    s.ok_all();
    assert_eq!(s.plan(), "list bare-metal: facts_missing");
    s.ok_all();
    assert_eq!(s.plan(), "");
}

#[test]
fn an_agent_that_ended_while_a_list_was_under_way_is_no_stranger() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up();
    s.missed();
    s.plan();
    let backend = headcount_model::BackendId::new("bare-metal");
    let shows_it = s.outside.listing(&backend);
    s.take_pending("list");
    s.gone(1, Exit::Code(0));
    let answer = headcount_planner::Answered::List(backend, Ok(shows_it));
    s.tell(headcount_planner::News::Answered(answer));
    let backend = s.world.backends().next().unwrap();
    assert!(backend.strangers.is_empty(), "{:?}", backend.strangers);
}

#[test]
fn an_instance_that_vanished_while_it_started_is_a_failed_launch() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    s.ok_all();
    s.outside.instances.clear();
    s.missed();
    s.plan();
    s.ok_all();
    assert_eq!((s.world.agents().count(), failures(&s)), (0, 1));
}

#[test]
fn what_ended_and_left_something_behind_is_cleaned_up() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    for (_, state) in s.outside.instances.values_mut() {
        *state = headcount_model::InstanceState::Ended(Exit::Code(1));
    }
    s.missed();
    s.plan();
    s.ok_all();
    assert_eq!(s.plan(), "destroy a-1-1: ended_itself");
    s.ok_all();
    assert_eq!(s.plan(), "complete job-1: agent_lost");
}

#[test]
fn strangers_count_in_caps_and_are_reaped_after_a_grace() {
    let mut s = Scenario::started("fleet max=2\nscaler d labels=linux");
    s.stranger(70, "d/linux").stranger(71, "gone/mac");
    s.plan();
    s.ok_all();
    s.jobs("linux", 1);
    assert_eq!(
        s.plan(),
        "linux wait: 1 fleet_at_max_agents in d/linux\n\
         d/linux grows by 0 of 1: fleet_at_max_agents\n\
         wake in 60s: reap_grace"
    );
    assert_eq!(
        s.wake().plan(),
        "reap a-1-70 in bare-metal: unknown_instance\n\
         reap a-1-71 in bare-metal: unknown_instance\n\
         linux wait: 1 fleet_at_max_agents in d/linux\n\
         d/linux grows by 0 of 1: fleet_at_max_agents"
    );
    s.ok("reap a-1-70");
    s.fail("reap a-1-71", TroubleKind::Transient);
    assert_eq!(
        s.plan(),
        "create a-1-1 in d/linux: demand_waiting\n\
         linux wait: 1 agent_starting in d/linux\n\
         wake in 0.2s: retry"
    );
}

#[test]
fn while_its_backend_is_unknown_a_pool_adds_within_caps_that_count_everybody() {
    let mut s = Scenario::started("scaler d max=2 labels=linux");
    s.jobs("linux", 3).plan();
    s.fail("list", TroubleKind::Transient);
    s.ok("refresh");
    assert_eq!(
        s.plan(),
        "create a-1-1 in d/linux: demand_waiting\n\
         create a-1-2 in d/linux: demand_waiting\n\
         linux wait: 2 agent_starting in d/linux, 1 scaler_at_max_agents in d/linux\n\
         d/linux grows by 2 of 3: scaler_at_max_agents\n\
         wake in 0.2s: retry"
    );
}

#[test]
fn what_somebody_else_left_is_found_by_looking_again_while_agents_exist() {
    let mut s = Scenario::new("fleet recheck=300\nscaler d max=9 labels=linux");
    assert_eq!(
        s.plan(),
        "wake in 3600s: recheck",
        "no agents, a long sleep"
    );
    s.jobs("linux", 1).run();
    assert_eq!(s.plan(), "wake in 300s: recheck");
    s.stranger(70, "d/linux");
    assert_eq!(s.wake().plan(), "list bare-metal: recheck");
    assert_eq!(s.plan(), "", "its answer comes first");
    s.ok_all();
    assert_eq!(s.plan(), "wake in 60s: reap_grace");
    assert_eq!(
        s.wake().plan(),
        "reap a-1-70 in bare-metal: unknown_instance\nwake in 240s: recheck"
    );
    s.ok_all();
    assert_eq!(s.wake().plan(), "list bare-metal: recheck");
}

#[test]
fn after_the_last_agent_has_left_it_is_looked_once_more() {
    let mut s = Scenario::new("fleet recheck=300\nscaler d max=9 labels=linux");
    s.jobs("linux", 1).run();
    s.exit(1, 1, 1, 0);
    s.plan();
    s.ok_all();
    s.gone(1, Exit::Code(0));
    assert_eq!(s.plan(), "wake in 300s: recheck");
    assert_eq!(s.wake().plan(), "list bare-metal: recheck");
    s.ok_all();
    assert_eq!(s.plan(), "wake in 3600s: recheck");
}

/// A ledger from a backup, and a provider whose first list was an old one.
#[test]
fn what_the_first_list_did_not_show_is_found_although_there_are_no_agents() {
    let mut s = Scenario::new("fleet recheck=300\nscaler d max=9 labels=linux");
    s.plan();
    s.stranger(70, "d/linux");
    assert_eq!(s.wake().plan(), "list bare-metal: recheck");
    s.ok_all();
    assert_eq!(s.plan(), "wake in 60s: reap_grace");
}

/// The first agent after a long sleep: nobody was there to look at, so looking is not late.
#[test]
fn the_first_agent_after_a_long_sleep_is_looked_at_in_its_own_time() {
    let mut s = Scenario::new("fleet recheck=300\nscaler d max=9 labels=linux");
    s.at(1000);
    assert_eq!(s.plan(), "wake in 2600s: recheck");
    s.jobs("linux", 1);
    let first = s.plan();
    assert!(first.starts_with("create a-1-1 in d/linux"), "{first}");
    assert!(!first.contains("list bare-metal"), "{first}");
    let second = plan(&s.world, s.now);
    assert_eq!(second.actions, [], "the plan is in effect");
    s.ok_all();
    s.register(1);
    s.plan();
    s.ok_all();
    s.claim_all();
    let text = s.plan();
    assert!(text.ends_with("wake in 300s: recheck"), "{text}");
}

#[test]
fn a_list_for_another_reason_puts_the_next_look_off() {
    let mut s = Scenario::new("fleet recheck=300\nscaler d max=9 labels=linux keep=1");
    s.bring_up();
    assert_eq!(s.plan(), "wake in 300s: recheck");
    s.at(200).missed();
    assert_eq!(s.plan(), "list bare-metal: facts_missing");
    s.ok_all();
    assert_eq!(s.plan(), "wake in 300s: recheck");
    s.wake().plan();
    s.fail("list", TroubleKind::Transient);
    assert_eq!(s.plan(), "wake in 0.2s: retry", "it did not look");
}
