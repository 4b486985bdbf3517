//! Length, pending and lag, as the table of the reference has them.

use std::time::Duration;

use headcount_model::{Level, Reading, StreamMeasure};
use headcount_test_redis::{Server, skip};

use crate::common::{as_keda, at, read, said, stream};

fn pending() -> StreamMeasure {
    StreamMeasure::Pending {
        group: "g".to_owned(),
    }
}

fn lag() -> StreamMeasure {
    StreamMeasure::Lag {
        group: "g".to_owned(),
        claim_after: None,
    }
}

#[tokio::test]
async fn each_mode_counts_what_it_says() {
    if skip() {
        return;
    }
    let server = Server::start();
    let to = at(&server.address());
    let all = async || {
        [
            said(stream(&to, "s", StreamMeasure::Length)).await,
            said(stream(&to, "s", pending())).await,
            said(stream(&to, "s", lag())).await,
        ]
    };
    let no_group = format!(
        "Gone: no group \"g\" on stream \"s\" of redis at {}: NOGROUP No such key 's' or \
         consumer group 'g'; it counts once the group exists",
        server.address()
    );
    let lag = |waiting, in_flight| format!("{waiting} waiting, {in_flight} in flight, 0 claimable");
    assert_eq!(all().await, ["0", &no_group, &lag(0, 0)], "no stream");
    for id in ["1-1", "2-1", "3-1"] {
        server.say(&["XADD", "s", id, "a", "b"]);
    }
    assert_eq!(all().await, ["3", &no_group, &lag(3, 0)], "no group");
    server.say(&["XGROUP", "CREATE", "s", "g", "0"]);
    assert_eq!(all().await, ["3", "0", &lag(3, 0)], "nothing read");
    server.say(&[
        "XREADGROUP",
        "GROUP",
        "g",
        "c",
        "COUNT",
        "2",
        "STREAMS",
        "s",
        ">",
    ]);
    assert_eq!(all().await, ["3", "2", &lag(1, 2)], "two in flight");
    server.say(&["XACK", "s", "g", "1-1"]);
    assert_eq!(all().await, ["3", "1", &lag(1, 1)], "one acknowledged");
}

#[tokio::test]
async fn a_lag_that_is_nil_is_counted_and_is_zero_in_keda() {
    if skip() {
        return;
    }
    let server = Server::start();
    let to = at(&server.address());
    for id in ["1-1", "2-1", "3-1", "4-1"] {
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
    server.say(&["XDEL", "s", "3-1"]);
    assert_eq!(
        said(stream(&to, "s", lag())).await,
        "2 waiting, 1 in flight, 0 claimable"
    );
    assert_eq!(as_keda(stream(&to, "s", lag())).await, "0");
}

#[tokio::test]
async fn what_xinfo_refuses_is_said_and_is_the_length_in_keda() {
    if skip() {
        return;
    }
    let server = Server::with(&["user poor on >secret ~* +info +xlen"]);
    server.say(&["XADD", "s", "1-1", "a", "b"]);
    let to = crate::common::with_password(at(&server.address()), Some("poor"), "secret");
    assert_eq!(
        said(stream(&to, "s", lag())).await,
        format!(
            "Invalid: redis at {} does not allow it to user \"poor\": NOPERM this user has no \
             permissions to run the 'xinfo|groups' command; allow that command and the key in \
             the user's ACL",
            server.address()
        )
    );
    assert_eq!(as_keda(stream(&to, "s", lag())).await, "1");
}

#[tokio::test]
async fn the_value_of_a_lag_is_what_nobody_works_on() {
    if skip() {
        return;
    }
    let server = Server::start();
    let to = at(&server.address());
    for id in ["1-1", "2-1", "3-1"] {
        server.say(&["XADD", "s", id, "a", "b"]);
    }
    server.say(&["XGROUP", "CREATE", "s", "g", "0"]);
    let take = ["XREADGROUP", "GROUP", "g", "c", "COUNT", "2"];
    server.say(&[&take[..], &["STREAMS", "s", ">"]].concat());
    let of = |claim_after| StreamMeasure::Lag {
        group: "g".to_owned(),
        claim_after,
    };
    for (claim_after, expected) in [(None, 1.0), (Some(Duration::ZERO), 3.0)] {
        let readings = read(vec![stream(&to, "s", of(claim_after))]).await;
        let Reading::Known(measure) = &readings[0] else {
            panic!("{readings:?}");
        };
        assert_eq!(measure.value, Level(expected));
    }
}
