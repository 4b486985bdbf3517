//! Pools that come, change and go.

use headcount_model::StreamMeasure;
use headcount_ports::Signals;
use headcount_test_redis::{Server, skip};

use crate::common::{at, key, next, pool, rule, shown, signals, stream, until};

fn connections(server: &Server) -> String {
    let info = server.say(&["INFO", "stats"]);
    let headcount_test_redis::Value::BulkString(info) = info else {
        panic!("no text: {info:?}");
    };
    let info = String::from_utf8(info).unwrap();
    let mut lines = info.lines();
    let line = lines.find(|line| line.starts_with("total_connections_received"));
    line.unwrap().to_owned()
}

#[tokio::test]
async fn what_did_not_change_stays_open() {
    if skip() {
        return;
    }
    let server = Server::start();
    let to = at(&server.address());
    let rules = || {
        let trigger = stream(&to, "s", StreamMeasure::Length);
        vec![(pool("p"), rule(vec![trigger]))]
    };
    let (signals, mut posted) = signals();
    signals.configure(rules()).await;
    let first = until(&mut posted, "0").await;
    // Looking is one connection each time, so both looks count one more than before.
    let before = connections(&server);
    let count = |text: &str| {
        text.split(':')
            .nth(1)
            .unwrap()
            .trim()
            .parse::<u64>()
            .unwrap()
    };
    signals.configure(rules()).await;
    server.say(&["XADD", "s", "*", "a", "b"]);
    let second = until(&mut posted, "1").await;
    assert_eq!(count(&connections(&server)), count(&before) + 2);
    assert!(second.number > first.number);
}

#[tokio::test]
async fn a_pool_that_changed_reads_the_new_and_one_that_is_gone_nothing() {
    if skip() {
        return;
    }
    let server = Server::start();
    let to = at(&server.address());
    let (signals, mut posted) = signals();
    let both = ["a", "b"].map(|name| (pool(name), rule(vec![key(&to, name)])));
    signals.configure(both.into()).await;
    next(&mut posted).await;
    next(&mut posted).await;
    let before = signals.sample(&pool("a")).await.unwrap();
    signals
        .configure(vec![(pool("a"), rule(vec![key(&to, "new")]))])
        .await;
    server.say(&["RPUSH", "new", "1", "2", "3"]);
    let after = until(&mut posted, "3").await;
    assert!(after.number > before.number, "numbers only grow");
    let gone = signals.sample(&pool("b")).await.unwrap_err();
    assert_eq!(gone.message, "pool b has no triggers");
    let now = signals.sample(&pool("a")).await.unwrap();
    assert_eq!(shown(&now.readings[0]), "3");
    signals.configure(Vec::new()).await;
    signals
        .configure(vec![(pool("a"), rule(vec![key(&to, "new")]))])
        .await;
    let back = signals.sample(&pool("a")).await.unwrap();
    assert!(back.number > now.number, "also after it was gone");
}

#[tokio::test]
async fn nothing_listens_once_it_is_dropped() {
    if skip() {
        return;
    }
    let server = Server::start();
    let (signals, mut posted) = signals();
    let trigger = stream(&at(&server.address()), "s", StreamMeasure::Length);
    signals
        .configure(vec![(pool("p"), rule(vec![trigger]))])
        .await;
    until(&mut posted, "0").await;
    drop(signals);
    // Everything that could post has ended, so the inbox is closed.
    let closed = async { while posted.recv().await.is_some() {} };
    tokio::time::timeout(crate::common::PATIENCE, closed)
        .await
        .expect("the inbox is closed");
}
