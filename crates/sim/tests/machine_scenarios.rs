//! The worked example of the documentation of GitLab Runner's autoscaling, told by the real
//! planner and controller core in either arithmetic.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use headcount_model::IdleCompat;
use headcount_sim::machines::{Story, run};

fn told(story: &Story) -> String {
    run(story).iter().map(|row| format!("{row}\n")).collect()
}

#[test]
fn the_worked_example_makes_seven_machines_and_then_two_stay() {
    let expected = "\
t=0: 0 waiting; 2 machines: 2 starting, 0 idle, 0 used
t=30: 0 waiting; 2 machines: 0 starting, 2 idle, 0 used
t=120: 3 waiting; 7 machines: 5 starting, 0 idle, 2 used
t=150: 0 waiting; 7 machines: 0 starting, 2 idle, 5 used
t=720: 0 waiting; 7 machines: 0 starting, 4 idle, 3 used
t=750: 0 waiting; 7 machines: 0 starting, 7 idle, 0 used
t=2520: 0 waiting; 5 machines: 0 starting, 5 idle, 0 used
t=2550: 0 waiting; 2 machines: 0 starting, 2 idle, 0 used
";
    assert_eq!(
        told(&Story::worked_example(IdleCompat::Headcount)),
        expected
    );
}

#[test]
fn in_the_original_s_arithmetic_it_is_the_same_with_machines_ordered_two_at_a_time() {
    let expected = "\
t=0: 0 waiting; 2 machines: 2 starting, 0 idle, 0 used
t=30: 0 waiting; 2 machines: 0 starting, 2 idle, 0 used
t=120: 3 waiting; 4 machines: 2 starting, 0 idle, 2 used
t=150: 1 waiting; 6 machines: 2 starting, 0 idle, 4 used
t=180: 0 waiting; 7 machines: 1 starting, 1 idle, 5 used
t=210: 0 waiting; 7 machines: 0 starting, 2 idle, 5 used
t=720: 0 waiting; 7 machines: 0 starting, 4 idle, 3 used
t=750: 0 waiting; 7 machines: 0 starting, 6 idle, 1 used
t=780: 0 waiting; 7 machines: 0 starting, 7 idle, 0 used
t=1980: 0 waiting; 6 machines: 0 starting, 6 idle, 0 used
t=2010: 0 waiting; 5 machines: 0 starting, 5 idle, 0 used
t=2550: 0 waiting; 3 machines: 0 starting, 3 idle, 0 used
t=2580: 0 waiting; 2 machines: 0 starting, 2 idle, 0 used
";
    assert_eq!(told(&Story::worked_example(IdleCompat::Gitlab)), expected);
}

#[test]
fn never_more_than_the_limit_whatever_comes() {
    for compat in [IdleCompat::Headcount, IdleCompat::Gitlab] {
        let story = Story {
            arrivals: vec![(120, 25), (130, 9)],
            ends: 8000,
            ..Story::worked_example(compat)
        };
        let rows = run(&story);
        assert_eq!(rows.iter().map(|row| row.machines()).max(), Some(10));
        let last = rows.last().unwrap();
        assert_eq!(
            (last.waiting, last.machines(), last.used),
            (0, 2, 0),
            "{last}"
        );
    }
}
