//! Jobs in an agent's hands: offers, claims, cancels, results and retries.

mod common;

use std::time::Duration;

use common::{Scenario, class};
use headcount_model::{Answer, Exit, Outcome, Refusal, TroubleKind};

const ONE: &str = "scaler d max=1 labels=linux";
const FOUR: &str = "scaler d max=4 labels=linux";

#[test]
fn a_waiting_job_cancelled_by_its_source_is_no_longer_counted() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    s.outside.waiting.clear();
    let news = s.outside.changed(&class("linux"));
    s.tell(news);
    s.ok_all();
    s.register(1);
    assert_eq!(s.plan(), "drain a-1-1: surplus_idle");
}

#[test]
fn a_cancel_before_the_offer_settles_at_once() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up().plan();
    s.ok("take");
    assert_eq!(s.cancel(1), Answer::Applied);
    assert_eq!(
        s.plan(),
        "complete job-1: cancel_requested\n\
         drain a-1-1: surplus_idle"
    );
    s.ok_all();
    assert_eq!(s.ends(), "job-1 cancelled");
}

#[test]
fn a_cancel_while_the_job_is_on_its_way_is_remembered() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up().plan();
    assert_eq!(s.cancel(1), Answer::Applied);
    assert_eq!(s.cancel(1), Answer::Known);
    s.ok("take");
    assert_eq!(
        s.plan().lines().next(),
        Some("complete job-1: cancel_requested")
    );
}

#[test]
fn a_cancel_of_a_job_nobody_takes_is_not_ours() {
    let mut s = Scenario::new(ONE);
    assert_eq!(s.cancel(1), Answer::Refused(Refusal::NotYours));
}

#[test]
fn a_cancelled_offer_cannot_be_claimed() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up().hand_out();
    assert_eq!(s.cancel(1), Answer::Applied);
    assert_eq!(s.claim(1, 1, 1), Answer::Refused(Refusal::NotYours));
    assert_eq!(
        s.plan().lines().next(),
        Some("complete job-1: cancel_requested")
    );
}

#[test]
fn a_running_job_is_asked_to_end_and_its_agent_tells_how() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    assert_eq!(s.cancel(1), Answer::Applied);
    assert_eq!(s.cancel(1), Answer::Known);
    assert_eq!(s.plan(), "cancel job-1 on a-1-1: cancel_requested");
    s.ok_all();
    assert_eq!(s.plan(), "", "told once");
    s.finish(1, 1, 1, Outcome::Cancelled);
    s.plan();
    s.ok_all();
    assert_eq!(s.ends(), "job-1 cancelled");
}

#[test]
fn a_cancel_that_was_not_heard_is_said_again_later_and_later() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    s.cancel(1);
    s.plan();
    for seconds in ["0.2", "0.4", "0.8"] {
        s.fail("cancel", TroubleKind::Transient);
        assert_eq!(s.plan(), format!("wake in {seconds}s: retry"));
        assert_eq!(s.wake().plan(), "cancel job-1 on a-1-1: cancel_requested");
    }
}

#[test]
fn a_cancel_is_said_again_after_a_broken_connection() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    s.cancel(1);
    s.plan();
    s.ok_all();
    s.disconnect(1);
    assert_eq!(s.plan(), "wake in 120s: recovery_deadline");
    s.resume(1, &[(1, 1)]);
    assert_eq!(s.plan(), "cancel job-1 on a-1-1: cancel_requested");
}

#[test]
fn a_job_cancelled_while_its_agent_is_lost_ends_as_cancelled() {
    let mut s = Scenario::new(ONE);
    s.jobs_with("linux", 1, |queued| queued.info.retries_left = 3)
        .run();
    s.disconnect(1);
    s.wait(Duration::from_secs(120)).plan();
    assert_eq!(s.cancel(1), Answer::Applied);
    s.ok_all();
    assert_eq!(s.plan(), "complete job-1: cancel_requested");
}

#[test]
fn a_claim_whose_answer_was_lost_is_known() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    assert_eq!(s.claim(1, 1, 1), Answer::Known);
    assert_eq!(s.claim(1, 1, 2), Answer::Refused(Refusal::NotYours));
}

#[test]
fn only_the_agent_it_was_offered_to_may_claim_it() {
    let mut s = Scenario::new(FOUR);
    s.jobs("linux", 2).bring_up().hand_out();
    assert_eq!(s.claim(2, 1, 1), Answer::Refused(Refusal::NotYours));
    assert_eq!(s.claim(1, 1, 1), Answer::Applied);
}

#[test]
fn an_agent_that_claims_nothing_is_destroyed_and_the_job_goes_back() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up().hand_out();
    s.plan();
    assert_eq!(
        s.wake().plan(),
        "destroy a-1-1: unresponsive\n\
         return job-1: slot_gone"
    );
    assert_eq!(s.claim(1, 1, 1), Answer::Refused(Refusal::NotYours));
    s.ok_all();
    assert_eq!(
        s.plan(),
        "create a-1-2 in d/linux: demand_waiting\n\
         linux wait: 1 agent_starting in d/linux"
    );
}

#[test]
fn a_slow_ledger_is_not_held_against_an_agent() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up();
    s.plan();
    s.ok_all();
    assert_eq!(s.plan(), "assign job-1 attempt 1 to a-1-1: assigning");
    // The decision is half a minute in the writing; the offer goes out only then.
    s.at(30);
    assert_eq!(s.plan(), "");
    s.ok_all();
    assert_eq!(s.plan(), "wake in 10s: claim_deadline");
    assert_eq!(s.claim(1, 1, 1), Answer::Applied);
}

#[test]
fn an_agent_that_cannot_hear_keeps_its_life_but_not_the_offer() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up().hand_out();
    s.disconnect(1);
    assert_eq!(s.plan(), "wake in 10s: claim_deadline");
    assert_eq!(
        s.wake().plan(),
        "return job-1: slot_gone\n\
         wake in 110s: recovery_deadline"
    );
    assert_eq!(s.agents(), "a-1-1 ready: connection_lost");
}

#[test]
fn an_offer_that_is_never_handed_over_does_not_last_for_ever() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up().plan();
    s.ok("take");
    let from = s.now;
    s.plan();
    while s.taken().contains("assigned") {
        if !s.outside.pending.is_empty() {
            s.fail("assign", TroubleKind::Transient);
        }
        s.plan();
        if s.outside.pending.is_empty() {
            s.wake().plan();
        }
        assert!(
            s.now.since(from) <= Duration::from_secs(10),
            "{}",
            s.taken()
        );
    }
    assert_eq!(s.agents(), "a-1-1 destroying: unresponsive");
}

#[test]
fn a_refused_offer_goes_back_and_counts_as_a_delivery() {
    let mut s = Scenario::new("scaler d max=1 labels=linux jobs=9");
    s.jobs("linux", 1).bring_up().hand_out();
    assert_eq!(s.decline(1, 1, 1), Answer::Applied);
    assert_eq!(s.decline(1, 1, 1), Answer::Known);
    s.plan();
    s.ok("return");
    assert_eq!(s.outside.waiting[&class("linux")][0].info.deliveries, 1);
}

#[test]
fn a_result_is_recorded_once_and_repeats_are_known() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    assert_eq!(s.exit(1, 1, 1, 7), Answer::Applied);
    assert_eq!(
        s.exit(1, 1, 1, 0),
        Answer::Known,
        "what was told first stands"
    );
    s.plan();
    s.ok_all();
    assert_eq!(s.ends(), "job-1 failed: command_failed");
    assert_eq!(
        s.exit(1, 1, 1, 0),
        Answer::Known,
        "after it was settled too"
    );
}

#[test]
fn each_outcome_has_its_end() {
    for (outcome, end) in [
        (Outcome::Exited(Exit::Code(0)), "succeeded"),
        (Outcome::Exited(Exit::Code(3)), "failed: command_failed"),
        (Outcome::Exited(Exit::Signal(11)), "failed: command_failed"),
        (Outcome::TimedOut, "failed: timed_out"),
        (
            Outcome::NotStarted("no such file".into()),
            "failed: not_started",
        ),
        (Outcome::Cancelled, "cancelled"),
    ] {
        let mut s = Scenario::new(ONE);
        s.jobs("linux", 1).run();
        s.finish(1, 1, 1, outcome);
        s.plan();
        s.ok_all();
        assert_eq!(s.ends(), format!("job-1 {end}"));
    }
}

#[test]
fn a_failed_job_is_tried_again_as_often_as_it_asks() {
    let mut s = Scenario::new(FOUR);
    s.jobs_with("linux", 1, |queued| queued.info.retries_left = 1)
        .run();
    s.exit(1, 1, 1, 3);
    assert_eq!(s.plan().lines().next(), Some("retry job-1: retry_asked"));
    s.ok_all().run();
    assert_eq!(s.taken(), "job-1 running on a-1-2 attempt 2");
    s.exit(2, 1, 2, 3);
    s.plan();
    s.ok_all();
    assert_eq!(s.ends(), "job-1 failed: command_failed");
}

#[test]
fn a_job_that_outruns_its_own_timeout_by_far_ends_with_its_agent() {
    let mut s = Scenario::new(ONE);
    let minute = Some(Duration::from_secs(60));
    s.jobs_with("linux", 1, |queued| queued.info.timeout = minute)
        .run();
    assert_eq!(s.plan(), "wake in 120s: job_deadline");
    assert_eq!(s.wake().plan(), "destroy a-1-1: agent_lost");
    s.ok_all();
    assert_eq!(s.plan(), "complete job-1: agent_lost");
}
