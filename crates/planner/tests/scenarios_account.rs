//! What the time of agents goes into, from the order to the confirmed absence, and what it
//! costs.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use std::collections::BTreeMap;

use common::{FLEETS, Scenario, agent, event};
use headcount_model::{
    AgentId, Answer, BackendEvent, BackendId, Exit, Price, Refusal, TimeSpent, Timestamp,
};
use headcount_planner::News;
use proptest::prelude::*;

const ONE: &str = "scaler local labels=linux jobs=2 idle=60 price=0.5";

/// Every piece of time so far, by agent and beginning: the later word on a piece replaces
/// the earlier one, as it does in the ledger.
fn pieces(s: &mut Scenario) -> BTreeMap<(AgentId, Timestamp), TimeSpent> {
    let more = s.world.take_changes().time_spent;
    s.spent.extend(more);
    let spent = s.spent.iter();
    spent.map(|it| ((it.agent, it.from), it.clone())).collect()
}

/// In milliseconds.
fn spent(s: &mut Scenario) -> String {
    let pieces = pieces(s);
    let pieces = pieces.values().map(|it| {
        let price = it.price.map(|price| price.as_micros().to_string());
        let price = price.unwrap_or_else(|| "?".to_owned());
        let span = it.until.since(it.from).as_millis();
        format!("{} {} {span} at {price}\n", it.agent, it.usage.code())
    });
    pieces.collect()
}

fn priced(s: &mut Scenario, number: u32, micros: u64) -> Answer {
    let told = BackendEvent::Priced(agent(number), Price::from_micros(micros).unwrap());
    s.tell(News::Backend(BackendId::new("bare-metal"), told))
}

#[test]
fn every_moment_of_an_agent_goes_into_one_thing() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    s.at(1).ok_all();
    s.at(10).register(1);
    s.at(11).hand_out();
    s.at(12).claim_all();
    s.at(112).exit(1, 1, 1, 0);
    s.plan();
    s.at(172).plan();
    s.ok_all();
    s.at(175).gone(1, Exit::Code(0));
    assert_eq!(
        spent(&mut s),
        "\
a-1-1 booting 10000 at 500000
a-1-1 idle 2000 at 500000
a-1-1 useful 100000 at 500000
a-1-1 idle 60000 at 500000
a-1-1 draining 3000 at 500000
"
    );
}

#[test]
fn one_that_never_became_ready_failed_from_its_order_to_its_absence() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    s.ok_all();
    s.at(300).plan();
    assert_eq!(spent(&mut s), "", "it is not over");
    s.at(305).ok("destroy a-1-1");
    assert_eq!(spent(&mut s), "a-1-1 failed 305000 at 500000\n");
}

#[test]
fn one_that_vanished_while_it_started_failed_too() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    s.ok_all();
    s.at(7).gone(1, Exit::Code(1));
    assert_eq!(spent(&mut s), "a-1-1 failed 7000 at 500000\n");
}

#[test]
fn a_worker_is_useful_while_it_runs() {
    let mut s = Scenario::new("scaler w labels=w worker keep=1");
    s.at(2).running(1);
    s.at(9).gone(1, Exit::Code(0));
    assert_eq!(
        spent(&mut s),
        "a-1-1 booting 2000 at ?\na-1-1 useful 7000 at ?\n"
    );
}

#[test]
fn room_in_a_machine_pool_is_asked_for_without_a_machine() {
    let mut s = Scenario::new("shared host cpu=8000\nscaler m labels=m machine=host");
    s.jobs("m", 1).plan();
    s.at(5).ok("reserve a-1-1");
    s.plan();
    s.at(6).ok("create a-1-1");
    s.at(9).gone(1, Exit::Code(1));
    s.at(20).plan();
    s.ok_all();
    assert_eq!(spent(&mut s), "a-1-1 failed 4000 at ?\n");
}

#[test]
fn a_price_that_is_told_replaces_the_configured_one_from_the_order_on() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).plan();
    s.ok_all();
    assert_eq!(priced(&mut s, 1, 120_000), Answer::Applied);
    assert_eq!(priced(&mut s, 1, 120_000), Answer::Known);
    s.at(10).register(1);
    s.at(20);
    assert_eq!(priced(&mut s, 1, 130_000), Answer::Applied, "it went up");
    s.at(25).gone(1, Exit::Code(1));
    assert_eq!(
        spent(&mut s),
        "a-1-1 booting 10000 at 120000\n\
         a-1-1 idle 10000 at 120000\n\
         a-1-1 idle 5000 at 130000\n"
    );
    let unknown = Answer::Refused(Refusal::UnknownAgent);
    assert_eq!(priced(&mut s, 1, 1), unknown);
}

#[test]
fn a_first_price_that_is_told_late_holds_from_the_order_on() {
    let mut s = Scenario::new("scaler local labels=linux jobs=2 idle=60");
    s.jobs("linux", 1).plan();
    s.at(10).register(1);
    s.at(11);
    assert!(spent(&mut s).contains("booting 10000 at ?"));
    priced(&mut s, 1, 120_000);
    s.at(12).gone(1, Exit::Code(1));
    assert_eq!(
        spent(&mut s),
        "a-1-1 booting 10000 at 120000\na-1-1 idle 2000 at 120000\n"
    );
}

#[test]
fn a_configured_price_that_changes_holds_from_then_on_where_no_other_was_told() {
    let fleet = |price: &str| format!("scaler local labels=linux jobs=2 idle=60 slots=1 {price}");
    let mut s = Scenario::new(&fleet("price=0.5"));
    s.jobs("linux", 2).plan();
    s.ok_all();
    s.at(10).register(1);
    s.register(2);
    priced(&mut s, 2, 120_000);
    s.at(20).configure(&fleet("price=0.25"));
    s.at(30).configure(&fleet(""));
    s.at(35).gone(1, Exit::Code(1));
    s.gone(2, Exit::Code(1));
    assert_eq!(
        spent(&mut s),
        "a-1-1 booting 10000 at 500000\n\
         a-1-1 idle 10000 at 500000\n\
         a-1-1 idle 10000 at 250000\n\
         a-1-1 idle 5000 at ?\n\
         a-1-2 booting 10000 at 500000\n\
         a-1-2 idle 25000 at 120000\n"
    );
}

#[test]
fn accounts_go_on_over_a_restart() {
    let mut s = Scenario::new(ONE);
    s.jobs("linux", 1).run();
    s.at(100);
    let mut s = s.restart(ONE);
    s.at(150).resume(1, &[(1, 1)]);
    s.at(160).exit(1, 1, 1, 0);
    assert_eq!(spent(&mut s), "a-1-1 useful 160000 at 500000\n");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_the_pieces_follow_each_other(
        events in prop::collection::vec(event(), 1..120),
    ) {
        let mut s = Scenario::started(FLEETS[0]);
        for event in events {
            s.happen(event);
        }
        let pieces = pieces(&mut s);
        let mut ends: BTreeMap<AgentId, Timestamp> = BTreeMap::new();
        for it in pieces.values() {
            prop_assert!(it.from < it.until, "{it:?}");
            if let Some(before) = ends.insert(it.agent, it.until) {
                prop_assert_eq!(before, it.from, "{:?}", it);
            }
        }
        for agent in s.world.agents() {
            let open = agent.record().account.map(|account| account.since);
            let from = ends.get(&agent.id()).copied();
            if let (Some(open), Some(from)) = (open, from) {
                prop_assert_eq!(open, from, "{}", agent.id());
            }
        }
    }
}
