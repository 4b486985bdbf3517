//! Passwords, users, databases, TLS, clusters and sentinels.

use std::sync::Arc;

use headcount_model::{
    RedisConnection, RedisServers, RedisTls, Secret, StreamMeasure, Trigger, TriggerKind,
};
use headcount_ports::Signals;
use headcount_test_redis::{Certificates, Cluster, MASTER, Sentinels, Server, skip, wait_until};

use crate::common::{at, key, pool, read, rule, said, shown, signals, stream, with_password};

fn length(to: &RedisConnection) -> Trigger {
    stream(to, "s", StreamMeasure::Length)
}

#[tokio::test]
async fn passwords_and_users_are_given() {
    if skip() {
        return;
    }
    let server = Server::with(&["requirepass secret", "user ci on >other ~* +xlen"]);
    server.say(&["XADD", "s", "*", "a", "b"]);
    let to = at(&server.address());
    assert_eq!(
        said(length(&with_password(to.clone(), None, "secret"))).await,
        "1"
    );
    assert_eq!(
        said(length(&with_password(to, Some("ci"), "other"))).await,
        "1"
    );
}

#[tokio::test]
async fn databases_are_chosen() {
    if skip() {
        return;
    }
    let server = Server::start();
    let fill = "redis.call('SELECT', 3) redis.call('XADD', 's', '*', 'a', 'b')";
    server.say(&["EVAL", fill, "0"]);
    let third = RedisConnection {
        database: 3,
        ..at(&server.address())
    };
    assert_eq!(said(length(&third)).await, "1");
    let none = RedisConnection {
        database: 99,
        ..at(&server.address())
    };
    assert_eq!(
        said(length(&none)).await,
        format!(
            "Invalid: redis at {} has no such database: ERR DB index is out of range; check the \
             database index of the trigger",
            server.address()
        )
    );
}

fn tls(server: &Server, tls: RedisTls) -> RedisConnection {
    RedisConnection {
        tls: Some(tls),
        ..at(&server.address())
    }
}

#[tokio::test]
async fn tls_trusts_what_it_is_told_to() {
    if skip() {
        return;
    }
    let certificates = Certificates::make();
    let server = Server::with_tls(&certificates, false, &[]);
    let trusting = RedisTls {
        ca: Some(certificates.ca.clone()),
        ..RedisTls::default()
    };
    assert_eq!(said(length(&tls(&server, trusting))).await, "0");
    let careless = RedisTls {
        insecure: true,
        ..RedisTls::default()
    };
    assert_eq!(said(length(&tls(&server, careless))).await, "0");
    let other = RedisTls {
        ca: Some(Certificates::make().ca),
        ..RedisTls::default()
    };
    assert_eq!(
        said(length(&tls(&server, other))).await,
        format!(
            "Invalid: no secure connection to redis at {}: invalid peer certificate: BadSignature; check \
             the certificates of the trigger, and whether the server speaks TLS at this address",
            server.address()
        )
    );
}

#[tokio::test]
async fn tls_shows_its_own_certificate() {
    if skip() {
        return;
    }
    let certificates = Certificates::make();
    let server = Server::with_tls(&certificates, true, &[]);
    let client = (
        certificates.client.clone(),
        Secret::new(certificates.client_key.clone()),
    );
    let known = RedisTls {
        ca: Some(certificates.ca.clone()),
        client: Some(client),
        insecure: false,
    };
    assert_eq!(said(length(&tls(&server, known))).await, "0");
    let unknown = RedisTls {
        ca: Some(certificates.ca.clone()),
        ..RedisTls::default()
    };
    let text = said(length(&tls(&server, unknown))).await;
    assert_eq!(
        text,
        format!(
            "Invalid: no secure connection to redis at {}: received fatal alert: \
             CertificateRequired; check the certificates of the trigger, and whether the server \
             speaks TLS at this address",
            server.address()
        )
    );
}

#[tokio::test]
async fn tls_to_a_server_that_has_none_is_said() {
    if skip() {
        return;
    }
    let server = Server::start();
    assert_eq!(
        said(length(&tls(&server, RedisTls::default()))).await,
        format!(
            "Transient: redis at {} does not answer to TLS within 2 s; does it speak TLS at this \
             address, and is the trigger to use it?",
            server.address()
        )
    );
}

#[tokio::test]
async fn keys_of_a_cluster_are_read_wherever_they_are() {
    if skip() {
        return;
    }
    let cluster = Cluster::start();
    let keys = ["a", "b", "c", "d", "e"];
    for key in keys {
        cluster.masters()[cluster.owner(key)].say(&["RPUSH", key, "1", "2"]);
    }
    let owner = &cluster.masters()[cluster.owner("s")];
    owner.say(&["XADD", "s", "*", "a", "b"]);
    let to = RedisConnection {
        servers: RedisServers::Cluster(cluster.addresses()[1..2].to_vec()),
        ..at("")
    };
    let mut triggers: Vec<Trigger> = keys.map(|name| key(&to, name)).into();
    triggers.push(stream(&to, "s", crate::common::backlog(None)));
    let readings: Vec<String> = read(triggers).await.iter().map(shown).collect();
    let backlog = "1 waiting, 0 in flight, 0 claimable";
    assert_eq!(readings, ["2", "2", "2", "2", "2", backlog]);
}

#[tokio::test]
async fn a_cluster_that_is_taken_for_one_server_is_said() {
    if skip() {
        return;
    }
    let cluster = Cluster::start();
    let other = (cluster.owner("s") + 1) % 3;
    let address = cluster.masters()[other].address();
    let text = said(length(&at(&address))).await;
    let begin = format!("Invalid: redis at {address} is part of a cluster: MOVED ");
    assert!(text.starts_with(&begin), "{text}");
    assert!(
        text.ends_with("; use the cluster spelling of the trigger"),
        "{text}"
    );
}

fn by_sentinel(house: &Sentinels, master: &str) -> RedisConnection {
    RedisConnection {
        servers: RedisServers::Sentinel {
            addresses: vec!["127.0.0.1:1".to_owned(), house.sentinel.address()],
            master: master.to_owned(),
            username: None,
            password: None,
        },
        ..at("")
    }
}

#[tokio::test]
async fn the_master_is_asked_before_and_after_a_failover() {
    if skip() {
        return;
    }
    let mut house = Sentinels::start();
    let to = by_sentinel(&house, MASTER);
    let trigger = length(&to);
    let (signals, _posted) = signals();
    signals
        .configure(vec![(pool("p"), rule(vec![trigger]))])
        .await;
    let now = async || {
        let sample = signals.sample(&pool("p")).await.unwrap();
        shown(&sample.readings[0])
    };
    house.servers[0].say(&["XADD", "s", "*", "a", "b"]);
    assert_eq!(now().await, "1");
    wait_until("the replica has it", || {
        house.servers[1].say(&["XLEN", "s"]) == headcount_test_redis::Value::Int(1)
    });
    house.fail_over();
    house.servers[0].say(&["XADD", "s", "*", "a", "b"]);
    house.servers[1].kill();
    assert_eq!(now().await, "2");
}

#[tokio::test]
async fn sentinels_that_do_not_help_are_said() {
    if skip() {
        return;
    }
    let house = Sentinels::start();
    let unknown = by_sentinel(&house, "castle");
    assert_eq!(
        said(length(&unknown)).await,
        format!(
            "Invalid: no sentinel of 127.0.0.1:1, {} knows a master \"castle\"; check its name in \
             the trigger",
            house.sentinel.address()
        )
    );
    let servers = RedisServers::Sentinel {
        addresses: vec!["127.0.0.1:1".to_owned()],
        master: MASTER.to_owned(),
        username: None,
        password: None,
    };
    let away = RedisConnection { servers, ..at("") };
    assert_eq!(
        said(length(&away)).await,
        "Transient: no sentinel of 127.0.0.1:1 can be reached: connection refused; are they \
         running, and are the addresses right?"
    );
}

#[tokio::test]
async fn what_is_no_address_is_said() {
    for address in [
        "",
        "host",
        "host:",
        "host:x",
        ":6379",
        "::1:6379",
        "host:99999",
    ] {
        assert_eq!(
            said(length(&at(address))).await,
            format!(
                "Invalid: {address:?} is not an address; write host:port, an IPv6 host in brackets"
            )
        );
    }
}

#[tokio::test]
async fn equal_connections_are_one() {
    if skip() {
        return;
    }
    let server = Server::start();
    let (signals, _posted) = signals();
    let rules = ["a", "b", "c"].map(|name| {
        // Each has settings of its own that happen to be equal.
        let kind = TriggerKind::RedisKey {
            connection: Arc::new(at(&server.address())),
            key: name.to_owned(),
        };
        (pool(name), rule(vec![crate::common::trigger(kind)]))
    });
    signals.configure(rules.into()).await;
    for name in ["a", "b", "c"] {
        signals.sample(&pool(name)).await.unwrap();
    }
    let clients = server.say(&["CLIENT", "LIST", "TYPE", "normal"]);
    let headcount_test_redis::Value::BulkString(clients) = clients else {
        panic!("no list: {clients:?}");
    };
    let clients = String::from_utf8(clients).unwrap();
    let reading = clients.lines().filter(|line| line.contains("cmd=hlen"));
    assert_eq!(reading.count(), 1, "{clients}");
}
