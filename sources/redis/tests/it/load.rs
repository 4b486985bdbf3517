//! A long stream and many pools: a constant number of commands, whatever the length.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use headcount_model::StreamMeasure;
use headcount_ports::Signals;
use headcount_test_redis::{Server, Value, skip};

use crate::common::{at, backlog, next, pool, rule, shown, signals, stream};

const POOLS: usize = 50;

/// How often each command was called.
fn calls(server: &Server) -> BTreeMap<String, u64> {
    let Value::BulkString(info) = server.say(&["INFO", "commandstats"]) else {
        panic!("no text");
    };
    let info = String::from_utf8(info).unwrap();
    let lines = info
        .lines()
        .filter_map(|line| line.strip_prefix("cmdstat_"));
    let pairs = lines.map(|line| {
        let (name, numbers) = line.split_once(":calls=").unwrap();
        let calls = numbers.split(',').next().unwrap();
        (name.to_owned(), calls.parse().unwrap())
    });
    pairs
        .filter(|(name, _): &(String, u64)| name.starts_with('x'))
        .collect()
}

#[tokio::test]
async fn a_pool_asks_as_much_of_a_long_stream_as_of_a_short_one() {
    if skip() {
        return;
    }
    for entries in [1, 100_000] {
        let server = Server::start();
        let fill =
            format!("for i = 1, {entries} do redis.call('XADD', 's', i .. '-1', 'a', 'b') end");
        server.say(&["EVAL", &fill, "0"]);
        server.say(&["XGROUP", "CREATE", "s", "g", "0"]);
        server.say(&[
            "XREADGROUP",
            "GROUP",
            "g",
            "c",
            "COUNT",
            "1",
            "STREAMS",
            "s",
            ">",
        ]);
        server.say(&["CONFIG", "RESETSTAT"]);
        let (signals, _posted) = signals();
        let later = Some(std::time::Duration::from_secs(600));
        let to = at(&server.address());
        let rules = (0..POOLS).map(|n| {
            let trigger = stream(&to, "s", backlog(later));
            (pool(&n.to_string()), rule(vec![trigger]))
        });
        signals.configure(rules.collect()).await;
        for n in 0..POOLS {
            signals.sample(&pool(&n.to_string())).await.unwrap();
        }
        drop(signals);
        let calls = calls(&server);
        let names: Vec<&str> = calls.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["xinfo|groups", "xlen", "xpending", "xrange", "xrevrange"],
            "{entries} entries"
        );
        // That listening began is one more sample each at most.
        let most = 2 * u64::try_from(POOLS).unwrap();
        assert!(calls.values().all(|&n| n <= most), "{calls:?}");
    }
}

#[tokio::test]
async fn what_many_pools_ask_at_the_same_time_is_asked_once_and_answered_to_each() {
    if skip() {
        return;
    }
    let server = Server::start();
    for n in 0..POOLS {
        server.say(&["XADD", "s", "*", "a", "b"]);
        server.say(&["XGROUP", "CREATE", "s", &n.to_string(), "0"]);
    }
    for n in 1..POOLS {
        let (group, count) = (n.to_string(), n.to_string());
        let take = ["XREADGROUP", "GROUP", &group, "c", "COUNT", &count];
        server.say(&[&take[..], &["STREAMS", "s", ">"]].concat());
    }
    let (signals, mut posted) = signals();
    let to = at(&server.address());
    let names: Vec<String> = (0..POOLS).map(|n| n.to_string()).collect();
    let rules = names.iter().map(|name| {
        let measure = StreamMeasure::Backlog {
            group: name.clone(),
            claim_after: None,
        };
        (pool(name), rule(vec![stream(&to, "s", measure)]))
    });
    signals.configure(rules.collect()).await;
    for _ in 0..POOLS {
        // That listening began; from here on nobody else asks.
        next(&mut posted).await;
    }
    server.say(&["CONFIG", "RESETSTAT"]);
    let pools: Vec<_> = names.iter().map(|name| pool(name)).collect();
    let samples = join_all(pools.iter().map(|pool| signals.sample(pool))).await;
    for (n, sample) in samples.into_iter().enumerate() {
        let said = shown(&sample.unwrap().readings[0]);
        let waiting = POOLS - n;
        assert_eq!(
            said,
            format!("{waiting} waiting, {n} in flight, 0 claimable")
        );
    }
    let once = ["xinfo|groups", "xlen", "xrange", "xrevrange"];
    let once = once.map(|name| (name.to_owned(), 1));
    assert_eq!(calls(&server), BTreeMap::from(once));
}
