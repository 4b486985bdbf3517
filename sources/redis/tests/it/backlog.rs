//! The mode of our own: waiting, in flight, claimable.

use std::time::Duration;

use headcount_model::Trigger;
use headcount_test_redis::{Server, skip, wait_until};

use crate::common::{at, backlog, said, stream};

const SOON: Option<Duration> = Some(Duration::from_millis(1));
const LATER: Option<Duration> = Some(Duration::from_secs(600));

fn of(server: &Server, claim_after: Option<Duration>) -> Trigger {
    stream(&at(&server.address()), "s", backlog(claim_after))
}

fn add(server: &Server, ids: &[&str]) {
    for id in ids {
        server.say(&["XADD", "s", id, "a", "b"]);
    }
}

fn take(server: &Server, n: &str) {
    server.say(&[
        "XREADGROUP",
        "GROUP",
        "g",
        "c",
        "COUNT",
        n,
        "STREAMS",
        "s",
        ">",
    ]);
}

/// Until every pending entry has been silent for longer than [`SOON`].
fn let_them_be_silent(server: &Server, n: usize) {
    wait_until("they are silent", || {
        let rows = server.say(&["XPENDING", "s", "g", "IDLE", "2", "-", "+", "100"]);
        matches!(rows, headcount_test_redis::Value::Array(rows) if rows.len() == n)
    });
}

#[tokio::test]
async fn an_entry_is_counted_from_its_arrival_to_its_acknowledgement() {
    if skip() {
        return;
    }
    let server = Server::start();
    let now = async || said(of(&server, LATER)).await;
    assert_eq!(
        now().await,
        "0 waiting, 0 in flight, 0 claimable",
        "no stream"
    );
    add(&server, &["1-1", "2-1"]);
    assert_eq!(
        now().await,
        "2 waiting, 0 in flight, 0 claimable",
        "no group"
    );
    server.say(&["XGROUP", "CREATE", "s", "g", "0"]);
    assert_eq!(now().await, "2 waiting, 0 in flight, 0 claimable");
    take(&server, "1");
    assert_eq!(now().await, "1 waiting, 1 in flight, 0 claimable");
    server.say(&["XACK", "s", "g", "1-1"]);
    assert_eq!(now().await, "1 waiting, 0 in flight, 0 claimable");
    server.say(&["XGROUP", "DESTROY", "s", "g"]);
    assert_eq!(
        now().await,
        "2 waiting, 0 in flight, 0 claimable",
        "group gone"
    );
    server.say(&["DEL", "s"]);
    assert_eq!(
        now().await,
        "0 waiting, 0 in flight, 0 claimable",
        "stream gone"
    );
}

#[tokio::test]
async fn a_group_that_begins_at_the_end_waits_for_what_comes_then() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1", "3-1"]);
    server.say(&["XGROUP", "CREATE", "s", "g", "$"]);
    assert_eq!(
        said(of(&server, LATER)).await,
        "0 waiting, 0 in flight, 0 claimable"
    );
    // The lag is nil from here on.
    add(&server, &["4-1"]);
    assert_eq!(
        said(of(&server, LATER)).await,
        "1 waiting, 0 in flight, 0 claimable"
    );
}

#[tokio::test]
async fn a_cancelled_entry_is_not_waited_for() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1", "3-1", "4-1", "5-1"]);
    server.say(&["XGROUP", "CREATE", "s", "g", "0"]);
    take(&server, "1");
    server.say(&["XDEL", "s", "3-1"]);
    assert_eq!(
        said(of(&server, LATER)).await,
        "3 waiting, 1 in flight, 0 claimable"
    );
}

#[tokio::test]
async fn entries_of_a_silent_consumer_can_be_claimed() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1", "3-1"]);
    server.say(&["XGROUP", "CREATE", "s", "g", "0"]);
    take(&server, "2");
    let_them_be_silent(&server, 2);
    assert_eq!(
        said(of(&server, SOON)).await,
        "1 waiting, 0 in flight, 2 claimable"
    );
    assert_eq!(
        said(of(&server, LATER)).await,
        "1 waiting, 2 in flight, 0 claimable"
    );
    assert_eq!(
        said(of(&server, None)).await,
        "1 waiting, 2 in flight, 0 claimable"
    );
}

#[tokio::test]
async fn what_nobody_can_be_given_is_not_counted() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1", "3-1", "4-1", "5-1", "6-1"]);
    server.say(&["XGROUP", "CREATE", "s", "g", "0"]);
    take(&server, "4");
    let_them_be_silent(&server, 4);
    server.say(&["XDEL", "s", "3-1"]);
    // 1-1 is trimmed away, 3-1 deleted: both are pending for ever, and can be claimed by nobody.
    server.say(&["XTRIM", "s", "MINID", "2-1"]);
    assert_eq!(
        said(of(&server, SOON)).await,
        "2 waiting, 0 in flight, 2 claimable"
    );
    // Unread entries go as well.
    server.say(&["XTRIM", "s", "MINID", "6-1"]);
    assert_eq!(
        said(of(&server, SOON)).await,
        "1 waiting, 0 in flight, 0 claimable"
    );
}

#[tokio::test]
async fn reading_changes_nothing() {
    if skip() {
        return;
    }
    let server = Server::start();
    add(&server, &["1-1", "2-1", "3-1"]);
    server.say(&["XGROUP", "CREATE", "s", "g", "0"]);
    take(&server, "2");
    server.say(&["XDEL", "s", "1-1"]);
    let_them_be_silent(&server, 2);
    let deliveries = || {
        let rows = server.say(&["XPENDING", "s", "g", "-", "+", "10"]);
        let headcount_test_redis::Value::Array(rows) = rows else {
            panic!("no rows: {rows:?}");
        };
        // All but the idle time.
        let rows = rows.into_iter().map(|row| match row {
            headcount_test_redis::Value::Array(row) => {
                [row[0].clone(), row[1].clone(), row[3].clone()]
            }
            row => panic!("no row: {row:?}"),
        });
        rows.collect::<Vec<_>>()
    };
    let before = deliveries();
    assert_eq!(
        said(of(&server, SOON)).await,
        "1 waiting, 0 in flight, 1 claimable"
    );
    assert_eq!(deliveries(), before);
}

#[tokio::test]
async fn more_pages_than_one_are_counted() {
    if skip() {
        return;
    }
    let server = Server::start();
    let many = "for i = 1, 3000 do redis.call('XADD', 's', i .. '-1', 'a', 'b') end";
    server.say(&["EVAL", many, "0"]);
    server.say(&["XGROUP", "CREATE", "s", "g", "0"]);
    take(&server, "1200");
    let_them_be_silent(&server, 100);
    // From here on the lag is nil, and both numbers need several pages.
    server.say(&["XDEL", "s", "2999-1", "7-1"]);
    let_them_be_silent(&server, 100);
    wait_until("the last is silent", || {
        let rows = server.say(&["XPENDING", "s", "g", "IDLE", "2", "1200-1", "+", "1"]);
        matches!(rows, headcount_test_redis::Value::Array(rows) if rows.len() == 1)
    });
    assert_eq!(
        said(of(&server, SOON)).await,
        "1799 waiting, 0 in flight, 1199 claimable"
    );
}

#[tokio::test]
async fn entries_of_megabytes_are_counted() {
    if skip() {
        return;
    }
    let server = Server::start();
    let large =
        "for i = 1, 6 do redis.call('XADD', 's', i .. '-1', 'a', string.rep('x', 10000000)) end";
    server.say(&["EVAL", large, "0"]);
    server.say(&["XGROUP", "CREATE", "s", "g", "0"]);
    take(&server, "1");
    server.say(&["XDEL", "s", "6-1"]);
    assert_eq!(
        said(of(&server, LATER)).await,
        "4 waiting, 1 in flight, 0 claimable"
    );
}
