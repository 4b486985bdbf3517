//! Pools with triggers whose Jobs are made from something else now.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use common::Scenario;
use headcount_model::{BackendEvent, BackendId};
use headcount_planner::News;

const POOL: &str = "w/work";

/// A daemon whose backends, sources and triggers have answered: nothing waits.
fn quiet(fleet: &str) -> Scenario {
    let mut s = Scenario::new(fleet);
    s.plan();
    s
}

/// The queue changes, and the reader tells.
fn push(s: &mut Scenario, readings: &str) {
    s.outside.queues.says(POOL, readings);
    s.push(POOL);
}

/// Three workers, of which the third is just being made, when what Jobs are made from changes.
fn rolled_out(rollout: &str) -> Scenario {
    let fleet =
        |job: &str| format!("scaler w job={job} rollout={rollout} labels=work queue=backlog");
    let mut s = quiet(&fleet("a"));
    push(&mut s, "3+0+0");
    s.plan();
    for number in 1..=2 {
        s.ok(&format!("create a-1-{number}"));
        s.running(number);
    }
    push(&mut s, "1+2+0");
    s.plan();
    s.configure(&fleet("b"));
    s
}

#[test]
fn agents_of_an_old_recipe_are_ended_at_once_where_the_rollout_is_immediate() {
    let mut s = rolled_out("immediate");
    let text = s.plan();
    assert!(
        text.starts_with("destroy a-1-1: rolled_out\ndestroy a-1-2: rolled_out"),
        "{text}"
    );
    s.ok("create a-1-3");
    assert!(s.plan().starts_with("destroy a-1-3: rolled_out"));
    assert_eq!(
        s.agents(),
        "a-1-1 destroying: rolled_out\n\
         a-1-2 destroying: rolled_out\n\
         a-1-3 destroying: rolled_out"
    );
    s.ok_all();
    // What they held is in flight until it may be claimed; what waits gets somebody new.
    s.plan();
    s.ok_all();
    let text = s.plan();
    assert!(
        text.starts_with("create a-1-4 in w/work: queue_demand\nwake"),
        "{text}"
    );
    s.ok_all();
    s.running(4);
    push(&mut s, "0+3+0");
    assert_eq!(
        s.plan(),
        "wake in 30s: polling_interval",
        "it is of the new recipe"
    );
    push(&mut s, "0+1+2");
    assert!(
        s.plan()
            .starts_with("create a-1-5 in w/work: queue_demand\ncreate a-1-6")
    );
}

#[test]
fn agents_of_an_old_recipe_end_by_themselves_where_the_rollout_is_gradual() {
    let mut s = rolled_out("gradual");
    s.plan();
    s.ok_all();
    assert_eq!(
        s.agents(),
        "a-1-1 ready: feeds_itself\n\
         a-1-2 ready: feeds_itself\n\
         a-1-3 starting: queue_demand"
    );
}

#[test]
fn nobody_is_rolled_out_while_facts_are_stale() {
    let mut s = rolled_out("immediate");
    s.tell(News::Backend(
        BackendId::new("bare-metal"),
        BackendEvent::Missed,
    ));
    let text = s.plan();
    assert!(!text.contains("rolled_out"), "{text}");
    assert!(
        s.agents().contains("a-1-1 ready: facts_stale"),
        "{}",
        s.agents()
    );
    s.ok("list");
    assert!(s.plan().contains("destroy a-1-1: rolled_out"));
}
