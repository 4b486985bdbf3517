//! Servers that are away, silent, or come back.

use std::time::Instant;

use headcount_model::{RedisConnection, RedisServers, StreamMeasure};
use headcount_ports::Signals;
use headcount_source_redis::READING_PATIENCE;
use headcount_test_redis::{Cluster, Server, skip};

use crate::common::{at, pool, rule, said, shown, signals, stream, until};

#[tokio::test]
async fn a_server_that_is_not_there_is_unknown_and_never_zero() {
    assert_eq!(
        said(stream(&at("127.0.0.1:1"), "s", StreamMeasure::Length)).await,
        "Transient: redis at 127.0.0.1:1 cannot be reached: connection refused; is it running, \
         and is the address right?"
    );
}

#[tokio::test]
async fn a_server_that_was_killed_is_unknown_until_it_is_back() {
    if skip() {
        return;
    }
    let mut server = Server::start();
    let trigger = stream(&at(&server.address()), "s", StreamMeasure::Length);
    let (signals, mut posted) = signals();
    server.say(&["XADD", "s", "*", "a", "b"]);
    signals
        .configure(vec![(pool("p"), rule(vec![trigger]))])
        .await;
    until(&mut posted, "1").await;
    server.kill();
    let away = signals.sample(&pool("p")).await.unwrap();
    let text = shown(&away.readings[0]);
    assert!(text.starts_with("Transient: redis at"), "{text}");
    server.restart();
    // Nobody asks: that it is back is posted.
    until(&mut posted, "1").await;
    server.say(&["XADD", "s", "*", "a", "b"]);
    until(&mut posted, "2").await;
    let back = signals.sample(&pool("p")).await.unwrap();
    assert_eq!(shown(&back.readings[0]), "2");
}

#[tokio::test]
async fn many_pools_of_a_silent_server_do_not_wait_one_after_the_other() {
    if skip() {
        return;
    }
    let server = Server::start();
    let (signals, _posted) = signals();
    let names: Vec<String> = (0..20).map(|n| format!("p{n}")).collect();
    let rules = names.iter().map(|name| {
        let trigger = stream(&at(&server.address()), name, StreamMeasure::Length);
        (pool(name), rule(vec![trigger]))
    });
    signals.configure(rules.collect()).await;
    server.pause();
    let begun = Instant::now();
    let asked = names.iter().map(|name| pool(name));
    let asked: Vec<_> = asked.collect();
    let samples = futures_util::future::join_all(asked.iter().map(|p| signals.sample(p))).await;
    let took = begun.elapsed();
    server.resume();
    for sample in samples {
        assert_eq!(
            shown(&sample.unwrap().readings[0]),
            format!(
                "Transient: redis at {} does not answer within 2 s; it is overloaded, or the \
                 network is",
                server.address()
            )
        );
    }
    assert!(took < READING_PATIENCE * 2, "{took:?}");
}

#[tokio::test]
async fn a_server_that_is_loading_is_said() {
    if skip() {
        return;
    }
    let slow = [
        "key-load-delay 300",
        "loading-process-events-interval-bytes 1024",
    ];
    let mut server = Server::with(&slow);
    let fill = "for i = 1, 10000 do redis.call('SET', i, i) end";
    server.say(&["EVAL", fill, "0"]);
    server.kill();
    let loading = server.restart_loading();
    assert_eq!(
        said(stream(&at(&loading), "s", StreamMeasure::Length)).await,
        format!(
            "Transient: redis at {loading} is not ready: LOADING Redis is loading the dataset in \
             memory; nothing to do unless it lasts"
        )
    );
}

#[tokio::test]
async fn a_cluster_without_one_of_its_masters_is_unknown_until_it_is_back() {
    if skip() {
        return;
    }
    let mut cluster = Cluster::start();
    let to = RedisConnection {
        servers: RedisServers::Cluster(cluster.addresses()),
        ..at("")
    };
    let owner = cluster.owner("s");
    cluster.masters()[owner].say(&["XADD", "s", "*", "a", "b"]);
    let trigger = stream(&to, "s", StreamMeasure::Length);
    let (signals, mut posted) = signals();
    signals
        .configure(vec![(pool("p"), rule(vec![trigger]))])
        .await;
    until(&mut posted, "1").await;
    cluster.masters_mut()[owner].kill();
    let away = signals.sample(&pool("p")).await.unwrap();
    let text = shown(&away.readings[0]);
    assert!(text.starts_with("Transient: redis at"), "{text}");
    cluster.masters_mut()[owner].restart();
    // Listening begins again, and that is posted.
    until(&mut posted, "1").await;
}
