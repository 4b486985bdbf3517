//! Agents that register, lose their connection, come back and are lost: what is believed
//! of whom, and what becomes of their jobs.

mod common;

use std::time::Duration;

use common::{Scenario, agent, digest};
use headcount_model::{AgentPhase, Answer, LinkEvent, Refusal, TroubleKind};
use headcount_planner::News;

const ONE: &str = "scaler d max=1 labels=linux";

fn register(s: &mut Scenario, number: u32, token: u8, session: u8) -> Answer {
    s.tell(News::Link(LinkEvent::Registered {
        agent: agent(number),
        token: digest(token),
        session: digest(session),
    }))
}

fn created() -> Scenario {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    s.ok_all();
    s
}

#[test]
fn a_token_is_good_for_one_registration() {
    let mut s = created();
    assert_eq!(
        register(&mut s, 1, 9, 50),
        Answer::Refused(Refusal::BadToken)
    );
    assert_eq!(register(&mut s, 1, 1, 50), Answer::Applied);
    assert_eq!(register(&mut s, 1, 1, 50), Answer::Known, "a lost answer");
    assert_eq!(
        register(&mut s, 1, 1, 51),
        Answer::Refused(Refusal::TokenUsed)
    );
    assert_eq!(
        register(&mut s, 1, 9, 50),
        Answer::Refused(Refusal::TokenUsed)
    );
    assert_eq!(
        register(&mut s, 2, 1, 50),
        Answer::Refused(Refusal::UnknownAgent)
    );
}

#[test]
fn every_token_minted_for_an_agent_is_good_until_one_is_used() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    assert_eq!(s.tell(News::Minted(agent(1), digest(77))), Answer::Applied);
    s.ok_all();
    let late = News::Minted(agent(1), digest(78));
    assert_eq!(s.tell(late), Answer::Refused(Refusal::Contradiction));
    assert_eq!(register(&mut s, 1, 77, 50), Answer::Applied);
    assert_eq!(
        register(&mut s, 1, 1, 50),
        Answer::Refused(Refusal::TokenUsed)
    );
}

#[test]
fn an_agent_may_register_before_its_creation_is_answered() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    assert_eq!(s.register(1), Answer::Applied);
    assert_eq!(
        s.plan().lines().next(),
        Some("take 1 of [linux] from queue: assigning")
    );
    s.ok_all();
    assert_eq!(s.in_phase(AgentPhase::Ready), [1]);
}

#[test]
fn a_registered_agent_exists_whatever_its_backend_believes() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    s.register(1);
    s.fail("create", TroubleKind::Transient);
    assert_eq!(s.in_phase(AgentPhase::Ready), [1]);
}

#[test]
fn who_comes_back_in_time_goes_on() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    assert_eq!(s.disconnect(1), Answer::Applied);
    assert_eq!(s.disconnect(1), Answer::Known);
    assert_eq!(s.plan(), "wake in 120s: recovery_deadline");
    assert_eq!(s.agents(), "a-1-1 ready: connection_lost");
    s.wait(Duration::from_secs(119));
    assert_eq!(s.resume(1, &[(1, 1)]), Answer::Applied);
    assert_eq!(s.resume(1, &[(1, 1)]), Answer::Known);
    assert_eq!(s.plan(), "");
    assert_eq!(s.exit(1, 1, 1, 0), Answer::Applied);
}

#[test]
fn nobody_resumes_with_another_session() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    s.disconnect(1);
    let resumed = News::Link(LinkEvent::Resumed {
        agent: agent(1),
        session: digest(1),
        held: Vec::new(),
    });
    assert_eq!(s.tell(resumed), Answer::Refused(Refusal::BadSession));
    assert_eq!(s.agents(), "a-1-1 ready: connection_lost");
}

#[test]
fn who_does_not_come_back_is_lost_and_its_job_waits_for_confirmed_absence() {
    let mut s = Scenario::new(ONE);
    s.jobs_with("linux", 1, |queued| queued.info.retries_left = 1)
        .run();
    s.disconnect(1);
    s.wait(Duration::from_secs(120));
    assert_eq!(s.plan(), "destroy a-1-1: agent_lost");
    assert_eq!(s.taken(), "job-1 lost on a-1-1 attempt 1");
    s.fail("destroy", TroubleKind::Unknown);
    assert_eq!(s.plan(), "wake in 0.2s: retry");
    assert_eq!(
        s.taken(),
        "job-1 lost on a-1-1 attempt 1",
        "it may still run"
    );
    s.wake().plan();
    s.ok_all();
    assert_eq!(s.plan(), "retry job-1: retry_asked");
}

/// Vector D5, otherwise than the original, which then counts zero and forgets what may
/// still run.
#[test]
fn d5_a_destruction_that_fails_counts_and_is_tried_later_and_later() {
    let mut s = created();
    s.wait(Duration::from_secs(300)).plan();
    for seconds in ["0.2", "0.4", "0.8", "1.6", "3.2"] {
        s.fail("destroy", TroubleKind::Transient);
        assert_eq!(s.world.agents().count(), 1, "it may still run");
        let plan = s.plan();
        let wake = plan.lines().last().unwrap();
        match seconds {
            "0.2" | "0.4" => assert_eq!(wake, format!("wake in {seconds}s: retry")),
            _ => assert!(s.last.wake_at.is_some(), "{plan}"),
        }
        s.wait(Duration::from_millis(
            (seconds.parse::<f64>().unwrap() * 1000.0) as u64,
        ));
        assert!(s.plan().starts_with("destroy a-1-1: launch_deadline"));
    }
}

#[test]
fn a_result_of_a_lost_agent_comes_too_late() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    s.disconnect(1);
    s.wait(Duration::from_secs(120)).plan();
    assert_eq!(
        s.resume(1, &[(1, 1)]),
        Answer::Refused(Refusal::AgentLeaving)
    );
    assert_eq!(s.exit(1, 1, 1, 0), Answer::Refused(Refusal::TooLate));
    s.ok_all().plan();
    s.ok_all();
    assert_eq!(s.ends(), "job-1 failed: agent_lost");
    assert_eq!(
        s.exit(1, 1, 1, 0),
        Answer::Known,
        "forgotten: it may forget it too"
    );
}

#[test]
fn who_holds_an_attempt_of_somebody_else_is_fenced_off_whole() {
    let mut s = Scenario::new("scaler d max=2 labels=linux");
    s.jobs("linux", 2).run();
    s.disconnect(1);
    assert_eq!(
        s.resume(1, &[(1, 1), (2, 1)]),
        Answer::Refused(Refusal::NotYours)
    );
    assert_eq!(s.resume(1, &[(1, 2)]), Answer::Refused(Refusal::NotYours));
    s.plan();
    assert!(s.agents().starts_with("a-1-1 ready: connection_lost"));
}

#[test]
fn what_an_agent_holds_it_has_claimed() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up().hand_out();
    s.disconnect(1);
    assert_eq!(s.resume(1, &[(1, 1)]), Answer::Applied);
    assert_eq!(s.taken(), "job-1 running on a-1-1 attempt 1");
    assert_eq!(s.claim(1, 1, 1), Answer::Known);
}

#[test]
fn what_an_agent_does_not_hold_it_does_not_run() {
    let mut s = Scenario::new("scaler d max=1 labels=linux jobs=9 idle=60");
    s.jobs("linux", 1).run();
    s.disconnect(1);
    s.outside.stops(agent(1));
    assert_eq!(s.resume(1, &[]), Answer::Applied);
    assert_eq!(s.plan().lines().next(), Some("complete job-1: agent_lost"));
    assert_eq!(s.agents(), "a-1-1 ready: idle_time");
}

#[test]
fn a_claim_whose_grant_was_lost_is_not_taken_for_a_lost_job() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    s.disconnect(1);
    assert_eq!(s.resume_claiming(1, &[], &[(1, 1)]), Answer::Applied);
    assert_eq!(s.plan(), "");
    assert_eq!(s.taken(), "job-1 running on a-1-1 attempt 1");
    assert_eq!(s.claim(1, 1, 1), Answer::Known, "granted again");
    assert_eq!(s.exit(1, 1, 1, 0), Answer::Applied);
}

#[test]
fn a_claim_that_was_never_granted_fences_nobody_off() {
    let mut s = Scenario::new("scaler d max=2 labels=linux");
    s.jobs("linux", 2).run();
    s.disconnect(1);
    assert_eq!(s.resume_claiming(1, &[(1, 1)], &[(2, 1)]), Answer::Applied);
    assert_eq!(
        s.claim(1, 2, 1),
        Answer::Refused(Refusal::NotYours),
        "it is somebody else's by now"
    );
}

#[test]
fn an_offer_into_a_broken_connection_is_made_again() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up().hand_out();
    s.wait(Duration::from_secs(4));
    s.disconnect(1);
    s.wait(Duration::from_secs(9)).plan();
    s.wait(Duration::from_millis(500));
    s.resume(1, &[]);
    assert_eq!(s.plan(), "assign job-1 attempt 1 to a-1-1: assigning");
    s.ok_all();
    assert_eq!(
        s.plan(),
        "wake in 10s: claim_deadline",
        "the time to claim starts anew"
    );
}

#[test]
fn a_connection_that_flaps_gives_nobody_a_second_agent_for_its_running_job() {
    let mut s = Scenario::new("scaler d max=3 labels=linux");
    s.jobs("linux", 1).run();
    for _ in 0..5 {
        s.disconnect(1);
        assert_eq!(s.plan(), "wake in 120s: recovery_deadline");
        s.wait(Duration::from_secs(30));
        s.resume(1, &[(1, 1)]);
        assert_eq!(s.plan(), "");
    }
}

#[test]
fn a_waiting_job_does_not_wait_for_a_broken_connection() {
    let mut s = Scenario::new("scaler d max=2 labels=linux jobs=9 idle=600");
    s.jobs("linux", 1).run();
    s.exit(1, 1, 1, 0);
    s.plan();
    s.ok_all();
    s.disconnect(1);
    s.jobs("linux", 1);
    assert_eq!(
        s.plan(),
        "create a-1-2 in d/linux: demand_waiting\n\
         linux wait: 1 agent_starting in d/linux\n\
         wake in 120s: recovery_deadline"
    );
}
