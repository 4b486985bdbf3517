//! Removals that do not work: quarantined, counted, tried at a slow pace, and believed to
//! have worked only when that was said twice.

mod common;

use common::{Scenario, agent};
use headcount_model::{AgentPhase, BackendId, Exit, Reason, TroubleKind};
use headcount_planner::Operator;

const ONE: &str = "scaler d max=1 labels=linux";
const REFUSED: &str = "destroy a-1-1";

/// An agent that is about to be removed.
fn leaving() -> Scenario {
    let mut s = Scenario::new("scaler d max=2 labels=linux keep=1");
    s.bring_up();
    s.configure("scaler d max=2 labels=linux");
    s.plan();
    s.ok_all();
    s.plan();
    s.wake().plan();
    s
}

/// An agent that cannot be removed.
fn stuck() -> Scenario {
    let mut s = leaving();
    s.quarantine(REFUSED);
    s
}

fn phase(s: &Scenario) -> Option<AgentPhase> {
    s.world.agent(agent(1)).map(|agent| agent.phase())
}

#[test]
fn ten_failures_in_a_row_are_a_quarantine_and_then_it_is_tried_every_five_minutes() {
    let mut s = stuck();
    assert_eq!(s.plan(), "wake in 300s: retry");
    assert_eq!(s.agents(), "a-1-1 quarantined: quarantined");
    for _ in 0..3 {
        assert_eq!(s.wake().plan(), "destroy a-1-1: quarantined");
        s.fail(REFUSED, TroubleKind::Unknown);
        assert_eq!(s.plan(), "wake in 300s: retry");
    }
    let record = s.world.agent(agent(1)).unwrap().record();
    assert_eq!(record.leaves_for, Some(Reason::SurplusIdle));
    assert!(s.world.agent(agent(1)).unwrap().stays_for().is_some());
}

#[test]
fn what_is_quarantined_counts_in_every_cap_and_its_room_is_not_promised() {
    let mut s = stuck();
    s.configure(ONE);
    s.jobs("linux", 1);
    assert_eq!(
        s.plan(),
        "linux wait: 1 scaler_at_max_agents in d/linux\n\
         d/linux grows by 0 of 1: scaler_at_max_agents\n\
         wake in 300s: retry"
    );
}

#[test]
fn who_refuses_for_an_hour_is_tried_for_an_hour_and_believed_in_the_end() {
    let mut s = stuck();
    s.configure(ONE);
    s.jobs("linux", 1);
    for _ in 0..12 {
        s.plan();
        assert!(s.wake().plan().starts_with("destroy a-1-1: quarantined"));
        s.fail(REFUSED, TroubleKind::Transient);
        assert_eq!(s.agents(), "a-1-1 quarantined: quarantined", "nobody else");
    }
    s.plan();
    s.wake().plan();
    s.ok(REFUSED).plan();
    assert_eq!(s.agents(), "a-1-1 quarantined: quarantined", "said once");
    s.wake().plan();
    s.ok(REFUSED);
    assert_eq!(phase(&s), None);
    assert!(s.plan().starts_with("create a-1-2"), "its room is free");
}

#[test]
fn a_backend_that_wants_to_be_left_alone_is_and_that_is_no_failure() {
    let mut s = leaving();
    let rest = |seconds| Some(std::time::Duration::from_secs(seconds));
    for _ in 0..12 {
        s.fail(REFUSED, TroubleKind::NoCapacity(rest(600)));
        assert_eq!(s.plan(), "wake in 600s: retry");
        s.wake().plan();
    }
    assert_eq!(phase(&s), Some(AgentPhase::Destroying));
    s.fail(REFUSED, TroubleKind::NoCapacity(rest(0)));
    assert_eq!(s.plan(), "wake in 1s: retry", "never at once");
    s.wake().plan();
    s.quarantine(REFUSED);
    s.plan();
    s.wake().plan();
    s.fail(REFUSED, TroubleKind::NoCapacity(rest(600)));
    assert_eq!(phase(&s), Some(AgentPhase::Quarantined));
    assert_eq!(s.plan(), "wake in 600s: retry");
}

#[test]
fn its_end_must_be_said_twice_some_time_apart() {
    let mut s = stuck();
    s.plan();
    s.wake().plan();
    s.ok(REFUSED);
    assert_eq!(phase(&s), Some(AgentPhase::Quarantined), "said once");
    assert_eq!(s.plan(), "wake in 10s: retry");
    assert_eq!(s.wake().plan(), "destroy a-1-1: quarantined");
    s.ok(REFUSED);
    assert_eq!(phase(&s), None, "said twice");
    assert_eq!(s.plan(), "");
}

#[test]
fn lists_say_it_too_and_one_that_shows_it_undoes_what_was_said() {
    let mut s = stuck();
    let kept = s.outside.instances.clone();
    let look = |s: &mut Scenario| {
        s.missed();
        s.plan();
        s.ok_all();
    };
    s.outside.instances.clear();
    look(&mut s);
    assert_eq!(
        phase(&s),
        Some(AgentPhase::Quarantined),
        "one list lacks it"
    );
    s.outside.instances = kept;
    s.wait(std::time::Duration::from_secs(5));
    look(&mut s);
    s.outside.instances.clear();
    s.wait(std::time::Duration::from_secs(6));
    look(&mut s);
    assert_eq!(
        phase(&s),
        Some(AgentPhase::Quarantined),
        "it was shown between"
    );
    s.wait(std::time::Duration::from_secs(11));
    look(&mut s);
    assert_eq!(phase(&s), None, "said twice");
}

#[test]
fn a_word_that_it_ended_is_not_enough() {
    let mut s = stuck();
    s.gone(1, Exit::Code(0));
    assert_eq!(phase(&s), Some(AgentPhase::Quarantined));
    s.plan();
    s.wake().plan();
    s.ok(REFUSED);
    assert_eq!(phase(&s), None);
}

#[test]
fn a_failure_after_a_good_word_begins_anew() {
    let mut s = stuck();
    s.plan();
    s.wake().plan();
    s.ok(REFUSED).plan();
    s.wake().plan();
    s.fail(REFUSED, TroubleKind::Unknown);
    assert_eq!(s.plan(), "wake in 300s: retry");
    s.wake().plan();
    s.ok(REFUSED);
    assert_eq!(phase(&s), Some(AgentPhase::Quarantined));
}

#[test]
fn a_restart_tries_at_once_and_forgets_no_quarantine() {
    let s = stuck();
    let mut s = s.restart(ONE);
    assert_eq!(s.agents(), "a-1-1 quarantined: quarantined");
    assert!(s.plan().contains("destroy a-1-1: quarantined"));
    s.fail(REFUSED, TroubleKind::Transient);
    s.ok_all();
    assert!(s.plan().contains("wake in 300s: retry"));
}

#[test]
fn its_job_is_not_run_again_before_it_is_gone() {
    let mut s = Scenario::new(ONE);
    s.jobs_with("linux", 1, |job| job.info.retries_left = 1)
        .run();
    s.disconnect(1);
    s.plan();
    s.wake().plan();
    s.quarantine(REFUSED);
    s.plan();
    assert_eq!(s.last.report.jobs[0].1, Reason::AgentQuarantined);
    s.wake().plan();
    s.ok(REFUSED).plan();
    assert_eq!(s.taken(), "job-1 lost on a-1-1 attempt 1");
    s.wake().plan();
    s.ok(REFUSED);
    assert_eq!(s.plan().lines().next(), Some("retry job-1: retry_asked"));
}

#[test]
fn a_late_registration_is_refused() {
    let mut s = stuck();
    assert_eq!(
        s.resume(1, &[]),
        headcount_model::Answer::Refused(headcount_model::Refusal::AgentLeaving)
    );
}

#[test]
fn an_orphan_that_cannot_be_removed_is_tried_seldom_and_must_be_absent_twice() {
    let mut s = Scenario::started("fleet max=2\nscaler d labels=linux");
    s.stranger(70, "d/linux").plan();
    s.ok_all();
    s.plan();
    s.wake().plan();
    s.quarantine("reap a-1-70");
    assert_eq!(s.plan(), "wake in 300s: retry");
    let strangers = |s: &Scenario| {
        let backend = s.world.backends().next().unwrap();
        let all = backend.strangers.values();
        all.map(|it| it.removal.is_quarantined())
            .collect::<Vec<_>>()
    };
    assert_eq!(strangers(&s), [true]);
    s.wake().plan();
    s.ok("reap a-1-70");
    assert_eq!(strangers(&s), [true], "said once");
    s.plan();
    s.wake().plan();
    s.ok("reap a-1-70");
    assert_eq!(strangers(&s), []);
}

#[test]
fn a_person_need_not_wait_for_the_grace_of_an_orphan() {
    let mut s = Scenario::started("scaler d labels=linux");
    s.stranger(70, "d/linux").plan();
    s.ok_all();
    assert_eq!(s.plan(), "wake in 60s: reap_grace");
    let backend = BackendId::new("bare-metal");
    let reap = |n| Operator::Reap(backend.clone(), agent(n));
    use headcount_model::{Answer, Refusal};
    assert_eq!(s.operator(reap(71)), Answer::Refused(Refusal::UnknownAgent));
    assert_eq!(s.operator(reap(70)), Answer::Applied);
    assert_eq!(s.operator(reap(70)), Answer::Known);
    assert_eq!(s.plan(), "reap a-1-70 in bare-metal: unknown_instance");
}

#[test]
fn a_person_may_look_at_any_time_and_sees_what_is_there_now() {
    let mut s = Scenario::new("scaler d labels=linux");
    s.stranger(70, "d/linux");
    assert_eq!(s.plan(), "", "nobody looks");
    s.operator(Operator::Look);
    assert_eq!(s.plan(), "list bare-metal: facts_missing");
    s.operator(Operator::Look);
    s.ok_all();
    assert_eq!(
        s.plan().lines().next(),
        Some("list bare-metal: facts_missing"),
        "the list was asked for before"
    );
    s.ok_all();
    assert_eq!(s.plan(), "wake in 60s: reap_grace");
}
