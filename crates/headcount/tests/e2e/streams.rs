//! Streams: as many host processes as a Redis stream calls for, each of which feeds itself.

use crate::harness::{Consumers, Wanted, until};

#[test]
fn one_message_wakes_one_worker_from_zero_and_the_pool_returns_to_zero() {
    let Some(consumers) = Consumers::up(&Wanted::default()) else {
        return;
    };
    consumers.add("alone");
    consumers.await_done(1);
    assert_eq!(consumers.noted("took").values().sum::<usize>(), 1);
    assert_eq!(consumers.notes().most(), 1);
    consumers.house.close();
}

#[test]
fn a_burst_stays_under_the_cap_and_makes_no_worker_for_nothing() {
    const MESSAGES: usize = 30;
    let Some(consumers) = Consumers::up(&Wanted::default()) else {
        return;
    };
    for n in 0..MESSAGES {
        consumers.add(&format!("work-{n}"));
    }
    consumers.await_done(MESSAGES);
    assert!(consumers.notes().most() <= 4, "{:?}", consumers.notes());
    assert!(consumers.noted("idle").is_empty());
    let done = consumers.noted("did");
    assert!(done.values().all(|times| *times == 1), "{done:?}");
    consumers.assert_drained();
    consumers.house.close();
}

#[test]
fn while_redis_is_away_nothing_is_made_or_ended_and_explained() {
    let Some(mut consumers) = Consumers::up(&Wanted::default()) else {
        return;
    };
    consumers.add("held");
    consumers.await_taken(1);
    consumers.server.kill();
    let pool = until("the pool says so", || {
        let pools = consumers.house.run(&["pools", "--json"]).good().json();
        let pool = pools[0].clone();
        (pool["limitedBy"] == "signal_unknown").then_some(pool)
    });
    assert_eq!(pool["agents"]["total"], 1, "who works stays: {pool:#}");
    let why = format!(
        "redis at {} cannot be reached: connection refused; is it running, and is the address right?",
        consumers.server.address()
    );
    assert_eq!(pool["limitedByDetail"], why.as_str());

    consumers.server.restart();
    consumers.let_go();
    consumers.add("later");
    consumers.await_done(2);
    assert!(consumers.noted("idle").is_empty());
    consumers.house.close();
}

#[test]
fn a_daemon_killed_in_a_burst_loses_no_message() {
    const MESSAGES: usize = 20;
    let Some(mut consumers) = Consumers::up(&Wanted::default()) else {
        return;
    };
    for n in 0..MESSAGES {
        consumers.add(&format!("work-{n}"));
        if n % 7 == 3 {
            until("work goes on", || {
                (consumers.noted("took").len() > n / 4).then_some(())
            });
            consumers.house.kill_daemon();
            consumers.house.start();
        }
    }
    consumers.await_done(MESSAGES);
    let done = consumers.noted("did");
    for n in 0..MESSAGES {
        assert_eq!(done.get(&format!("work-{n}")), Some(&1), "{done:?}");
    }
    consumers.assert_drained();
    consumers.house.close();
}
