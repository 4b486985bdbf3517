//! A long stream and many pools: a constant number of commands, whatever the length.

use std::collections::BTreeMap;

use headcount_ports::Signals;
use headcount_test_redis::{Server, Value, skip};

use crate::common::{at, backlog, pool, rule, signals, stream};

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
            ["xinfo|groups", "xlen", "xpending"],
            "{entries} entries"
        );
        // That listening began is one more sample each at most.
        let most = 2 * u64::try_from(POOLS).unwrap();
        assert!(calls.values().all(|&n| n <= most), "{calls:?}");
    }
}
