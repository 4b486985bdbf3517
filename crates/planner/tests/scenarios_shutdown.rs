//! What becomes of agents when the daemon ends: they stay, leave once they are idle, or are
//! destroyed.

mod common;

use common::Scenario;
use headcount_model::{Answer, Shutdown, TroubleKind};
use headcount_planner::Operator;

const THREE: &str = "scaler d max=3 labels=linux jobs=9 keep=1 idle=60";

/// One agent that works, one that is idle.
fn two() -> Scenario {
    let mut s = Scenario::new(THREE);
    s.jobs("linux", 1).run();
    s.bring_up();
    s
}

fn end(s: &mut Scenario, how: Shutdown) -> Answer {
    s.operator(Operator::Shutdown(how))
}

#[test]
fn left_alone_they_stay() {
    let mut s = two();
    assert_eq!(end(&mut s, Shutdown::Leave), Answer::Applied);
    assert_eq!(end(&mut s, Shutdown::Leave), Answer::Known);
    assert_eq!(s.plan(), "");
}

#[test]
fn drained_the_idle_leave_now_and_the_others_after_their_job() {
    let mut s = two();
    assert_eq!(end(&mut s, Shutdown::Drain), Answer::Applied);
    assert_eq!(s.plan(), "drain a-1-1: shutdown");
    s.ok_all();
    assert_eq!(s.exit(2, 1, 1, 0), Answer::Applied);
    assert!(s.plan().contains("drain a-1-2: shutdown"), "{}", s.plan());
    assert_eq!(end(&mut s, Shutdown::Leave), Answer::Known, "no way back");
}

#[test]
fn drained_what_starts_is_given_up() {
    let mut s = Scenario::new(THREE);
    s.plan();
    s.ok_all();
    end(&mut s, Shutdown::Drain);
    assert_eq!(s.plan().lines().next(), Some("destroy a-1-1: shutdown"));
}

#[test]
fn destroyed_all_go_whatever_they_do_and_what_fails_is_tried_again() {
    let mut s = two();
    end(&mut s, Shutdown::Drain);
    s.plan();
    assert_eq!(end(&mut s, Shutdown::Destroy), Answer::Applied);
    assert_eq!(
        s.plan(),
        "destroy a-1-1: shutdown\n\
         destroy a-1-2: shutdown"
    );
    s.fail("destroy a-1-1", TroubleKind::Unknown);
    s.ok("destroy a-1-2");
    assert!(s.plan().contains("complete job-1: agent_lost"));
    s.ok_all();
    assert_eq!(s.wake().plan(), "destroy a-1-1: shutdown");
    s.ok_all();
    assert_eq!(s.world.agents().count(), 0);
}

#[test]
fn workers_are_not_drained_and_are_destroyed() {
    let mut s = Scenario::new("scaler w max=1 worker=/bin/w labels=work keep=1");
    s.plan();
    s.ok_all();
    s.running(1);
    end(&mut s, Shutdown::Drain);
    assert_eq!(s.plan(), "");
    end(&mut s, Shutdown::Destroy);
    assert_eq!(s.plan(), "destroy a-1-1: shutdown");
}
