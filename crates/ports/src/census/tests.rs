use super::*;

const CONFIRM: Duration = Duration::from_secs(3);

fn agent(number: u32) -> AgentId {
    AgentId { epoch: 1, number }
}

fn machine(number: u32, state: InstanceState) -> Machine {
    Machine {
        id: format!("id-{number}"),
        name: format!("name-{number}"),
        agent: agent(number),
        pool: "p/l".into(),
        state,
        message: None,
        price: None,
        lease: None,
    }
}

/// Moments are seconds.
struct Scene {
    census: Census<Instant>,
    zero: Instant,
}

impl Scene {
    fn new() -> Self {
        Self {
            census: Census::default(),
            zero: Instant::now(),
        }
    }

    fn at(&self, seconds: u64) -> Instant {
        self.zero + Duration::from_secs(seconds)
    }

    fn survey(&mut self, at: u64, machines: &[Machine]) -> Vec<BackendEvent> {
        let begun = self.at(at);
        self.census.survey(machines, begun, CONFIRM, |_| false)
    }

    /// Who is unseen is asked for, and is not there.
    fn ask_in_vain(&mut self, at: u64) -> Vec<BackendEvent> {
        let now = self.at(at);
        let unseen = self.census.unseen(usize::MAX);
        let events = unseen.into_iter();
        events
            .filter_map(|agent| self.census.absent(agent, now, now))
            .collect()
    }

    fn states(&self) -> Vec<(u32, InstanceState)> {
        let listing = self.census.listing().instances.into_iter();
        listing.map(|it| (it.agent.number, it.state)).collect()
    }
}

use InstanceState::{Ended, Running, Starting};

#[test]
fn who_is_asked_for_is_there_until_absence_is_confirmed() {
    let mut scene = Scene::new();
    assert!(scene.census.expect(agent(1), &"p/l".into(), scene.at(0)));
    assert_eq!(scene.states(), [(1, Starting)]);
    assert_eq!(scene.survey(10, &[]), []);
    assert_eq!(scene.states(), [(1, Starting)], "missing once");
    assert_eq!(scene.survey(12, &[]), []);
    assert_eq!(scene.states(), [(1, Starting)], "missing twice, too soon");
    let gone = BackendEvent::Gone(agent(1), Exit::Unknown);
    assert_eq!(scene.ask_in_vain(12), []);
    assert_eq!(scene.survey(13, &[]), []);
    assert_eq!(scene.states(), [(1, Starting)], "nobody asked for it");
    assert_eq!(scene.ask_in_vain(14), [gone]);
    assert_eq!(scene.states(), []);
}

#[test]
fn who_answers_to_its_name_is_there_whatever_lists_show() {
    let mut scene = Scene::new();
    scene.survey(0, &[machine(1, Running), machine(2, Running)]);
    for at in [10, 20, 30] {
        scene.survey(at, &[machine(2, Running)]);
        scene.survey(at + 4, &[machine(2, Running)]);
        assert_eq!(scene.census.unseen(9), [agent(1)]);
        let now = scene.at(at + 5);
        assert_eq!(scene.census.shown(&machine(1, Running), now), []);
        assert_eq!(scene.census.unseen(9), []);
    }
    assert_eq!(scene.states(), [(1, Running), (2, Running)]);
    let ended = Ended(Exit::Code(1));
    let now = scene.at(50);
    let told = scene.census.shown(&machine(1, ended), now);
    assert_eq!(told, [BackendEvent::Missed], "somebody must look");
}

#[test]
fn an_absence_that_was_asked_for_before_a_change_is_not_believed() {
    let mut scene = Scene::new();
    scene.survey(0, &[machine(1, Running)]);
    scene.survey(10, &[]);
    scene.survey(20, &[]);
    let (asked, made, now) = (scene.at(21), scene.at(22), scene.at(23));
    scene.census.expect(agent(1), &"p/l".into(), made);
    assert_eq!(scene.census.absent(agent(1), asked, now), None);
    assert_eq!(scene.census.absent(agent(7), asked, now), None);
    assert_eq!(scene.states(), [(1, Running)]);
}

#[test]
fn who_may_be_too_new_for_lists_must_be_missing_for_longer() {
    let patience = Patience {
        shown: CONFIRM,
        unshown: Duration::from_secs(60),
    };
    let mut scene = Scene::new();
    let survey = |scene: &mut Scene, at: u64, machines: &[Machine]| {
        let begun = scene.at(at);
        scene.census.survey(machines, begun, patience, |_| false);
        scene.census.unseen(9)
    };
    let (made, start) = (machine(1, Running), scene.at(0));
    scene.census.expect(agent(1), &"p/l".into(), start);
    scene.census.made(&made, start);
    for at in [1, 10, 60] {
        assert_eq!(survey(&mut scene, at, &[]), [], "missing since 1");
    }
    assert_eq!(survey(&mut scene, 61, &[]), [agent(1)]);
    assert!(!scene.census.is_shown(agent(1)) && !scene.census.misses_one_shown());
    // Once it was shown, lists can show it.
    survey(&mut scene, 70, std::slice::from_ref(&made));
    assert!(scene.census.is_shown(agent(1)));
    assert_eq!(survey(&mut scene, 71, &[]), []);
    assert!(scene.census.misses_one_shown());
    assert_eq!(survey(&mut scene, 74, &[]), [agent(1)]);
    // Asked for anew, it may be a new one.
    let again = scene.at(80);
    scene.census.expect(agent(1), &"p/l".into(), again);
    for at in [81, 140] {
        assert_eq!(survey(&mut scene, at, &[]), []);
    }
    let now = scene.at(141);
    scene.census.shown(&made, now);
    assert!(scene.census.is_shown(agent(1)), "a look shows it too");
}

#[test]
fn those_to_ask_for_are_bounded() {
    let mut scene = Scene::new();
    scene.survey(0, &[1, 2, 3].map(|number| machine(number, Running)));
    scene.survey(10, &[]);
    scene.survey(20, &[]);
    assert_eq!(scene.census.unseen(2), [agent(1), agent(2)]);
}

#[test]
fn a_list_that_loses_one_for_a_while_ends_nobody() {
    let mut scene = Scene::new();
    let one = machine(1, Running);
    assert_eq!(
        scene.survey(0, std::slice::from_ref(&one)),
        [BackendEvent::Running(agent(1))]
    );
    for moment in 0..20 {
        assert_eq!(scene.survey(10 + 4 * moment, &[]), []);
        assert!(scene.census.misses_somebody());
        assert_eq!(
            scene.survey(12 + 4 * moment, std::slice::from_ref(&one)),
            []
        );
        assert!(!scene.census.misses_somebody());
    }
    assert_eq!(scene.states(), [(1, Running)]);
}

#[test]
fn a_list_proves_nothing_of_who_changed_after_it_began() {
    let mut scene = Scene::new();
    let now = scene.at(5);
    scene.census.made(&machine(1, Running), now);
    scene.census.gone(agent(2), now);
    assert_eq!(scene.survey(4, &[machine(2, Running)]), []);
    assert_eq!(scene.states(), [(1, Running)]);
    assert!(!scene.census.misses_somebody());
    // One that is begun later does.
    scene.survey(6, &[machine(2, Running)]);
    assert_eq!(scene.states(), [(1, Running), (2, Running)]);
    assert!(scene.census.misses_somebody());
}

#[test]
fn of_who_is_busy_no_absence_is_proved() {
    let mut scene = Scene::new();
    scene.census.expect(agent(1), &"p/l".into(), scene.at(0));
    for at in [10, 20] {
        let begun = scene.at(at);
        assert_eq!(scene.census.survey(&[], begun, CONFIRM, |_| true), []);
    }
    assert_eq!(scene.states(), [(1, Starting)]);
}

#[test]
fn running_is_told_once_and_an_end_is_looked_at_once() {
    let mut scene = Scene::new();
    let now = scene.at(0);
    assert_eq!(scene.census.made(&machine(1, Starting), now), []);
    let running = BackendEvent::Running(agent(1));
    assert_eq!(
        scene.census.made(&machine(1, Running), now),
        std::slice::from_ref(&running)
    );
    assert_eq!(
        scene.survey(1, &[machine(1, Running), machine(2, Running)]),
        [BackendEvent::Running(agent(2))]
    );
    let ended = Ended(Exit::Code(3));
    let both = [machine(1, ended), machine(2, ended)];
    assert_eq!(scene.survey(2, &both), [BackendEvent::Missed]);
    assert_eq!(scene.survey(3, &both), []);
    assert_eq!(scene.states(), [(1, ended), (2, ended)]);
}

#[test]
fn two_machines_of_one_agent_are_one_agent() {
    let mut scene = Scene::new();
    let mut twin = machine(1, Running);
    twin.id = "twin".into();
    scene.survey(0, &[machine(1, Running), twin]);
    assert_eq!(scene.census.ids(agent(1)), ["id-1", "twin"]);
    assert_eq!(scene.states(), [(1, Running)]);
}

#[test]
fn memory_of_the_gone_is_bounded() {
    let mut scene = Scene::new();
    for number in 0..2 * REMEMBERED as u32 {
        let now = scene.at(0);
        scene.census.gone(agent(number), now);
    }
    assert_eq!(scene.census.gone.len(), REMEMBERED);
}

#[test]
fn a_price_is_told_when_it_is_new() {
    let mut scene = Scene::new();
    let costing = |units: f64| Machine {
        price: Price::per_hour(units),
        ..machine(1, Running)
    };
    let priced = |units: f64| BackendEvent::Priced(agent(1), Price::per_hour(units).unwrap());
    let now = scene.at(0);
    assert_eq!(
        scene.census.made(&costing(0.12), now),
        [priced(0.12), BackendEvent::Running(agent(1))]
    );
    assert_eq!(scene.survey(1, &[costing(0.12)]), []);
    assert_eq!(
        scene.survey(2, &[machine(1, Running)]),
        [],
        "not told is as before"
    );
    assert_eq!(scene.survey(3, &[costing(0.13)]), [priced(0.13)]);
}
