//! What holds whatever happens: nothing panics, worlds and plans pass the linter at every
//! step, plans are repeatable and settle, nobody runs a job twice at once, real instances
//! stay under the cap, and once faults stop everything comes to rest.

mod common;

use common::{Event, FLEETS, QUEUE, Scenario, event};
use headcount_model::Reason;
use proptest::prelude::*;

/// More than any scenario of this size needs to come to rest.
const MOST_STEPS: usize = 3000;
/// The lowest `globalMaxAgents` of all fleets is the same in each.
const MAX_AGENTS: usize = 6;

fn run(events: &[Event]) -> Scenario {
    let mut scenario = Scenario::started(FLEETS[0]);
    for event in events {
        scenario.happen(*event);
        let alive = scenario.outside.instances.len();
        assert!(alive <= MAX_AGENTS, "{alive} instances after {event:?}");
    }
    scenario
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 4_000,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn whatever_happens_it_comes_to_rest(events in prop::collection::vec(event(), 1..120)) {
        let mut scenario = run(&events);
        scenario.outside.shared = None;
        scenario.outside.queues.says(QUEUE, "0");
        scenario.uncordon_all();
        scenario.play(MOST_STEPS);
        assert_at_rest(&scenario);
    }

    #[test]
    fn work_that_could_be_done_is_awaited(events in prop::collection::vec(event(), 1..120)) {
        let mut scenario = Scenario::started(FLEETS[0]);
        for event in events {
            scenario.happen(event);
            scenario.plan();
            scenario.assert_awaited();
        }
    }
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn the_same_news_give_the_same_bytes(events in prop::collection::vec(event(), 1..80)) {
        let (one, two) = (run(&events), run(&events));
        prop_assert_eq!(format!("{:?}", one.world), format!("{:?}", two.world));
        prop_assert_eq!(one.last, two.last);
    }
}

proptest! {
    #![proptest_config(config(100))]

    /// Classes in pools that share no cap, and agents of other pools that become ready.
    #[test]
    fn the_order_of_independent_news_does_not_change_how_many_agents(
        order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let count = |order: &[usize]| {
            let mut scenario = Scenario::new(APART);
            scenario.jobs("a", 1).plan();
            scenario.ok_all();
            for n in order {
                match n {
                    0 => drop(scenario.register(1)),
                    1 => drop(scenario.jobs("a", 2)),
                    2 => drop(scenario.jobs("b", 3)),
                    3 => drop(scenario.jobs("c,cpu:500", 2)),
                    4 => drop(scenario.jobs("nobody", 2)),
                    _ => drop(scenario.missed()),
                }
            }
            scenario.plan();
            let pools = scenario.last.report.pools.iter();
            (
                scenario.world.agents().count(),
                pools.map(|pool| (pool.wanted, pool.allowed)).collect::<Vec<_>>(),
            )
        };
        prop_assert_eq!(count(&order), count(&[0, 1, 2, 3, 4, 5]));
    }
}

const APART: &str = "
    scaler a max=2 labels=a
    scaler b max=9 labels=b slots=2 jobs=4
    scaler c max=9 labels=c keep=1";

/// A plan that gave the last room of `globalMaxJobs` away still held up spares for jobs
/// that waited behind another cap.
#[test]
fn who_may_not_run_yet_holds_up_no_spares() {
    use Event as E;
    let events = [
        E::Restart(0),
        E::OkAll,
        E::Gone(54),
        E::Seconds(1),
        E::OkAll,
        E::Register(108),
        E::Ok(0),
        E::Leave(0),
        E::Ok(0),
        E::Submit(188, 3),
        E::Seconds(300),
        E::SubmitRetrying(2),
        E::Restart(92),
        E::Ok(228),
        E::OkAll,
        E::Wake,
        E::OkAll,
        E::Ok(0),
        E::Ok(5),
    ];
    let mut scenario = Scenario::started(FLEETS[0]);
    for event in events {
        scenario.happen(event);
        // It settles at once.
        scenario.plan();
    }
}

/// Every job ended, or waits for a reason that only a person can change; nobody is left
/// whom no rule keeps.
fn assert_at_rest(scenario: &Scenario) {
    for class in &scenario.last.report.classes {
        for share in &class.shares {
            let hopeless = matches!(share.reason, Reason::NoMatchingPool | Reason::PoolDraining);
            assert!(hopeless, "{} jobs wait: {}", share.jobs, share.reason);
        }
    }
    let taken: Vec<_> = scenario.world.jobs().collect();
    assert!(taken.is_empty(), "taken and not ended: {taken:?}");
    assert!(
        scenario.outside.taken.is_empty(),
        "lost: {:?}",
        scenario.outside.taken
    );
    for (id, reason) in &scenario.last.report.agents {
        let kept = matches!(reason, Reason::KeptReady | Reason::FeedsItself);
        assert!(kept, "{id} stays: {reason}");
    }
    let known = scenario.world.agents().count();
    assert_eq!(
        known,
        scenario.outside.instances.len(),
        "instances nobody knows"
    );
}
