//! When what is new arrived.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use headcount_model::{Reading, RedisConnection, Sample, StreamMeasure, Timestamp};
use headcount_ports::Signals;
use headcount_source_redis::RedisSignals;
use headcount_test_redis::{Server, Value, skip};

use crate::common::{
    Posted, at, backlog, key, next, pool, rule, shown, signals, stream, until, with_password,
};

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap())
}

/// One who may read and is told of nothing, so that the test says when it is read.
fn untold(server: &Server) -> RedisConnection {
    server.say(&["ACL", "SETUSER", "ci", "on", ">secret", "~*", "+@read"]);
    with_password(at(&server.address()), Some("ci"), "secret")
}

async fn reader(to: &RedisConnection, measure: StreamMeasure) -> RedisSignals {
    let (signals, _posted) = signals();
    let rule = rule(vec![stream(to, "s", measure)]);
    signals.configure(vec![(pool("p"), rule)]).await;
    signals
}

async fn sample(signals: &RedisSignals) -> Sample {
    signals.sample(&pool("p")).await.unwrap()
}

/// When the server says that it added this.
fn add(server: &Server) -> Timestamp {
    let Value::BulkString(id) = server.say(&["XADD", "s", "*", "a", "b"]) else {
        panic!("no id");
    };
    let id = String::from_utf8(id).unwrap();
    let millis = id.split_once('-').unwrap().0.parse().unwrap();
    Timestamp::from_millis(millis)
}

#[tokio::test]
async fn the_oldest_entry_of_a_wave_says_when_it_arrived_and_once() {
    if skip() {
        return;
    }
    let server = Server::start();
    let to = untold(&server);
    add(&server);
    for measure in [backlog(None), StreamMeasure::Length] {
        let signals = reader(&to, measure).await;
        let first = sample(&signals).await;
        assert_eq!(first.timing.arrived, None, "it was there before");
        assert_eq!(first.timing.took.len(), 1);
        let oldest = add(&server);
        add(&server);
        let second = sample(&signals).await;
        let bounds = first.as_of.max(oldest).min(second.as_of);
        assert_eq!(second.timing.arrived, Some(bounds));
        assert_eq!(sample(&signals).await.timing.arrived, None);
    }
}

#[tokio::test]
async fn what_a_group_was_given_before_it_was_seen_was_not_waited_for() {
    if skip() {
        return;
    }
    let server = Server::start();
    server.say(&["XGROUP", "CREATE", "s", "g", "0", "MKSTREAM"]);
    let signals = reader(&untold(&server), backlog(None)).await;
    sample(&signals).await;
    add(&server);
    server.say(&["XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">"]);
    let taken = sample(&signals).await;
    assert_eq!(
        shown(&taken.readings[0]),
        "0 waiting, 1 in flight, 0 claimable"
    );
    assert_eq!(taken.timing.arrived, None);
}

#[tokio::test]
async fn a_clock_of_a_server_that_differs_gives_no_moment_that_cannot_be() {
    if skip() {
        return;
    }
    for millis in ["1", "99999999999999"] {
        let server = Server::start();
        let signals = reader(&untold(&server), StreamMeasure::Length).await;
        let before = sample(&signals).await.as_of;
        server.say(&["XADD", "s", &format!("{millis}-1"), "a", "b"]);
        let after = sample(&signals).await;
        let arrived = after.timing.arrived.unwrap();
        assert!(before <= arrived && arrived <= after.as_of, "{arrived:?}");
    }
}

#[tokio::test]
async fn members_of_a_list_arrived_when_that_was_told() {
    if skip() {
        return;
    }
    let server = Server::start();
    let (signals, mut posted) = signals();
    let rules = vec![(pool("p"), rule(vec![key(&at(&server.address()), "list")]))];
    signals.configure(rules).await;
    until(&mut posted, "0").await;
    let before = now();
    server.say(&["RPUSH", "list", "a"]);
    let arrived = arrived(&mut posted).await;
    // The moment is rounded down once, and what had passed since then as well.
    let earliest = before.before(Duration::from_millis(1));
    assert!(earliest <= arrived && arrived <= now(), "{arrived:?}");
    server.say(&["LPOP", "list"]);
    let (_, sample) = next(&mut posted).await;
    assert_eq!(sample.timing.arrived, None, "nothing is new");
}

async fn arrived(posted: &mut Posted) -> Timestamp {
    loop {
        let (_, sample) = next(posted).await;
        if let Some(arrived) = sample.timing.arrived {
            return arrived;
        }
    }
}

#[tokio::test]
async fn large_entries_are_read_at_all_but_not_looked_at_again_and_again() {
    if skip() {
        return;
    }
    let server = Server::start();
    let signals = reader(&untold(&server), StreamMeasure::Length).await;
    sample(&signals).await;
    let large = "x".repeat(100_000);
    server.say(&["XADD", "s", "*", "a", &large]);
    assert!(sample(&signals).await.timing.arrived.is_some());
    server.say(&["CONFIG", "RESETSTAT"]);
    server.say(&["XADD", "s", "*", "a", &large]);
    let later = sample(&signals).await;
    assert_eq!(shown(&later.readings[0]), "2");
    assert!(later.timing.arrived.is_some(), "since the last reading");
    let Value::BulkString(info) = server.say(&["INFO", "commandstats"]) else {
        panic!("no text");
    };
    let info = String::from_utf8(info).unwrap();
    assert!(!info.contains("xrange"), "{info}");
}

#[tokio::test]
async fn a_user_who_may_not_look_still_reads() {
    if skip() {
        return;
    }
    let server = Server::with(&["user ci on >secret ~* +xlen"]);
    let to = with_password(at(&server.address()), Some("ci"), "secret");
    let signals = reader(&to, StreamMeasure::Length).await;
    let first = sample(&signals).await;
    add(&server);
    let second = sample(&signals).await;
    assert!(matches!(second.readings[0], Reading::Known(_)));
    assert_eq!(second.timing.arrived, Some(first.as_of));
}
