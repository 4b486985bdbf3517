//! Servers before 6.2, which know neither a lag nor how to choose by silence.

use std::time::Duration;

use headcount_model::StreamMeasure;
use headcount_test_redis::{Older, Server, skip};

use crate::common::{as_keda, at, backlog, said, stream};

#[tokio::test]
async fn the_backlog_is_counted_over_many_pages() {
    if skip() {
        return;
    }
    let server = Server::start();
    let older = Older::in_front_of(&server);
    let many = "for i = 1, 5000 do redis.call('XADD', 's', i .. '-1', 'a', 'b') end";
    server.say(&["EVAL", many, "0"]);
    server.say(&["XGROUP", "CREATE", "s", "g", "0"]);
    let take = ["XREADGROUP", "GROUP", "g", "c", "COUNT", "2500"];
    server.say(&[&take[..], &["STREAMS", "s", ">"]].concat());
    let of = |claim_after| {
        let to = at(&older.address());
        stream(&to, "s", backlog(Some(claim_after)))
    };
    let later = Duration::from_secs(600);
    assert_eq!(
        said(of(later)).await,
        "2500 waiting, 2500 in flight, 0 claimable"
    );
    assert_eq!(
        said(of(Duration::ZERO)).await,
        "2500 waiting, 0 in flight, 2500 claimable"
    );
}

#[tokio::test]
async fn the_lag_of_keda_needs_a_later_one_and_ours_is_counted() {
    if skip() {
        return;
    }
    let server = Server::start();
    let older = Older::in_front_of(&server);
    server.say(&["XADD", "s", "1-1", "a", "b"]);
    server.say(&["XGROUP", "CREATE", "s", "g", "0"]);
    let lag = || {
        let group = "g".to_owned();
        let measure = StreamMeasure::Lag {
            group,
            claim_after: None,
        };
        stream(&at(&older.address()), "s", measure)
    };
    assert_eq!(said(lag()).await, "1 waiting, 0 in flight, 0 claimable");
    assert_eq!(
        as_keda(lag()).await,
        format!(
            "Invalid: redis at {}: redis version 7+ required for lag; the mode backlog counts on \
             older servers too",
            older.address()
        )
    );
}
