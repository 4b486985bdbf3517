//! Changes that are told of.

use headcount_model::{RedisConnection, RedisServers, RedisTls, Sample, StreamMeasure};
use headcount_ports::Signals;
use headcount_test_redis::{Certificates, Cluster, MASTER, Sentinels, Server, skip, wait_until};

use crate::common::{
    Posted, at, backlog, key, next, pool, rule, shown, signals, stream, until, with_password,
};

async fn listening(
    to: &RedisConnection,
    measure: StreamMeasure,
) -> (headcount_source_redis::RedisSignals, Posted) {
    let (signals, posted) = signals();
    let trigger = stream(to, "s", measure);
    signals
        .configure(vec![(pool("p"), rule(vec![trigger]))])
        .await;
    (signals, posted)
}

#[tokio::test]
async fn an_entry_wakes_at_once_also_on_a_stream_that_did_not_exist() {
    if skip() {
        return;
    }
    let server = Server::start();
    let (_signals, mut posted) = listening(&at(&server.address()), backlog(None)).await;
    until(&mut posted, "0 waiting, 0 in flight, 0 claimable").await;
    server.say(&["XADD", "s", "1-1", "a", "b"]);
    until(&mut posted, "1 waiting, 0 in flight, 0 claimable").await;
    server.say(&["XDEL", "s", "1-1"]);
    until(&mut posted, "0 waiting, 0 in flight, 0 claimable").await;
}

#[tokio::test]
async fn lists_wake_too_and_keys_that_only_begin_alike_do_not() {
    if skip() {
        return;
    }
    let server = Server::start();
    let to = at(&server.address());
    let (signals, mut posted) = signals();
    let rules = ["list", "list:other"].map(|name| (pool(name), rule(vec![key(&to, name)])));
    signals.configure(rules.into()).await;
    let (first, _) = next(&mut posted).await;
    let (second, _) = next(&mut posted).await;
    assert_ne!(first, second, "each is told that listening began");
    server.say(&["RPUSH", "list:foreign", "a"]);
    server.say(&["RPUSH", "list:other", "a"]);
    let (woken, sample) = next(&mut posted).await;
    assert_eq!(woken, pool("list:other"));
    assert_eq!(shown(&sample.readings[0]), "1");
    server.say(&["RPUSH", "list", "a", "b"]);
    let (woken, sample) = next(&mut posted).await;
    assert_eq!(woken, pool("list"));
    assert_eq!(shown(&sample.readings[0]), "2");
}

#[tokio::test]
async fn a_burst_is_few_samples_and_the_last_has_all_of_it() {
    if skip() {
        return;
    }
    let server = Server::start();
    let (_signals, mut posted) = listening(&at(&server.address()), StreamMeasure::Length).await;
    until(&mut posted, "0").await;
    for _ in 0..300 {
        server.say(&["XADD", "s", "*", "a", "b"]);
    }
    let mut samples: Vec<Sample> = Vec::new();
    loop {
        let (_, sample) = next(&mut posted).await;
        let all = shown(&sample.readings[0]) == "300";
        samples.push(sample);
        if all {
            break;
        }
    }
    assert!(samples.len() < 250, "{} samples", samples.len());
    assert!(samples.is_sorted_by(|a, b| a.number < b.number));
}

#[tokio::test]
async fn what_changed_while_nobody_listened_is_posted() {
    if skip() {
        return;
    }
    let mut server = Server::start();
    let (_signals, mut posted) = listening(&at(&server.address()), StreamMeasure::Length).await;
    until(&mut posted, "0").await;
    server.say(&["CONFIG", "SET", "maxclients", "1"]);
    server.kill();
    server.restart();
    server.say(&["XADD", "s", "*", "a", "b"]);
    until(&mut posted, "1").await;
    // A flush tells of no key.
    server.say(&["FLUSHALL"]);
    until(&mut posted, "0").await;
}

#[tokio::test]
async fn every_master_of_a_cluster_tells() {
    if skip() {
        return;
    }
    let cluster = Cluster::start();
    let to = RedisConnection {
        servers: RedisServers::Cluster(cluster.addresses()),
        ..at("")
    };
    let (signals, mut posted) = signals();
    let keys = ["a", "b", "c", "d"];
    let rules = keys.map(|name| (pool(name), rule(vec![key(&to, name)])));
    signals.configure(rules.into()).await;
    for _ in keys {
        next(&mut posted).await;
    }
    for name in keys {
        cluster.masters()[cluster.owner(name)].say(&["RPUSH", name, "1"]);
        let (woken, sample) = next(&mut posted).await;
        assert_eq!(woken, pool(name));
        assert_eq!(shown(&sample.readings[0]), "1");
    }
}

#[tokio::test]
async fn servers_tell_over_tls_too() {
    if skip() {
        return;
    }
    let certificates = Certificates::make();
    let tls = Some(RedisTls {
        ca: Some(certificates.ca.clone()),
        ..RedisTls::default()
    });
    let server = Server::with_tls(&certificates, false, &["requirepass secret"]);
    let alone = RedisConnection {
        tls: tls.clone(),
        ..with_password(at(&server.address()), None, "secret")
    };
    let (_signals, mut posted) = listening(&alone, StreamMeasure::Length).await;
    until(&mut posted, "0").await;
    server.say(&["XADD", "s", "*", "a", "b"]);
    until(&mut posted, "1").await;

    let cluster = Cluster::with_tls(&certificates);
    let several = RedisConnection {
        servers: RedisServers::Cluster(cluster.addresses()),
        tls,
        ..at("")
    };
    let (_signals, mut posted) = listening(&several, StreamMeasure::Length).await;
    until(&mut posted, "0").await;
    cluster.masters()[cluster.owner("s")].say(&["XADD", "s", "*", "a", "b"]);
    until(&mut posted, "1").await;
}

#[tokio::test]
async fn the_new_master_tells_after_a_failover() {
    if skip() {
        return;
    }
    let mut house = Sentinels::start();
    let to = RedisConnection {
        servers: RedisServers::Sentinel {
            addresses: vec![house.sentinel.address()],
            master: MASTER.to_owned(),
            username: None,
            password: None,
        },
        ..at("")
    };
    let (_signals, mut posted) = listening(&to, StreamMeasure::Length).await;
    until(&mut posted, "0").await;
    house.servers[0].say(&["XADD", "s", "*", "a", "b"]);
    until(&mut posted, "1").await;
    wait_until("the replica has it", || {
        house.servers[1].say(&["XLEN", "s"]) == headcount_test_redis::Value::Int(1)
    });
    house.fail_over();
    house.servers[0].say(&["XADD", "s", "*", "a", "b"]);
    until(&mut posted, "2").await;
}

#[tokio::test]
async fn a_user_who_may_not_be_told_can_still_read() {
    if skip() {
        return;
    }
    let server = Server::with(&["user ci on >secret ~* +xlen"]);
    let to = with_password(at(&server.address()), Some("ci"), "secret");
    let (signals, mut posted) = listening(&to, StreamMeasure::Length).await;
    server.say(&["XADD", "s", "*", "a", "b"]);
    let sample = signals.sample(&pool("p")).await.unwrap();
    assert_eq!(shown(&sample.readings[0]), "1");
    assert!(posted.try_recv().is_err(), "nothing was told");
}
