//! Jobs go before spares: idle agents make room behind a cap, and no more than is of use.

mod common;

use common::Scenario;
use headcount_model::Exit;

#[test]
fn jobs_of_another_pool_get_the_room_of_idle_agents() {
    let mut s = Scenario::new(
        "scaler d max=1 labels=linux keep=1
           pool labels=mac",
    );
    s.bring_up();
    s.jobs("mac", 1);
    assert_eq!(
        s.plan(),
        "drain a-1-1: room_wanted\n\
         mac wait: 1 scaler_at_max_agents in d/mac\n\
         d/mac grows by 0 of 1: scaler_at_max_agents"
    );
    s.ok_all();
    s.gone(1, Exit::Code(0));
    s.run();
    assert_eq!(s.taken(), "job-1 running on a-1-2 attempt 1");
    s.play(100);
    assert_eq!(s.ends(), "job-1 succeeded");
    assert_eq!(s.agents(), "a-1-3 ready: kept_ready", "the spare is back");
}

#[test]
fn a_large_job_gets_the_room_of_a_small_spare() {
    let mut s = Scenario::new("scaler d max=1 labels=linux keep=1 jobs=9");
    s.bring_up();
    s.jobs("linux,cpu:4000", 1);
    s.play(100);
    assert_eq!(s.ends(), "job-1 succeeded");
}

#[test]
fn no_more_spares_leave_than_jobs_need() {
    let mut s = Scenario::new(
        "fleet max=4
         scaler a labels=mac keep=4
         scaler b labels=linux",
    );
    s.bring_up();
    s.jobs("linux", 2);
    assert_eq!(
        s.plan(),
        "drain a-1-4: room_wanted\n\
         drain a-1-3: room_wanted\n\
         linux wait: 2 fleet_at_max_agents in b/linux\n\
         b/linux grows by 0 of 2: fleet_at_max_agents"
    );
}

#[test]
fn nobody_leaves_whose_room_would_not_be_enough() {
    let mut s = Scenario::new(
        "fleet max=9 cpu=4000
         scaler a labels=mac keep=1 request-cpu=500
         scaler b labels=linux",
    );
    s.bring_up();
    s.jobs("linux,cpu:2000", 1).run();
    s.jobs("linux,cpu:2500", 1);
    assert_eq!(
        s.plan(),
        "linux wait: 1 fleet_cpu_cap in b/linux\n\
         b/linux grows by 0 of 1: fleet_cpu_cap",
        "two are taken by a job: even without the spare there are not two and a half"
    );
    assert!(s.agents().starts_with("a-1-1 ready: kept_ready"));
}

#[test]
fn busy_agents_never_make_room() {
    let mut s = Scenario::new("fleet max=1\nscaler a labels=mac\nscaler b priority=9 labels=linux");
    s.jobs("mac", 1).run();
    s.jobs("linux,prio:100", 1);
    assert_eq!(
        s.plan(),
        "linux wait: 1 fleet_at_max_agents in b/linux\n\
         b/linux grows by 0 of 1: fleet_at_max_agents"
    );
}

#[test]
fn spares_do_not_take_the_room_that_jobs_wait_for() {
    let mut s = Scenario::new("scaler b labels=linux");
    s.configure(
        "fleet max=9 cpu=2000
         scaler a labels=mac keep=2 request-cpu=500
         scaler b labels=linux",
    );
    s.jobs("linux,cpu:1500", 2);
    assert_eq!(
        s.plan(),
        "create a-1-1 in b/linux: demand_waiting\n\
         linux wait: 1 agent_starting in b/linux, 1 fleet_cpu_cap in b/linux\n\
         b/linux grows by 1 of 2: fleet_cpu_cap\n\
         a/mac grows by 0 of 2: fleet_cpu_cap"
    );
}

#[test]
fn who_takes_nothing_from_the_cap_that_is_full_stays() {
    let mut s = Scenario::new(
        "fleet max=9 cpu=1000
         scaler b labels=mac keep=1 request-cpu=500
         scaler a labels=win keep=1
         scaler c labels=linux",
    );
    s.bring_up();
    s.jobs("linux,cpu:1000", 1);
    s.plan();
    assert_eq!(
        s.agents(),
        "a-1-1 draining: room_wanted\n\
         a-1-2 ready: kept_ready"
    );
}

/// A cap on CPUs is lowered below what two large spares take. Small ones take nothing from it,
/// so they stand in at once, and not by the next plan.
#[test]
fn who_takes_nothing_from_a_lowered_cap_stands_in_at_once() {
    for compat in ["", "gitlab"] {
        let of = |cpu: u32| {
            format!("fleet cpu={cpu}\nscaler m max=9 labels=ci jobs=9 keep=2 idle=60 {compat}")
        };
        let mut s = Scenario::new(&of(20_000));
        s.jobs("ci,cpu:2000", 2).settle().end_all_jobs().settle();
        s.wait(std::time::Duration::from_secs(61)).settle().let_go();
        s.configure(&of(1000));
        // Planning checks by itself that a second plan has nothing to do.
        s.settle();
        assert!(s.machines() >= 2, "{}", s.agents());
    }
}
