//! What a server refuses, in words.

use headcount_model::StreamMeasure;
use headcount_ports::Signals;
use headcount_test_redis::{Server, skip};

use crate::common::{at, backlog, said, stream, with_password};

#[tokio::test]
async fn who_we_are_is_asked_for() {
    if skip() {
        return;
    }
    let server = Server::with(&["requirepass secret"]);
    let address = server.address();
    let to = at(&address);
    let none = said(stream(&to, "s", backlog(None))).await;
    assert_eq!(
        none,
        format!(
            "Invalid: redis at {address} wants a password: NOAUTH Authentication required.; set \
             the password of the trigger, and the username if it is not the default user's"
        )
    );
    let wrong = with_password(to, Some("ci"), "hunter2");
    let wrong = said(stream(&wrong, "s", backlog(None))).await;
    assert_eq!(
        wrong,
        format!(
            "Invalid: redis at {address} does not accept the password of user \"ci\"; check \
             username and password of the trigger"
        )
    );
}

#[tokio::test]
async fn what_the_user_may_not_is_said() {
    if skip() {
        return;
    }
    let server = Server::with(&["user ci on >secret ~allowed:* +xlen +xinfo"]);
    let address = server.address();
    let to = with_password(at(&address), Some("ci"), "secret");
    assert_eq!(
        said(stream(&to, "s", StreamMeasure::Length)).await,
        format!(
            "Invalid: redis at {address} does not allow it to user \"ci\": NOPERM this user has no \
             permissions to access one of the keys used as arguments; allow that command and the \
             key in the user's ACL"
        )
    );
    let pending = StreamMeasure::Pending {
        group: "g".to_owned(),
    };
    assert_eq!(
        said(stream(&to, "allowed:s", pending)).await,
        format!(
            "Invalid: redis at {address} does not allow it to user \"ci\": NOPERM this user has no \
             permissions to run the 'xpending' command; allow that command and the key in the \
             user's ACL"
        )
    );
}

#[tokio::test]
async fn a_key_that_is_no_stream_is_said_in_every_mode() {
    if skip() {
        return;
    }
    let server = Server::start();
    server.say(&["RPUSH", "s", "a"]);
    let group = || "g".to_owned();
    let modes = [
        StreamMeasure::Length,
        StreamMeasure::Pending { group: group() },
        StreamMeasure::Lag {
            group: group(),
            claim_after: None,
        },
        backlog(None),
    ];
    for measure in modes {
        assert_eq!(
            said(stream(&at(&server.address()), "s", measure)).await,
            format!(
                "Invalid: \"s\" of redis at {} is not a stream: WRONGTYPE Operation against a key \
                 holding the wrong kind of value; check the name in the trigger",
                server.address()
            )
        );
    }
}

#[tokio::test]
async fn a_replica_and_a_full_server_are_read_all_the_same() {
    if skip() {
        return;
    }
    let full = Server::start();
    full.say(&["XADD", "s", "*", "a", "b"]);
    full.say(&["CONFIG", "SET", "maxmemory", "1"]);
    assert!(
        full.ask(&["XADD", "s", "*", "a", "b"]).is_err(),
        "it is full"
    );
    assert_eq!(
        said(stream(&at(&full.address()), "s", StreamMeasure::Length)).await,
        "1"
    );

    let follow = format!("replicaof 127.0.0.1 {}", full.port());
    let replica = Server::with(&[&follow]);
    headcount_test_redis::wait_until("the replica follows", || {
        replica.say(&["XLEN", "s"]) == headcount_test_redis::Value::Int(1)
    });
    assert_eq!(
        said(stream(&at(&replica.address()), "s", StreamMeasure::Length)).await,
        "1"
    );
}

#[tokio::test]
async fn a_replica_that_may_not_answer_yet_is_said() {
    if skip() {
        return;
    }
    let lines = ["replicaof 127.0.0.1 1", "replica-serve-stale-data no"];
    let replica = Server::with(&lines);
    assert_eq!(
        said(stream(&at(&replica.address()), "s", StreamMeasure::Length)).await,
        format!(
            "Transient: redis at {} is not ready: MASTERDOWN Link with MASTER is down and \
             replica-serve-stale-data is set to 'no'.; nothing to do unless it lasts",
            replica.address()
        )
    );
}

/// What a user must be allowed at least, as `docs/redis.md` has it.
#[tokio::test]
async fn these_commands_are_enough() {
    if skip() {
        return;
    }
    let group = || "g".to_owned();
    let soon = Some(std::time::Duration::ZERO);
    let modes = [
        ("+xlen", StreamMeasure::Length, "2"),
        ("+xpending", StreamMeasure::Pending { group: group() }, "1"),
        (
            "+xinfo|groups +xlen +xrange",
            StreamMeasure::Lag {
                group: group(),
                claim_after: None,
            },
            "1 waiting, 1 in flight, 0 claimable",
        ),
        (
            "+xinfo|groups +xlen +xpending +xrange",
            backlog(soon),
            "1 waiting, 0 in flight, 1 claimable",
        ),
    ];
    for (allowed, measure, expected) in modes {
        let user = format!("user ci on >secret ~s {allowed} +client|tracking");
        let server = Server::with(&[&user]);
        for id in ["1-1", "2-1", "3-1"] {
            server.say(&["XADD", "s", id, "a", "b"]);
        }
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
        server.say(&["XDEL", "s", "2-1"]);
        let to = with_password(at(&server.address()), Some("ci"), "secret");
        let (signals, mut posted) = crate::common::signals();
        let rule = crate::common::rule(vec![stream(&to, "s", measure)]);
        signals
            .configure(vec![(crate::common::pool("p"), rule)])
            .await;
        // Posted, because it may be told of changes.
        crate::common::until(&mut posted, expected).await;
    }
}
