//! Idle counts, growth rate, the cap on jobs and schedules: the settings of the one idle
//! rule, in either arithmetic.

mod common;

use common::{Scenario, agent};
use headcount_model::{AgentPhase, Answer, Refusal};
use headcount_planner::{News, Operator, plan};

/// The documentation's worked example: two ready, ten at most.
const EXAMPLE: &str = "scaler m max=10 labels=ci jobs=100 keep=2 idle=60";

/// Plans, carries out, lets whoever starts be ready, until nothing is left to do now.
fn settle(s: &mut Scenario) {
    for _ in 0..20 {
        s.plan();
        let quiet = s.outside.pending.is_empty();
        s.ok_all();
        for number in s.in_phase(AgentPhase::Starting) {
            s.register(number);
        }
        s.claim_all();
        if quiet {
            return;
        }
    }
    panic!("not settled:\n{}", s.agents());
}

/// Everybody who runs a job ends it.
fn finish_all(s: &mut Scenario) {
    let running: Vec<_> = s
        .world
        .jobs()
        .map(|job| (job.agent().number, job.info().job.0, job.attempt()))
        .collect();
    for (number, job, attempt) in running {
        assert_eq!(s.exit(number, job, attempt, 0), Answer::Applied);
    }
}

fn alive(s: &Scenario) -> usize {
    s.world.agents().count()
}

#[test]
fn five_jobs_make_seven_machines_and_then_two_stay() {
    let mut s = Scenario::new(EXAMPLE);
    settle(&mut s);
    assert_eq!(alive(&s), 2);
    s.jobs("ci", 5);
    settle(&mut s);
    assert_eq!((alive(&s), s.world.jobs().count()), (7, 5));
    finish_all(&mut s);
    settle(&mut s);
    assert_eq!(alive(&s), 7, "idle time is not over");
    s.at(61);
    s.plan();
    assert_eq!(s.in_phase(AgentPhase::Ready).len(), 2);
}

#[test]
fn in_the_original_s_arithmetic_it_comes_to_the_same() {
    let mut s = Scenario::new(&format!("{EXAMPLE} gitlab"));
    settle(&mut s);
    assert_eq!(alive(&s), 2);
    s.jobs("ci", 5);
    settle(&mut s);
    assert_eq!((alive(&s), s.world.jobs().count()), (7, 5));
    finish_all(&mut s);
    settle(&mut s);
    assert_eq!(alive(&s), 7);
    s.at(60);
    assert_eq!(s.plan(), "wake in 0.001s: idle_time");
    s.wake();
    s.plan();
    assert_eq!(s.in_phase(AgentPhase::Ready), [1, 2]);
}

/// Jobs wait for machines that are made to be ready, two at a time; ours are made for jobs.
#[test]
fn in_the_original_s_arithmetic_no_machine_is_made_for_a_job_itself() {
    let mut s = Scenario::new(&format!("{EXAMPLE} gitlab"));
    s.jobs("ci", 5);
    assert_eq!(
        s.plan(),
        "ci wait: 2 agent_starting in m/ci, 3 ready_agents_only in m/ci
m/ci grows by 0 of 3: ready_agents_only
wake in 300s: launch_deadline"
    );
    assert_eq!(alive(&s), 2);
    let mut ours = Scenario::new(EXAMPLE);
    ours.jobs("ci", 5);
    ours.plan();
    assert_eq!(alive(&ours), 7);
}

/// The original knows no jobs of several sizes; a job too large for what is kept ready would
/// wait for ever.
#[test]
fn in_the_original_s_arithmetic_a_larger_job_has_a_machine_made_for_it() {
    let mut s = Scenario::new(&format!("{EXAMPLE} gitlab request-cpu=500"));
    settle(&mut s);
    s.jobs("ci,cpu:2000", 1);
    let text = s.plan();
    assert!(
        text.starts_with("create a-1-3 in m/ci: demand_waiting"),
        "{text}"
    );
}

#[test]
fn on_demand_both_make_one_for_each_job() {
    for words in ["", "gitlab"] {
        let mut s = Scenario::new(&format!(
            "scaler m max=10 labels=ci jobs=100 idle=60 {words}"
        ));
        s.jobs("ci", 3);
        settle(&mut s);
        assert_eq!((alive(&s), s.world.jobs().count()), (3, 3), "{words}");
        finish_all(&mut s);
        settle(&mut s);
        s.at(62);
        s.plan();
        assert!(s.in_phase(AgentPhase::Ready).is_empty(), "{words}");
    }
}

#[test]
fn a_growth_rate_bounds_what_starts_at_once() {
    let mut s = Scenario::new("scaler m max=10 labels=ci growth=2 keep=1");
    s.ok_all();
    s.jobs("ci", 4);
    assert_eq!(
        s.plan(),
        "create a-1-2 in m/ci: demand_waiting
ci wait: 2 agent_starting in m/ci, 2 growth_rate in m/ci
m/ci grows by 1 of 4: growth_rate
wake in 300s: launch_deadline"
    );
    s.ok_all();
    assert_eq!(s.in_phase(AgentPhase::Starting), [1, 2]);
    s.register(1);
    let text = s.plan();
    assert!(text.contains("create a-1-3 in m/ci"), "{text}");
    assert!(!text.contains("create a-1-4"), "{text}");
}

#[test]
fn a_growth_rate_holds_in_the_original_s_arithmetic_and_for_failures() {
    let mut s = Scenario::new("scaler m max=10 labels=ci growth=3 keep=8 gitlab");
    s.plan();
    s.ok_all();
    assert_eq!(s.in_phase(AgentPhase::Starting), [1, 2, 3]);
    s.gone(1, headcount_model::Exit::Code(1));
    s.plan();
    s.ok_all();
    s.wait(std::time::Duration::from_secs(10));
    let text = s.plan();
    assert_eq!(text.matches("create a-1-").count(), 1, "{text}");
    assert!(text.contains("m/ci grows by 1 of 6: growth_rate") || text.contains("create a-1-4"));
}

#[test]
fn a_cap_on_jobs_holds_over_all_pools_and_makes_nobody_beyond_it() {
    let mut s = Scenario::new(
        "fleet jobs=2
         scaler a max=10 labels=a keep=3
         scaler b max=10 labels=b priority=3",
    );
    settle(&mut s);
    s.jobs("a", 1).jobs("b", 2);
    assert_eq!(
        s.plan(),
        "take 1 of [a] from queue: assigning
create a-1-4 in b/b: demand_waiting
create a-1-5 in a/a: keep_ready
a wait: 1 assigning
b wait: 1 agent_starting in b/b, 1 fleet_at_max_jobs"
    );
    settle(&mut s);
    assert_eq!(s.world.jobs().count(), 2);
    finish_all(&mut s);
    settle(&mut s);
    assert_eq!(s.world.jobs().count(), 1, "the last one");
}

/// Room is kept free of spares for jobs that wait for it, not for those that may not run.
#[test]
fn a_spare_takes_room_that_no_job_may_use() {
    const FLEET: &str = "fleet cpu=3000 jobs=2
         scaler a max=9 labels=a request-cpu=2000
         scaler b max=9 labels=b request-cpu=500
         scaler c max=9 labels=c request-cpu=500";
    let mut s = Scenario::new(FLEET);
    s.jobs("a", 2);
    s.jobs("b", 1);
    s.configure(&format!("{FLEET} keep=1"));
    let text = s.plan();
    assert!(text.contains("in a/a: demand_waiting"), "{text}");
    assert!(text.contains("in b/b: demand_waiting"), "{text}");
    assert!(text.contains("in c/c: keep_ready"), "{text}");
    assert!(text.contains("1 fleet_at_max_jobs"), "{text}");
}

#[test]
fn a_scale_follows_what_is_in_use() {
    let mut s =
        Scenario::new("scaler m max=40 labels=ci jobs=9 keep=6 scale=0.5 scale-min=2 idle=60");
    settle(&mut s);
    assert_eq!(alive(&s), 2, "the least");
    s.jobs("ci", 8);
    s.plan();
    assert_eq!(
        alive(&s),
        12,
        "8 for jobs, 4 ready: what starts for a job is in use"
    );
    settle(&mut s);
    assert_eq!(alive(&s), 12, "and nothing changes when it does");
    s.jobs("ci", 10);
    settle(&mut s);
    assert_eq!(alive(&s), 24, "18 in use, 6 ready: the count is the cap");
    finish_all(&mut s);
    settle(&mut s);
    s.at(61);
    s.plan();
    assert_eq!(s.in_phase(AgentPhase::Ready).len(), 2);
}

const SCHEDULED: &str = "scaler m max=10 labels=ci keep=1 schedule=keep:3,idle:30 schedule=keep:2";

#[test]
fn a_schedule_comes_into_force_by_the_clock_alone() {
    let mut s = Scenario::new(SCHEDULED);
    assert_eq!(s.plan(), "", "nobody knows which schedule is in force");
    let turns = [(0, None), (100, Some(0)), (200, Some(1)), (300, None)];
    assert_eq!(s.timetable("m/ci", &turns, 400), Answer::Applied);
    assert_eq!(s.timetable("m/ci", &turns, 400), Answer::Known);
    assert_eq!(
        s.plan(),
        "create a-1-1 in m/ci: keep_ready\nwake in 100s: schedule"
    );
    settle(&mut s);
    assert_eq!(s.plan(), "wake in 100s: schedule");
    s.wake();
    assert_eq!(
        s.plan(),
        "create a-1-2 in m/ci: keep_ready
create a-1-3 in m/ci: keep_ready
wake in 100s: schedule"
    );
    settle(&mut s);
    s.wake();
    let text = s.plan();
    assert!(text.starts_with("drain a-1-3: surplus_idle"), "{text}");
    assert_eq!(s.agents().lines().count(), 3);
}

/// A clock that was stopped for a while, such as that of a laptop: what lies between is
/// skipped, and the last turn counts.
#[test]
fn a_clock_that_jumps_finds_the_schedule_of_its_time() {
    let mut s = Scenario::new(SCHEDULED);
    let turns = [(0, Some(0)), (100, None), (200, Some(1))];
    s.timetable("m/ci", &turns, 1000);
    settle(&mut s);
    assert_eq!(alive(&s), 3);
    s.at(999);
    s.plan();
    assert_eq!(s.in_phase(AgentPhase::Ready), [1, 2]);
}

#[test]
fn where_no_schedule_is_known_nobody_comes_or_goes_by_it() {
    let mut s = Scenario::new(SCHEDULED);
    s.timetable("m/ci", &[(0, Some(0))], 100);
    settle(&mut s);
    assert_eq!(alive(&s), 3);
    s.at(100);
    assert_eq!(s.plan(), "");
    assert_eq!(
        s.agents(),
        "a-1-1 ready: schedule_unknown
a-1-2 ready: schedule_unknown
a-1-3 ready: schedule_unknown"
    );
    // Jobs are served all the same.
    s.jobs("ci", 4);
    let text = s.plan();
    assert!(text.starts_with("take 3 of [ci]"), "{text}");
    assert!(text.contains("demand_waiting"), "{text}");
}

#[test]
fn a_timetable_is_of_the_schedules_it_was_made_for() {
    let mut s = Scenario::new(SCHEDULED);
    s.timetable("m/ci", &[(0, Some(1))], 100);
    let none = s.timetable("m/none", &[(0, None)], 100);
    assert_eq!(none, Answer::Refused(Refusal::UnknownPool));
    let third = s.timetable("m/ci", &[(0, Some(2))], 100);
    assert_eq!(third, Answer::Refused(Refusal::Contradiction));
    // Something else changed: the timetable stands.
    s.configure(&SCHEDULED.replace("max=10", "max=9"));
    s.plan();
    assert_eq!(alive(&s), 2);
    // The schedules changed: what was worked out is of others.
    s.configure(&SCHEDULED.replace("keep:2", "keep:5"));
    assert_eq!(s.plan(), "");
    // No schedules: the pool's own rule holds.
    s.configure("scaler m max=10 labels=ci keep=4");
    s.plan();
    assert_eq!(alive(&s), 4);
}

#[test]
fn workers_follow_schedules_upwards_and_end_by_themselves() {
    let mut s = Scenario::new("scaler w max=9 worker=/bin/w labels=w keep=1 schedule=keep:3");
    s.timetable("w/w", &[(0, None), (10, Some(0)), (20, None)], 100);
    s.plan();
    s.ok_all();
    assert_eq!(alive(&s), 1);
    s.at(10);
    s.plan();
    s.ok_all();
    assert_eq!(alive(&s), 3);
    s.at(20);
    s.plan();
    assert_eq!(alive(&s), 3);
}

/// Whoever registers first or last, in whatever order jobs end: how many stay is the same.
#[test]
fn ours_does_not_depend_on_the_order_of_agents() {
    let left = |order: [u32; 6]| {
        let mut s =
            Scenario::new("scaler m max=9 labels=ci jobs=9 keep=4 scale=1.0 scale-min=1 idle=5");
        s.jobs("ci", 6);
        s.plan();
        s.ok_all();
        for number in order {
            s.register(number);
        }
        settle(&mut s);
        let jobs: Vec<_> = s
            .world
            .jobs()
            .map(|job| (job.agent().number, job.info().job.0, job.attempt()))
            .collect();
        for number in &order[..4] {
            let (_, job, attempt) = jobs.iter().find(|(agent, ..)| agent == number).unwrap();
            s.exit(*number, *job, *attempt, 0);
        }
        settle(&mut s);
        s.at(6);
        settle(&mut s);
        let report = &s.last.report.pools[0];
        (
            report.counts,
            report.wanted,
            s.in_phase(AgentPhase::Ready).len(),
        )
    };
    let first = left([1, 2, 3, 4, 5, 6]);
    assert_eq!(left([6, 5, 4, 3, 2, 1]), first);
    assert_eq!(left([3, 1, 6, 2, 5, 4]), first);
    assert_eq!(left([5, 6, 1, 4, 2, 3]), first);
    assert_eq!(first.2, 4, "two in use, two ready for them");
}

#[test]
fn whoever_may_not_leave_stays_in_either_arithmetic() {
    for words in ["", "gitlab"] {
        let mut s = Scenario::new(&format!("scaler m max=9 labels=ci jobs=9 keep=3 {words}"));
        settle(&mut s);
        s.configure(&format!("scaler m max=9 labels=ci jobs=9 keep=1 {words}"));
        s.missed();
        s.at(5);
        let made = plan(&s.world, s.now);
        let drains = made
            .actions
            .iter()
            .any(|it| it.to_string().contains("drain"));
        assert!(!drains, "{words}: {:?}", made.actions);
    }
}

#[test]
fn a_drained_pool_with_schedules_keeps_nobody() {
    let mut s = Scenario::new(SCHEDULED);
    s.timetable("m/ci", &[(0, Some(0))], 900);
    settle(&mut s);
    let drained = News::Operator(Operator::Drain(headcount_model::PoolName::new("m/ci")));
    s.tell(drained);
    let text = s.plan();
    assert_eq!(text.matches("drain a-1-").count(), 3, "{text}");
    assert!(s.world.agent(agent(1)).is_some());
}

/// Machines that are paid for by the hour: the newest is one too many, and stays until its
/// own hour is nearly over.
#[test]
fn a_machine_too_many_stays_for_the_hour_that_is_paid_for() {
    let mut s = Scenario::new("scaler m max=10 labels=ci jobs=100 keep=1 idle=60 paid=3600");
    settle(&mut s);
    s.at(600).jobs("ci", 1);
    settle(&mut s);
    assert_eq!(alive(&s), 2, "another one stands in for the first");
    finish_all(&mut s);
    settle(&mut s);
    s.at(610);
    assert_eq!(s.plan(), "wake in 50s: idle_time");
    s.wake();
    // The hour of the first one ends at 3600, that of the second one at 4200.
    assert_eq!(s.plan(), "wake in 2640s: idle_age");
    assert_eq!(
        s.agents(),
        "a-1-1 ready: kept_ready\na-1-2 ready: paid_period"
    );
    s.wake();
    let text = s.plan();
    assert!(text.contains("drain a-1-1: surplus_idle"), "{text}");
    s.ok_all();
    s.gone(1, headcount_model::Exit::Code(0));
    assert_eq!(
        s.plan(),
        "",
        "one is to be ready, and is kept whatever hour it is"
    );
    assert_eq!(s.in_phase(AgentPhase::Ready), [2]);
}

#[test]
fn an_hour_that_passes_while_a_machine_works_is_another_chance_later() {
    let mut s = Scenario::new("scaler m max=10 labels=ci jobs=100 idle=60 paid=3600");
    s.jobs("ci", 1);
    settle(&mut s);
    s.at(3580);
    finish_all(&mut s);
    settle(&mut s);
    s.at(3640);
    assert_eq!(s.plan(), "wake in 3260s: paid_period");
    assert_eq!(s.agents(), "a-1-1 ready: paid_period");
    s.at(6900);
    assert_eq!(s.plan(), "drain a-1-1: surplus_idle");
}
