//! Launches that fail, hang or are doubtful.

mod common;

use std::time::Duration;

use common::{Scenario, agent};
use headcount_model::{AgentPhase, Answer, BackendEvent, BackendId, Exit, TroubleKind};
use headcount_planner::{Effect, News};

const ONE: &str = "scaler d max=1 labels=linux";
const FOUR: &str = "scaler d max=4 labels=linux open-after=3";

fn failures(s: &Scenario) -> u32 {
    s.world.pools().map(|pool| pool.backoff.failures).sum()
}

#[test]
fn failed_launches_wait_longer_and_longer_then_one_probe_at_a_time() {
    let mut s = Scenario::new(FOUR);
    s.jobs("linux", 3);
    let mut launched = Vec::new();
    let mut waits = Vec::new();
    for _ in 0..5 {
        s.plan();
        launched.push(s.outside.pending.len());
        while !s.outside.pending.is_empty() {
            s.fail("create", TroubleKind::Transient);
        }
        let plan = s.plan();
        waits.push(plan.lines().last().unwrap().to_owned());
        s.wake();
    }
    assert_eq!(launched, [3, 3, 3, 1, 1], "launches of one wave count once");
    assert_eq!(
        waits,
        [
            "wake in 1s: launch_backoff",
            "wake in 2s: launch_backoff",
            "wake in 4s: launch_backoff",
            "wake in 8s: launch_backoff",
            "wake in 16s: launch_backoff",
        ]
    );
    assert_eq!(
        s.plan(),
        "create a-1-12 in d/linux: demand_waiting\n\
         linux wait: 1 agent_starting in d/linux, 2 circuit_open in d/linux\n\
         d/linux grows by 1 of 3: circuit_open"
    );
    s.ok_all();
    s.register(12);
    assert_eq!(failures(&s), 0, "the circuit is closed");
    assert!(
        s.plan()
            .contains("create a-1-14 in d/linux: demand_waiting")
    );
}

#[test]
fn a_backend_without_room_is_left_alone_as_long_as_it_asks() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    let asked = Some(Duration::from_secs(40));
    s.fail("create", TroubleKind::NoCapacity(asked));
    assert_eq!(s.plan().lines().last(), Some("wake in 40s: launch_backoff"));
}

#[test]
fn other_pools_take_over_while_one_backs_off() {
    let mut s = Scenario::new("scaler a labels=linux\nscaler b labels=linux,docker");
    s.jobs("linux", 1).plan();
    s.fail("create", TroubleKind::Transient);
    assert_eq!(
        s.plan(),
        "create a-1-2 in b/docker+linux: demand_waiting\n\
         linux wait: 1 agent_starting in b/docker+linux\n\
         a/linux grows by 0 of 1: launch_backoff\n\
         wake in 1s: launch_backoff"
    );
}

#[test]
fn what_an_instance_waits_for_is_said_by_the_launch_that_fails_for_it() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    s.ok("create");
    let told = |why: Option<&str>| {
        let event = BackendEvent::Waiting(agent(1), why.map(str::to_owned));
        News::Backend(BackendId::new("bare-metal"), event)
    };
    assert_eq!(s.tell(told(Some("no room"))), Answer::Applied);
    assert_eq!(s.tell(told(Some("no room"))), Answer::Known);
    let waits = |s: &Scenario| {
        s.world
            .agent(agent(1))
            .unwrap()
            .waits_for()
            .map(str::to_owned)
    };
    assert_eq!(waits(&s).as_deref(), Some("no room"));
    assert_eq!(s.tell(told(None)), Answer::Applied);
    assert_eq!(waits(&s), None);
    s.tell(told(Some("no image")));
    s.at(300).plan();
    let failed = s
        .world
        .failures()
        .after(0)
        .map(|failure| failure.message.clone());
    assert_eq!(
        failed.collect::<Vec<_>>(),
        ["agent a-1-1 was not ready within the launch deadline: no image"]
    );
}

#[test]
fn a_creation_of_unknown_outcome_is_looked_up_and_counts_until_then() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    s.fail("create", TroubleKind::Unknown);
    assert_eq!(s.world.agents().count(), 1, "it may exist");
    assert_eq!(
        s.plan(),
        "list bare-metal: confirm\n\
         linux wait: 1 agent_starting in d/linux\n\
         wake in 300s: launch_deadline"
    );
    s.ok_all();
    assert_eq!(s.world.agents().count(), 0, "it does not");
    assert_eq!(failures(&s), 1);
}

#[test]
fn what_an_unclear_creation_said_is_why_its_launch_failed() {
    for (exit, told) in [
        (Exit::Unknown, "it did not work"),
        (
            Exit::Code(3),
            "agent a-1-1 ended with code 3 before it was of use",
        ),
    ] {
        let mut s = Scenario::new(ONE);
        s.jobs("linux", 1).plan();
        s.fail("create", TroubleKind::Unknown).gone(1, exit);
        let failed = s.world.failures().after(0);
        let failed = failed.map(|failure| failure.message.as_str());
        assert_eq!(failed.collect::<Vec<_>>(), [told]);
    }
}

#[test]
fn a_creation_of_unknown_outcome_that_worked_goes_on() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    s.stranger(1, "d/linux");
    s.fail("create", TroubleKind::Unknown).plan();
    s.ok_all();
    assert_eq!(s.in_phase(AgentPhase::Starting), [1]);
    assert_eq!(s.register(1), Answer::Applied);
    assert_eq!(failures(&s), 0);
}

/// What the launches that failed are told to have failed for.
fn told(s: &Scenario) -> Vec<String> {
    let failed = s.world.failures().after(0);
    failed.map(|failure| failure.message.clone()).collect()
}

#[test]
fn what_an_unclear_creation_said_is_kept_until_its_agent_is_of_use() {
    let unclear = |s: &Scenario| {
        let agent = s.world.agent(agent(1))?;
        agent.unclear().map(str::to_owned)
    };
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    s.stranger(1, "d/linux");
    s.fail("create", TroubleKind::Unknown).plan();
    assert_eq!(unclear(&s).as_deref(), Some("it did not work"));
    s.ok_all();
    assert_eq!(s.in_phase(AgentPhase::Starting), [1]);
    assert_eq!(unclear(&s).as_deref(), Some("it did not work"));
    let mut vanishes = s.restart(ONE);
    assert_eq!(unclear(&vanishes), None, "it is not written down");
    vanishes.gone(1, Exit::Unknown);
    assert_eq!(
        told(&vanishes),
        ["agent a-1-1 ended, nobody saw how, before it was of use"]
    );
    s.register(1);
    assert_eq!(unclear(&s), None);
}

#[test]
fn what_a_list_showed_once_and_no_more_failed_for_what_its_creation_said() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    s.stranger(1, "d/linux");
    s.fail("create", TroubleKind::Unknown).plan();
    s.ok_all();
    s.outside.instances.clear();
    s.missed();
    s.plan();
    s.ok_all();
    assert_eq!(told(&s), ["it did not work"]);
}

#[test]
fn what_was_said_to_be_created_and_no_list_shows_is_told_as_that() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    s.ok("create");
    s.outside.instances.clear();
    s.missed();
    s.plan();
    s.ok_all();
    assert_eq!(
        told(&s),
        ["agent a-1-1 was said to be created, and no list shows it"]
    );
}

#[test]
fn an_agent_that_ends_before_its_creation_is_answered_is_noticed_at_once() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    let create = s.take_pending("create");
    let answer = s.outside.carry_out(create, s.now).pop().unwrap();
    s.gone(1, Exit::Code(127));
    s.tell(answer);
    assert_eq!(
        s.plan(),
        "list bare-metal: confirm\n\
         linux wait: 1 agent_starting in d/linux\n\
         wake in 300s: launch_deadline"
    );
    s.ok_all();
    assert_eq!(s.world.agents().count(), 0);
    let last = s.world.pools().next().unwrap().backoff.last.clone();
    assert_eq!(
        last.unwrap().1,
        "agent a-1-1 ended with code 127 before it was of use"
    );
}

#[test]
fn an_answered_effect_is_no_longer_in_flight() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    assert_eq!(
        s.world.agent(agent(1)).unwrap().effect(),
        Effect::InFlight(0)
    );
    s.register(1);
    s.ok_all();
    assert_eq!(s.world.agent(agent(1)).unwrap().effect(), Effect::None);
}

#[test]
fn agents_kept_ready_count_in_every_cap_and_reserve_what_they_ask_for() {
    let mut s = Scenario::new("scaler d labels=linux");
    s.configure("fleet max=3\nscaler d max=9 labels=linux keep=4");
    assert_eq!(
        s.plan(),
        "create a-1-1 in d/linux: keep_ready\n\
         create a-1-2 in d/linux: keep_ready\n\
         create a-1-3 in d/linux: keep_ready\n\
         d/linux grows by 3 of 4: fleet_at_max_agents"
    );
    let mut s = Scenario::new("scaler d labels=linux");
    s.configure("scaler d cpu=2000 request-cpu=1000 labels=linux keep=4");
    assert_eq!(
        s.plan(),
        "create a-1-1 in d/linux: keep_ready\n\
         create a-1-2 in d/linux: keep_ready\n\
         d/linux grows by 2 of 4: scaler_cpu_cap"
    );
}

#[test]
fn agents_kept_ready_that_keep_failing_are_not_made_without_end() {
    let mut s = Scenario::new("scaler d labels=linux");
    s.configure("scaler d labels=linux keep=2 open-after=2");
    let mut launched = Vec::new();
    for _ in 0..4 {
        s.plan();
        launched.push(s.outside.pending.len());
        while !s.outside.pending.is_empty() {
            s.fail("create", TroubleKind::Transient);
        }
        s.plan();
        s.wake();
    }
    assert_eq!(launched, [2, 2, 1, 1]);
}
