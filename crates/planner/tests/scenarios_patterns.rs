//! Labels by pattern: which pools a class can go to, which it cannot, and that this holds
//! where a pool is chosen, where a free agent is given a job, and across a reload.

mod common;

use common::{Scenario, class};
use headcount_planner::{Explanation, Verdict, candidates, explain};

const THREE: &str = "
scaler d labels=linux,docker
scaler g
  pool labels=linux,gpu-a100
  pool labels=linux,gpu-h100,big";

/// The names of all candidates, best first.
fn served_by(fleet: &str, wants: &str) -> String {
    let world = Scenario::started(fleet).world;
    let pools = candidates(&world, &class(wants)).into_iter();
    let names: Vec<String> = pools
        .filter_map(|pool| Some(world.pool(pool)?.name.to_string()))
        .collect();
    names.join(" ")
}

#[test]
fn every_pattern_is_met_by_some_label_and_smaller_label_sets_come_first() {
    for (wants, pools) in [
        ("gpu-*", "g/gpu-a100+linux g/big+gpu-h100+linux"),
        ("GPU-?100", "g/gpu-a100+linux g/big+gpu-h100+linux"),
        ("/gpu-h.*/", "g/big+gpu-h100+linux"),
        ("/GPU-[A-H]\\d+/", "g/gpu-a100+linux g/big+gpu-h100+linux"),
        ("gpu-*,big", "g/big+gpu-h100+linux"),
        ("gpu-*,b?g", "g/big+gpu-h100+linux"),
        ("gpu", ""),
        ("/gpu/", ""),
        ("gpu-?", ""),
        ("gpu-*,docker", ""),
        (
            "linux,*",
            "d/docker+linux g/gpu-a100+linux g/big+gpu-h100+linux",
        ),
        (
            "lin*",
            "d/docker+linux g/gpu-a100+linux g/big+gpu-h100+linux",
        ),
    ] {
        assert_eq!(served_by(THREE, wants), pools, "{wants}");
    }
}

#[test]
fn a_pool_with_a_label_that_an_excluded_pattern_matches_is_passed_over() {
    for (wants, pools) in [
        ("linux,!gpu-*", "d/docker+linux"),
        ("linux,!/gpu-a.*|docker/", "g/big+gpu-h100+linux"),
        ("!gpu-*,!dock??", ""),
        ("gpu-*,!*h100", "g/gpu-a100+linux"),
        ("linux,!*", ""),
        (
            "linux,!windows*",
            "d/docker+linux g/gpu-a100+linux g/big+gpu-h100+linux",
        ),
    ] {
        assert_eq!(served_by(THREE, wants), pools, "{wants}");
    }
}

#[test]
fn system_labels_are_matched_as_declared_ones_are() {
    assert_eq!(served_by(THREE, "kici:scaler:d*"), "d/docker+linux");
    assert_eq!(served_by(THREE, "linux,!/.*:scaler:g/"), "d/docker+linux");
    assert_eq!(served_by(THREE, "/kici:os:(mac|win)os/"), "");
}

#[test]
fn a_label_set_that_declares_a_star_is_matched_by_the_same_text() {
    let fleet = "scaler d labels=lin*,a?";
    assert_eq!(served_by(fleet, "lin*,a?"), "d/a?+lin*");
    assert_eq!(served_by(fleet, "LIN*"), "d/a?+lin*");
}

#[test]
fn jobs_that_ask_by_pattern_alone_are_served_by_the_smaller_label_set_first() {
    let fleet = "
        scaler first labels=linux,docker,node20
        scaler second labels=linux";
    assert_eq!(
        served_by(fleet, "lin*"),
        "second/linux first/docker+linux+node20"
    );
    assert_eq!(
        served_by(fleet, ""),
        "first/docker+linux+node20 second/linux"
    );
}

#[test]
fn a_pattern_opens_no_gate() {
    let fleet = "scaler p gate=gpu labels=linux,gpu";
    for wants in ["gpu*", "/gpu/,linux", "*"] {
        assert_eq!(served_by(fleet, wants), "", "{wants}");
    }
    assert_eq!(served_by(fleet, "gpu,lin*"), "p/gpu+linux");
    let world = Scenario::started(fleet).world;
    let told = explain(&world, &class("gpu*"));
    let Verdict::Unfit { missing, gate, .. } = verdict(&told, 0) else {
        panic!("served");
    };
    assert_eq!(
        (missing.join(","), gate.join(",")),
        (String::new(), "gpu".to_owned())
    );
}

#[test]
fn a_gate_whose_label_holds_a_star_is_opened_by_that_very_text() {
    let fleet = "scaler p gate=big* labels=linux,big*";
    assert_eq!(served_by(fleet, "BIG*"), "p/big*+linux");
    assert_eq!(served_by(fleet, "bi*"), "");
}

#[test]
fn an_idle_agent_is_given_only_jobs_whose_patterns_it_meets() {
    let mut s = Scenario::new("scaler p labels=linux,gpu-1 keep=1");
    s.bring_up();
    s.jobs("gpu-2*", 1)
        .jobs("linux,!gpu-*", 1)
        .jobs("/gpu-[0-9]+/", 1);
    assert_eq!(
        s.plan(),
        "take 1 of [/gpu-[0-9]+/] from queue: assigning\n\
         create a-1-2 in p/gpu-1+linux: keep_ready\n\
         gpu-2* wait: 1 no_matching_pool\n\
         linux wait: 1 no_matching_pool\n\
         /gpu-[0-9]+/ wait: 1 assigning"
    );
    s.ok("take");
    assert_eq!(s.taken(), "job-3 taken on a-1-1 attempt 1");
}

#[test]
fn after_a_reload_a_pattern_is_held_against_the_labels_there_are_now() {
    let mut s = Scenario::new("scaler d labels=linux,new");
    s.jobs("node2?", 1);
    assert_eq!(s.plan(), "node2? wait: 1 no_matching_pool");
    s.configure("scaler d labels=linux,node20");
    assert_eq!(
        s.plan().lines().next(),
        Some("create a-1-1 in d/linux+node20: demand_waiting")
    );
}

/// What was meant for an agent goes back when its labels match no more.
#[test]
fn a_job_on_its_way_goes_back_when_a_reload_takes_the_label_away() {
    let mut s = Scenario::new("scaler d roles=builder labels=linux keep=1");
    s.bring_up();
    s.jobs("kici:role:b*", 1).plan();
    s.configure("scaler d roles= labels=linux keep=1");
    s.ok("take");
    assert_eq!(s.plan().lines().next(), Some("return job-1: slot_gone"));
    s.ok_all();
    let plan = s.plan();
    let waits = "kici:role:b* wait: 1 no_matching_pool";
    assert!(plan.lines().any(|line| line == waits), "{plan}");
}

#[test]
fn what_no_pool_meets_is_told_pool_by_pool() {
    let world = Scenario::started(THREE).world;
    let told = explain(&world, &class("linux,gpu-b*,*h100,!/dock.*/"));
    let unmatched: Vec<&str> = told.unmatched.iter().map(|p| p.as_str()).collect();
    assert_eq!(unmatched, ["gpu-b*"]);
    let lacks = |n: usize| match verdict(&told, n) {
        Verdict::Unfit {
            missing, excluded, ..
        } => format!("lacks [{missing}] has [{excluded}]"),
        Verdict::Candidate { .. } => "serves".to_owned(),
    };
    assert_eq!(lacks(0), "lacks [*h100,gpu-b*] has [docker]");
    assert_eq!(lacks(1), "lacks [*h100,gpu-b*] has []");
    assert_eq!(lacks(2), "lacks [gpu-b*] has []");
}

/// No door lets one in; a record of an earlier version may hold one.
#[test]
fn a_pattern_that_means_nothing_opens_no_pool() {
    assert_eq!(served_by(THREE, "/(/"), "");
    assert_eq!(served_by(THREE, "linux,!/(/"), "");
}

fn verdict(told: &Explanation, n: usize) -> &Verdict {
    &told.pools[n].verdict
}
