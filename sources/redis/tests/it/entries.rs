//! Entries of a stream, taken, kept and ended, while things are killed.

use std::sync::Arc;
use std::time::Duration;

use headcount_ports::SourceError;
use headcount_source_redis::{Entries, Entry, Group};
use headcount_test_redis::{Cluster, Server, Value, skip};

use crate::common::at;

const NOW: Duration = Duration::ZERO;
const LATER: Duration = Duration::from_secs(600);

fn group(server: &Server, consumer: &str) -> Group {
    Group {
        connection: Arc::new(at(&server.address())),
        stream: "s".to_owned(),
        group: "g".to_owned(),
        consumer: consumer.to_owned(),
        dead_letters: "s-dlq".to_owned(),
    }
}

fn entries(server: &Server, consumer: &str) -> Entries {
    Entries::new(group(server, consumer))
}

fn add(server: &Server, ids: &[&str]) {
    for id in ids {
        server.say(&["XADD", "s", id, "job", id]);
    }
}

/// Id, deliveries, the value of the first field.
fn shown(entries: &[Entry]) -> Vec<String> {
    let one = |entry: &Entry| {
        let fields = entry.fields.as_ref();
        let value = fields.map(|fields| String::from_utf8_lossy(&fields[0].1).into_owned());
        format!(
            "{} {} {}",
            entry.id,
            entry.deliveries,
            value.as_deref().unwrap_or("gone")
        )
    };
    entries.iter().map(one).collect()
}

fn pending(server: &Server) -> usize {
    match server.say(&["XPENDING", "s", "g", "-", "+", "100"]) {
        Value::Array(rows) => rows.len(),
        other => panic!("no rows: {other:?}"),
    }
}

#[tokio::test]
async fn what_waited_before_the_group_is_not_skipped() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1"]);
    let ours = entries(&server, "a");
    ours.prepare().await.unwrap();
    ours.prepare().await.unwrap();
    assert_eq!(shown(&ours.next(1).await.unwrap()), ["1-1 1 1-1"]);
    assert_eq!(shown(&ours.next(9).await.unwrap()), ["2-1 1 2-1"]);
    assert_eq!(shown(&ours.next(9).await.unwrap()), [""; 0]);
}

#[tokio::test]
async fn what_was_given_is_found_again_until_it_ends() {
    if skip() {
        return;
    }
    let mut server = Server::start();
    add(&server, &["1-1", "2-1", "3-1"]);
    let ours = entries(&server, "a");
    ours.prepare().await.unwrap();
    let taken = ours.next(3).await.unwrap();
    drop(ours);
    server.kill();
    server.restart();
    let again = entries(&server, "a");
    assert_eq!(again.mine(None, 9).await.unwrap(), taken);
    assert_eq!(again.mine(None, 2).await.unwrap(), taken[..2]);
    let second = Some(taken[1].id);
    assert_eq!(again.mine(second, 9).await.unwrap(), taken[2..]);
    assert_eq!(again.acknowledge(&[taken[0].id]).await, Ok(1));
    assert_eq!(again.acknowledge(&[taken[0].id]).await, Ok(0), "once");
    server.kill();
    server.restart();
    assert_eq!(again.mine(None, 9).await.unwrap(), taken[1..]);
    assert_eq!(entries(&server, "b").mine(None, 9).await.unwrap(), []);
}

#[tokio::test]
async fn entries_of_the_silent_are_claimed_and_kept_ones_are_not() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1", "3-1", "4-1"]);
    let (dead, ours) = (entries(&server, "dead"), entries(&server, "a"));
    dead.prepare().await.unwrap();
    let taken = dead.next(3).await.unwrap();
    server.say(&["XDEL", "s", "2-1"]);
    assert_eq!(shown(&ours.claim(9, LATER).await.unwrap()), [""; 0]);
    assert_eq!(shown(&ours.claim(1, NOW).await.unwrap()), ["1-1 2 1-1"]);
    // As if the others had been silent for an hour, of which one tells that it is not.
    server.say(&[
        "XCLAIM", "s", "g", "dead", "0", "3-1", "IDLE", "3600000", "JUSTID",
    ]);
    let both = [taken[0].id, taken[2].id];
    assert_eq!(dead.keep(&both).await, Ok(both[..1].to_vec()), "not ours");
    assert_eq!(shown(&ours.claim(9, LATER).await.unwrap()), [""; 0]);
    server.say(&[
        "XCLAIM", "s", "g", "dead", "0", "3-1", "IDLE", "3600000", "JUSTID",
    ]);
    assert_eq!(shown(&ours.claim(9, LATER).await.unwrap()), ["3-1 2 3-1"]);
    assert_eq!(
        shown(&ours.mine(None, 9).await.unwrap()),
        ["1-1 2 1-1", "3-1 2 3-1"]
    );
}

#[tokio::test]
async fn many_entries_that_are_not_silent_do_not_hide_those_that_are() {
    if skip() {
        return;
    }
    let server = Server::start();
    let many = "for i = 1, 500 do redis.call('XADD', 's', i .. '-1', 'job', i) end";
    server.say(&["EVAL", many, "0"]);
    let (dead, ours) = (entries(&server, "dead"), entries(&server, "a"));
    dead.prepare().await.unwrap();
    assert_eq!(dead.next(500).await.unwrap().len(), 500);
    server.say(&[
        "XCLAIM", "s", "g", "dead", "0", "499-1", "IDLE", "3600000", "JUSTID",
    ]);
    assert_eq!(shown(&ours.claim(2, LATER).await.unwrap()), ["499-1 2 499"]);
}

#[tokio::test]
async fn a_dead_letter_has_everything_and_is_written_once() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1"]);
    let ours = entries(&server, "a");
    ours.prepare().await.unwrap();
    let taken = ours.next(2).await.unwrap();
    assert_eq!(ours.bury(&taken[0], "it never works").await, Ok(true));
    assert_eq!(ours.bury(&taken[0], "it never works").await, Ok(false));
    assert_eq!(pending(&server), 1);
    let letters = server.say(&["XRANGE", "s-dlq", "-", "+"]);
    let letters: Vec<(String, Vec<String>)> = from(&letters);
    let fields: Vec<&str> = letters[0].1.iter().map(String::as_str).collect();
    let expected = "headcount-reason|it never works|headcount-stream|s|headcount-entry|1-1|\
                    headcount-deliveries|1|job|1-1";
    assert_eq!(fields.join("|"), expected);
    assert_eq!(letters.len(), 1);
}

#[tokio::test]
async fn without_scripts_a_letter_is_written_before_the_entry_ends() {
    if skip() {
        return;
    }
    let server = Server::with(&["user ci on >secret ~* +@all -eval"]);
    add(&server, &["1-1"]);
    let mut poor = group(&server, "a");
    let to = crate::common::with_password(at(&server.address()), Some("ci"), "secret");
    poor.connection = Arc::new(to);
    let ours = Entries::new(poor);
    ours.prepare().await.unwrap();
    let taken = ours.next(1).await.unwrap();
    server.say(&["SET", "s-dlq", "no stream"]);
    assert!(ours.bury(&taken[0], "poisoned").await.is_err());
    assert_eq!(pending(&server), 1, "it is not lost");
    server.say(&["DEL", "s-dlq"]);
    assert_eq!(ours.bury(&taken[0], "poisoned").await, Ok(true));
    assert_eq!(ours.bury(&taken[0], "poisoned").await, Ok(false));
    assert_eq!(server.say(&["XLEN", "s-dlq"]), Value::Int(1));
}

pub fn from(value: &Value) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => panic!("no text: {other:?}"),
    };
    let list = |value: &Value| match value {
        Value::Array(members) => members.clone(),
        other => panic!("no list: {other:?}"),
    };
    let rows = list(value).into_iter().map(|row| {
        let row = list(&row);
        (text(&row[0]), list(&row[1]).iter().map(text).collect())
    });
    rows.collect()
}

#[tokio::test]
async fn a_dead_letter_that_cannot_be_written_leaves_the_entry_pending() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1"]);
    let ours = entries(&server, "a");
    ours.prepare().await.unwrap();
    let taken = ours.next(1).await.unwrap();
    server.say(&["CONFIG", "SET", "maxmemory", "1"]);
    let full = ours
        .bury(&taken[0], "poisoned")
        .await
        .unwrap_err()
        .to_string();
    let begin = format!(
        "redis at {} takes no writes: OOM command not allowed when used memory > 'maxmemory'.",
        server.address()
    );
    assert!(full.starts_with(&begin), "{full}");
    server.say(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(pending(&server), 1);
    server.say(&["DEL", "s-dlq"]);
    server.say(&["SET", "s-dlq", "no stream"]);
    assert!(ours.bury(&taken[0], "poisoned").await.is_err());
    assert_eq!(
        server.say(&["GET", "s-dlq"]),
        Value::BulkString(b"no stream".to_vec())
    );
}

#[tokio::test]
async fn a_replica_gives_no_entries_and_a_lost_answer_is_not_no_entry() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1"]);
    let ours = entries(&server, "a");
    ours.prepare().await.unwrap();
    let follow = format!("replicaof 127.0.0.1 {}", server.port());
    let replica = Server::with(&[&follow]);
    headcount_test_redis::wait_until("the replica follows", || {
        replica.say(&["XLEN", "s"]) == Value::Int(1)
    });
    let read_only = entries(&replica, "a").next(1).await.unwrap_err();
    assert_eq!(
        read_only,
        SourceError::Transient(format!(
            "redis at {} takes no writes: READONLY You can't write against a read only replica.; \
             is it a replica, or is its disk or memory full?",
            replica.address()
        ))
    );
    server.pause();
    let silent = ours.next(1).await.unwrap_err();
    server.resume();
    assert!(matches!(silent, SourceError::Unknown(_)), "{silent}");
    headcount_test_redis::wait_until("it was given all the same", || pending(&server) == 1);
    assert_eq!(shown(&ours.mine(None, 9).await.unwrap()), ["1-1 1 1-1"]);
}

#[tokio::test]
async fn entries_that_were_trimmed_or_whose_group_is_gone_are_said() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1"]);
    let ours = entries(&server, "a");
    ours.prepare().await.unwrap();
    ours.next(2).await.unwrap();
    server.say(&["XTRIM", "s", "MINID", "2-1"]);
    assert_eq!(
        shown(&ours.mine(None, 9).await.unwrap()),
        ["1-1 1 gone", "2-1 1 2-1"]
    );
    server.say(&["XGROUP", "DESTROY", "s", "g"]);
    let gone = ours.next(1).await.unwrap_err();
    assert_eq!(
        gone,
        SourceError::Transient(format!(
            "no group \"g\" on stream \"s\" of redis at {}: NOGROUP No such key 's' or consumer \
             group 'g' in XREADGROUP with GROUP option; it counts once the group exists",
            server.address()
        ))
    );
    ours.prepare().await.unwrap();
    assert_eq!(shown(&ours.next(9).await.unwrap()), ["2-1 1 2-1"]);
}

#[tokio::test]
async fn in_a_cluster_dead_letters_may_be_on_another_server() {
    if skip() {
        return;
    }
    let cluster = Cluster::start();
    let mut where_it_is = group(&cluster.masters()[0], "a");
    where_it_is.connection = Arc::new(headcount_model::RedisConnection {
        servers: headcount_model::RedisServers::Cluster(cluster.addresses()),
        ..at("")
    });
    let other = ["x", "y", "z", "w", "v"].into_iter();
    let mut other = other.filter(|key| cluster.owner(key) != cluster.owner("s"));
    where_it_is.dead_letters = other.next().unwrap().to_owned();
    let letters = where_it_is.dead_letters.clone();
    let owner = &cluster.masters()[cluster.owner("s")];
    add(owner, &["1-1"]);
    let ours = Entries::new(where_it_is);
    ours.prepare().await.unwrap();
    let taken = ours.next(1).await.unwrap();
    assert_eq!(ours.bury(&taken[0], "poisoned").await, Ok(true));
    assert_eq!(pending(owner), 0);
    let keeper = &cluster.masters()[cluster.owner(&letters)];
    assert_eq!(keeper.say(&["XLEN", &letters]), Value::Int(1));
}
