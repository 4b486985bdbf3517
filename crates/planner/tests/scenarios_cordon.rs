//! Agents that a person keeps from new work.

mod common;

use common::{Scenario, agent};
use headcount_model::{Answer, Refusal};

const TWO: &str = "scaler d max=2 labels=linux jobs=9 keep=1";

#[test]
fn a_cordoned_agent_gets_no_job_and_another_takes_its_place() {
    let mut s = Scenario::new(TWO);
    s.bring_up();
    assert_eq!(s.cordon(1, false), Answer::Applied);
    assert_eq!(s.cordon(1, false), Answer::Known);
    assert_eq!(s.plan(), "create a-1-2 in d/linux: keep_ready");
    s.jobs("linux", 1);
    assert!(s.plan().contains("1 agent_starting in d/linux"));
    assert_eq!(
        s.agents(),
        "a-1-1 ready: cordoned\na-1-2 creating: keep_ready"
    );
}

#[test]
fn what_it_runs_goes_on_and_what_it_was_offered_may_be_claimed() {
    let mut s = Scenario::new("scaler d max=1 labels=linux jobs=9 slots=2");
    s.jobs("linux", 1).run();
    s.jobs("linux", 1).hand_out();
    s.cordon(1, false);
    assert_eq!(s.claim(1, 2, 1), Answer::Applied);
    s.jobs("linux", 1);
    assert!(s.plan().contains("1 scaler_at_max_agents"), "{}", s.plan());
    assert_eq!(s.exit(1, 1, 1, 0), Answer::Applied);
    assert_eq!(s.exit(1, 2, 1, 0), Answer::Applied);
    s.plan();
    s.ok_all();
    assert_eq!(s.agents(), "a-1-1 ready: cordoned");
    assert_eq!(s.cordon(1, true), Answer::Applied);
    assert_eq!(s.cordon(1, true), Answer::Known);
    assert!(s.plan().contains("take 1"), "{}", s.plan());
}

#[test]
fn a_job_on_its_way_to_it_goes_back() {
    let mut s = Scenario::new("scaler d max=1 labels=linux jobs=9");
    s.jobs("linux", 1).bring_up().plan();
    s.cordon(1, false);
    s.ok("take");
    assert!(s.plan().contains("return job-1"), "{}", s.plan());
}

#[test]
fn the_idle_rule_leaves_it_alone_and_its_end_of_life_does_not() {
    let mut s = Scenario::new("scaler d max=2 labels=linux jobs=9 idle=5 keep=1");
    s.bring_up();
    s.cordon(1, false);
    s.configure("scaler d max=2 labels=linux jobs=9 idle=5");
    s.plan();
    s.at(1000).plan();
    assert_eq!(s.agents().lines().next(), Some("a-1-1 ready: cordoned"));
    s.configure("scaler d max=2 labels=linux jobs=9 idle=5 agent=/other");
    assert!(s.plan().contains("drain a-1-1: outdated"), "{}", s.plan());
}

#[test]
fn a_restart_forgets_no_cordon() {
    let mut s = Scenario::new(TWO);
    s.bring_up();
    s.cordon(1, false);
    let touched = s.world.take_changes();
    assert!(touched.agents.iter().any(|agent| agent.cordoned));
    let mut s = s.restart(TWO);
    s.plan();
    s.ok_all();
    s.resume(1, &[]);
    s.plan();
    assert_eq!(s.agents().lines().next(), Some("a-1-1 ready: cordoned"));
}

#[test]
fn who_leaves_feeds_itself_or_is_unknown_cannot_be_cordoned() {
    let mut s = Scenario::new(TWO);
    assert_eq!(s.cordon(9, false), Answer::Refused(Refusal::UnknownAgent));
    s.bring_up();
    s.leaving(1);
    assert_eq!(s.cordon(1, false), Answer::Refused(Refusal::AgentLeaving));
    let mut s = Scenario::new("scaler w max=1 worker=/bin/w labels=work keep=1");
    s.plan();
    s.ok_all();
    assert_eq!(s.cordon(1, false), Answer::Refused(Refusal::Contradiction));
    assert!(!s.world.agent(agent(1)).unwrap().record().cordoned);
}
