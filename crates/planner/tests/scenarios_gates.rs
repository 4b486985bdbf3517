//! Gates, roles, exclusions and case hold in three places alike: where a pool is chosen,
//! where a free agent is given a job, and across a reload.

mod common;

use common::Scenario;
use headcount_planner::Action;

const GATED: &str = "scaler p gate=gpu labels=linux,gpu keep=1";
const PLAIN: &str = "scaler p labels=linux,gpu keep=1";

#[test]
fn an_idle_agent_behind_a_gate_is_given_nothing_else() {
    let mut s = Scenario::new(GATED);
    s.bring_up();
    s.jobs("linux", 1).jobs("", 1);
    assert_eq!(
        s.plan(),
        "linux wait: 1 no_matching_pool\n wait: 1 no_matching_pool"
    );
}

#[test]
fn an_idle_agent_is_not_given_what_excludes_it() {
    let mut s = Scenario::new(PLAIN);
    s.bring_up();
    s.jobs("linux,!gpu", 1);
    assert_eq!(s.plan(), "linux wait: 1 no_matching_pool");
}

#[test]
fn a_gate_that_a_reload_adds_holds_for_agents_that_live() {
    let mut s = Scenario::new(PLAIN);
    s.bring_up();
    s.configure(GATED);
    s.jobs("linux", 1);
    assert_eq!(s.plan(), "linux wait: 1 no_matching_pool");
    s.jobs("linux,gpu", 1);
    assert_eq!(
        s.plan(),
        "take 1 of [gpu,linux] from queue: assigning\n\
         create a-1-2 in p/gpu+linux: keep_ready\n\
         linux wait: 1 no_matching_pool\n\
         gpu,linux wait: 1 assigning"
    );
}

/// What was offered before stays offered: its gate was open then.
#[test]
fn a_job_on_its_way_when_its_gate_falls_shut_goes_back() {
    let mut s = Scenario::new(PLAIN);
    s.bring_up();
    s.jobs("linux", 1).plan();
    s.configure(GATED);
    s.ok("take");
    assert_eq!(s.plan().lines().next(), Some("return job-1: slot_gone"));
    s.ok_all();
    assert_eq!(
        s.plan().lines().next(),
        Some("linux wait: 1 no_matching_pool")
    );
}

#[test]
fn roles_that_a_reload_takes_away_are_not_served_by_agents_that_have_them() {
    let mut s = Scenario::new("scaler d roles=builder labels=linux keep=1");
    s.bring_up();
    s.configure("scaler d roles= labels=linux keep=1");
    s.jobs("linux,kici:role:builder", 1);
    assert_eq!(
        s.plan(),
        "drain a-1-1: outdated\n\
         create a-1-2 in d/linux: keep_ready\n\
         kici:role:builder,linux wait: 1 no_matching_pool",
        "new agents are told the roles of the file as it is now"
    );
}

#[test]
fn agents_are_told_the_roles_of_their_scaler_and_no_other() {
    for (roles, told) in [
        ("roles=", ""),
        ("roles=builder", "kici:role:builder,"),
        ("", "kici:role:builder,kici:role:init-runner,"),
    ] {
        let mut s = Scenario::new(&format!("scaler d {roles} labels=linux"));
        s.jobs("linux", 1).plan();
        let Action::Create(order) = s.take_pending("create") else {
            panic!("a creation");
        };
        assert_eq!(
            &*order.labels,
            format!(
                "kici:agent:bare-metal,kici:arch:amd64,kici:arch:x64,kici:os:linux,{told}\
                 kici:scaler:d,linux"
            )
        );
    }
}

#[test]
fn an_agent_made_for_labels_in_another_case_is_given_the_job() {
    let mut s = Scenario::new("scaler d labels=linux");
    s.jobs("LINUX", 1).run();
    assert_eq!(s.taken(), "job-1 running on a-1-1 attempt 1");
}
