//! Redis is away, slow, or refuses; streams and groups change under us. What cannot be
//! told is unknown, and nothing is lost.

use std::time::Duration;

use headcount_model::{JobEnd, SourceEvent};
use headcount_ports::SourceError;
use headcount_test_redis::{Server, skip, wait_until};

use super::world::{World, add, book, letters, pending, settings};
use crate::common::with_password;

fn is_unknown(event: &SourceEvent) -> bool {
    matches!(event, SourceEvent::Unknown(_))
}

#[tokio::test]
async fn a_server_that_is_away_is_unknown_and_what_ended_meanwhile_is_told_later() {
    if skip() {
        return;
    }
    let mut server = Server::start();
    add(&server, &["1-1", "2-1", "3-1"]);
    let mut world = World::open(&server).await;
    let taken = world.take(2).await;
    world.told(1).await;
    server.kill();
    assert!(matches!(
        world.try_take(1).await,
        Err(SourceError::Unknown(_) | SourceError::Transient(_))
    ));
    let why = world.waiting().await;
    assert!(why.contains("cannot be reached"), "{why}");
    world.posted_until(is_unknown).await;
    for job in &taken {
        world.complete(*job, JobEnd::Succeeded).await;
    }
    assert_eq!(world.source.stats().held, 2, "nobody has heard yet");
    server.restart();
    world.told(1).await;
    world.all_told().await;
    assert_eq!(pending(&server), [""; 0]);
    let last = world.take(9).await;
    assert_eq!(world.names(&last).await, ["3-1"]);
}

#[tokio::test]
async fn it_opens_while_the_server_is_away() {
    if skip() {
        return;
    }
    let mut server = Server::start();
    add(&server, &["1-1"]);
    server.kill();
    let mut world = World::open(&server).await;
    world.posted_until(is_unknown).await;
    server.restart();
    world.told(1).await;
    let taken = world.take(1).await;
    assert_eq!(world.names(&taken).await, ["1-1"]);
}

/// The answer is lost and the entries are ours: they are found again.
#[tokio::test]
async fn an_answer_that_is_lost_loses_no_entry() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1"]);
    let world = World::open(&server).await;
    assert_eq!(world.waiting().await, "2");
    assert_eq!(world.take(0).await, []);
    server.pause();
    let slow = world.try_take(1).await;
    assert!(slow.is_err(), "{slow:?}");
    server.resume();
    let taken = world.take(2).await;
    assert_eq!(world.names(&taken).await, ["1-1", "2-1"]);
    assert_eq!(world.shown().await.len(), 2, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_room_is_told_of_and_waited_for() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1"]);
    let world = World::open(&server).await;
    let taken = world.take(1).await;
    server.say(&["CONFIG", "SET", "maxmemory", "1"]);
    let second = world.take(1).await;
    assert_eq!(second.len(), 1, "reading takes no room");
    world.complete(taken[0], JobEnd::Expired).await;
    world.complete(second[0], JobEnd::Succeeded).await;
    wait_until("the other is acknowledged, and the book knows", || {
        pending(&server) == ["1-1"] && world.source.stats().untold == 1
    });
    assert_eq!(letters(&server), [""; 0], "there is no room for a letter");
    server.say(&["CONFIG", "SET", "maxmemory", "0"]);
    world.all_told().await;
    assert_eq!(letters(&server), ["1-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_takes_nothing_and_says_why() {
    if skip() {
        return;
    }
    let master = Server::start();
    add(&master, &["1-1"]);
    let replica = Server::start();
    let (host, port) = master
        .address()
        .rsplit_once(':')
        .map(|(h, p)| (h.to_owned(), p.to_owned()))
        .unwrap();
    replica.say(&["REPLICAOF", &host, &port]);
    wait_until("the replica has the stream", || {
        replica.ask(&["XLEN", "s"]) == Ok(headcount_test_redis::Value::Int(1))
    });
    let world = World::open(&replica).await;
    assert_eq!(world.waiting().await, "1");
    let refused = world.try_take(1).await.unwrap_err().to_string();
    assert!(refused.contains("takes no writes: READONLY"), "{refused}");
    replica.say(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(world.take(1).await.len(), 1, "after the failover");
}

#[tokio::test]
async fn what_an_acl_forbids_is_named() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1"]);
    server.say(&[
        "ACL",
        "SETUSER",
        "ci",
        "on",
        ">secret",
        "~*",
        "+@all",
        "-xreadgroup",
    ]);
    let mut own = settings(&server.address());
    let to = with_password(crate::common::at(&server.address()), Some("ci"), "secret");
    own.connection = std::sync::Arc::new(to);
    let world = World::of(own, book()).await;
    assert_eq!(world.waiting().await, "1");
    let refused = world.try_take(1).await.unwrap_err().to_string();
    assert!(
        refused.contains("does not allow it to user \"ci\""),
        "{refused}"
    );
    server.say(&["ACL", "SETUSER", "ci", "-xinfo"]);
    let unknown = world.waiting().await;
    assert!(unknown.contains("xinfo"), "{unknown}");
    server.say(&["ACL", "SETUSER", "ci", "+@all"]);
    assert_eq!(world.take(1).await.len(), 1);
}

#[tokio::test]
async fn a_key_that_is_no_stream_is_named() {
    if skip() {
        return;
    }
    let server = Server::start();
    server.say(&["SET", "s", "x"]);
    let world = World::open(&server).await;
    let why = world.waiting().await;
    assert!(
        why.contains("\"s\"") && why.contains("is not a stream"),
        "{why}"
    );
}

#[tokio::test]
async fn what_is_trimmed_under_us_runs_to_its_end() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1"]);
    let world = World::open(&server).await;
    let taken = world.take(1).await;
    server.say(&["XTRIM", "s", "MAXLEN", "0"]);
    assert_eq!(world.waiting().await, "0", "what was cut off is gone");
    world.complete(taken[0], JobEnd::Succeeded).await;
    world.all_told().await;
    assert_eq!(world.shown().await, ["1-1 succeeded"]);
}

/// The group is made again at the beginning: what ended already is known, and is not run.
#[tokio::test]
async fn a_group_that_is_deleted_is_made_again_and_nothing_runs_twice() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1", "3-1"]);
    let world = World::open(&server).await;
    let taken = world.take(2).await;
    world.complete(taken[0], JobEnd::Succeeded).await;
    world.all_told().await;
    server.say(&["XGROUP", "DESTROY", "s", "g"]);
    assert_eq!(world.waiting().await, "3");
    assert!(world.try_take(9).await.is_err(), "there is no group");
    let again = world.take(9).await;
    assert_eq!(world.names(&again).await, ["3-1"]);
    world.complete(taken[1], JobEnd::Expired).await;
    world.all_told().await;
    assert_eq!(pending(&server), ["3-1"]);
    assert_eq!(letters(&server), ["2-1"]);
    assert_eq!(
        world.shown().await,
        ["1-1 succeeded", "2-1 expired", "3-1 queued"]
    );
}

/// A letter that cannot be written is no reason not to acknowledge others.
#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_that_cannot_be_written_are_waited_for() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1"]);
    server.say(&["SET", "s-dlq", "x"]);
    let world = World::open(&server).await;
    let taken = world.take(2).await;
    world.complete(taken[0], JobEnd::Expired).await;
    world.complete(taken[1], JobEnd::Succeeded).await;
    wait_until("the other is acknowledged", || pending(&server) == ["1-1"]);
    server.say(&["DEL", "s-dlq"]);
    world.all_told().await;
    assert_eq!(letters(&server), ["1-1"]);
}

/// Nobody takes an entry over that is worked on, however long that takes.
#[tokio::test(flavor = "multi_thread")]
async fn entries_in_progress_are_kept() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1"]);
    let mut own = settings(&server.address());
    own.min_idle = Duration::from_millis(300);
    let world = World::of(own, book()).await;
    assert_eq!(world.take(1).await.len(), 1);
    let begun = std::time::Instant::now();
    wait_until("time passes", || {
        let idle = ["XPENDING", "s", "g", "IDLE", "300", "-", "+", "9"];
        let silent = server.say(&idle);
        assert_eq!(silent, headcount_test_redis::Value::Array(vec![]));
        begun.elapsed() > Duration::from_secs(1)
    });
}
