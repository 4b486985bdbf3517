//! Sources: what they tell late, twice or not at all, what they hand out, and what they
//! are told.

mod common;

use common::{Scenario, agent, class, job, source};
use headcount_model::{Answer, Exit, SourceEvent, TroubleKind};
use headcount_planner::News;

const ONE: &str = "scaler d max=1 labels=linux";
const FOUR: &str = "scaler d max=4 labels=linux";

#[test]
fn a_source_that_does_not_expire_jobs_is_not_asked_without_pause() {
    let mut s = Scenario::new("scaler d labels=mac");
    let at = s.now;
    s.jobs_with("linux", 1, |queued| queued.expires = Some(at));
    s.plan();
    s.take_pending("end waiting");
    let answer = headcount_planner::Answered::EndWaiting(class("linux"), Ok(()));
    s.tell(News::Answered(answer));
    assert_eq!(
        s.plan(),
        "linux wait: 1 no_matching_pool\n\
         wake in 0.2s: retry"
    );
}

#[test]
fn a_job_its_source_no_longer_knows_is_dropped() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up().plan();
    s.ok("take").plan();
    s.fail("assign", TroubleKind::Gone);
    assert_eq!(s.plan().lines().next(), Some("return job-1: slot_gone"));
    s.fail("return", TroubleKind::Gone);
    assert_eq!(s.taken(), "");
}

#[test]
fn a_source_that_does_not_hear_is_told_again_later_and_later() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    s.exit(1, 1, 1, 0);
    s.plan();
    s.ok("drain");
    s.gone(1, Exit::Code(0));
    for seconds in ["0.2", "0.4", "0.8", "1.6"] {
        s.fail("complete", TroubleKind::Transient);
        assert_eq!(s.plan(), format!("wake in {seconds}s: retry"));
        assert_eq!(s.wake().plan(), "complete job-1: done");
    }
    s.ok_all();
    assert_eq!(s.ends(), "job-1 succeeded");
}

#[test]
fn a_job_handed_out_again_before_its_return_was_answered_is_not_lost() {
    let mut s = Scenario::new("scaler d max=1 labels=linux jobs=9 idle=60");
    s.jobs("linux", 1).bring_up().hand_out();
    s.decline(1, 1, 1);
    s.plan();
    // The source has it back and says so, but its answer is still on the way.
    let back = s.take_pending("return");
    let mut told = s.outside.carry_out(back, s.now);
    let answer = told.pop().unwrap();
    for news in told {
        s.tell(news);
    }
    s.plan();
    s.ok("take");
    assert_eq!(s.taken(), "job-1 taken on a-1-1 attempt 1");
    // It is declined once more, and told to its source, before the old answer comes.
    s.plan();
    s.ok("assign");
    s.decline(1, 1, 1);
    s.plan();
    assert_eq!(s.tell(answer), Answer::Known);
    assert_eq!(s.taken(), "job-1 settling on a-1-1 attempt 1");
    s.ok("return");
    assert_eq!(s.taken(), "");
    assert_eq!(s.outside.waiting[&class("linux")][0].info.deliveries, 2);
}

#[test]
fn a_job_that_is_in_somebodys_hands_is_not_handed_out_twice() {
    let mut s = Scenario::new(FOUR);
    s.jobs("linux", 1).run();
    let (key, queued) = s.outside.taken[&job(1)].clone();
    s.outside
        .waiting
        .entry(key.clone())
        .or_default()
        .push_back(queued);
    let news = s.outside.changed(&key);
    s.tell(news);
    s.bring_up().plan();
    s.ok("take");
    assert_eq!(s.taken(), "job-1 running on a-1-1 attempt 1");
}

#[test]
fn more_jobs_than_asked_for_go_back() {
    let mut s = Scenario::new(FOUR);
    s.jobs("linux", 1).bring_up().plan();
    s.take_pending("take");
    s.jobs("linux", 2);
    let taken = s.outside.take(&class("linux"), 3);
    let answer = headcount_planner::Answered::Take(0, Ok(taken));
    s.tell(News::Answered(answer));
    assert_eq!(
        s.taken(),
        "job-1 taken on a-1-1 attempt 1\n\
         job-2 settling on a-1-1 attempt 1\n\
         job-3 settling on a-1-1 attempt 1"
    );
}

#[test]
fn fewer_jobs_than_asked_for_free_the_slot_again() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up().plan();
    s.outside.waiting.clear();
    s.ok("take");
    assert_eq!(s.plan(), "drain a-1-1: surplus_idle");
}

#[test]
fn a_taking_that_failed_is_not_repeated_without_pause() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).bring_up().plan();
    s.fail("take", TroubleKind::Transient);
    for seconds in ["0.2", "0.4", "0.8"] {
        assert_eq!(
            s.plan(),
            format!(
                "refresh queue: facts_missing\n\
                 linux wait: 1 source_unknown"
            ),
            "before {seconds}"
        );
        s.ok_all();
        assert_eq!(
            s.plan(),
            format!(
                "linux wait: 1 source_unknown\n\
                 wake in {seconds}s: retry"
            )
        );
        assert!(s.wake().plan().starts_with("take 1 of [linux]"));
        s.fail("take", TroubleKind::Transient);
    }
}

#[test]
fn demand_that_arrives_out_of_order_leaves_the_newest() {
    let mut s = Scenario::new(FOUR);
    let tell = |s: &mut Scenario, sample, waiting| {
        let count = headcount_model::ClassCount {
            waiting,
            ..Default::default()
        };
        s.tell(News::Source(
            source(),
            SourceEvent::Demand {
                sample,
                class: class("linux"),
                count,
            },
        ))
    };
    assert_eq!(tell(&mut s, 9, 2), Answer::Applied);
    assert_eq!(tell(&mut s, 8, 4), Answer::Known);
    assert_eq!(tell(&mut s, 9, 2), Answer::Known);
    s.plan();
    assert_eq!(s.world.agents().count(), 2);
}

#[test]
fn a_refresh_older_than_an_event_still_tells_of_other_classes() {
    let mut s = Scenario::started("scaler d labels=linux,docker");
    let before = s.outside.submit(&class("linux"), 2, s.now, |_| {});
    drop(before);
    let answer = s.outside.demand();
    s.plan();
    s.ok("list");
    s.take_pending("refresh");
    s.jobs("docker", 1);
    let refreshed = headcount_planner::Answered::Refresh(source(), Ok(answer));
    assert_eq!(s.tell(News::Answered(refreshed)), Answer::Applied);
    s.plan();
    assert_eq!(s.world.agents().count(), 3, "two and one");
}

#[test]
fn a_refresh_does_not_bring_back_what_emptied_meanwhile() {
    let mut s = Scenario::new(FOUR);
    s.jobs("linux", 1);
    let old = s.outside.demand();
    let silent = SourceEvent::Unknown("gone quiet".to_owned());
    s.tell(News::Source(source(), silent));
    s.plan();
    s.take_pending("refresh");
    s.outside.waiting.clear();
    let news = s.outside.changed(&class("linux"));
    s.tell(news);
    let refreshed = headcount_planner::Answered::Refresh(source(), Ok(old));
    s.tell(News::Answered(refreshed));
    assert_eq!(s.world.classes().count(), 0);
}

#[test]
fn a_silent_source_is_asked_later_and_later_and_nothing_is_removed() {
    let mut s = Scenario::new("scaler d labels=linux keep=1");
    s.bring_up();
    s.configure("scaler d labels=linux");
    let silent = SourceEvent::Unknown("gone quiet".to_owned());
    s.tell(News::Source(source(), silent));
    s.plan();
    for seconds in ["0.2", "0.4", "0.8"] {
        s.fail("refresh", TroubleKind::Transient);
        assert_eq!(s.plan(), format!("wake in {seconds}s: retry"));
        assert_eq!(s.agents(), "a-1-1 ready: facts_stale");
        assert_eq!(s.wake().plan(), "refresh queue: facts_missing");
    }
    s.ok_all();
    assert_eq!(s.plan(), "drain a-1-1: surplus_idle");
    assert_eq!(s.world.agent(agent(1)).unwrap().jobs(), []);
}

#[test]
fn a_source_that_falls_silent_while_it_is_asked_is_asked_again() {
    let mut s = Scenario::started(FOUR);
    s.plan();
    let silent = SourceEvent::Unknown("gone quiet".to_owned());
    s.tell(News::Source(source(), silent));
    s.ok_all();
    assert_eq!(s.plan(), "refresh queue: facts_missing");
}

/// It need not wait for the end of a long delay to be believed again.
#[test]
fn a_source_that_tells_again_is_asked_at_once() {
    let mut s = Scenario::new("scaler d labels=linux");
    let silent = SourceEvent::Unknown("gone quiet".to_owned());
    s.tell(News::Source(source(), silent));
    s.plan();
    s.fail("refresh", TroubleKind::Transient);
    assert_eq!(s.plan(), "wake in 0.2s: retry");
    let told = SourceEvent::Demand {
        sample: 1_000,
        class: class("linux"),
        count: Default::default(),
    };
    s.tell(News::Source(source(), told));
    assert_eq!(s.plan(), "refresh queue: facts_missing");
}
