//! Followers of a job's output wake for what is new, and for nothing else.

mod common;

use std::time::Duration;

use common::{Place, at, attempt, chunk, commit, job, submit};
use headcount_model::JobEnd;
use headcount_ports::{JobBook, LogBook, StoreError};
use headcount_store::LogWatch;

/// Far beyond what a wake takes; only a broken promise waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

#[expect(clippy::expect_used, reason = "the test ends here")]
async fn woken(watch: &mut LogWatch) -> Result<(), StoreError> {
    tokio::time::timeout(PATIENCE, watch.changed())
        .await
        .expect("the follower was not woken")
}

#[tokio::test]
async fn output_attempts_and_ends_wake_a_follower() {
    let place = Place::new();
    let store = place.open();
    let id = submit(&store, job("true")).await;
    let other = submit(&store, job("true")).await;
    let mut watch = store.watch_logs(id).unwrap();
    let mut bystander = store.watch_logs(other).unwrap();

    commit(&store, vec![attempt(id, 1, at(1))]).await;
    woken(&mut watch).await.unwrap();
    store
        .append(id, 1, 100, vec![chunk(1, b"x")])
        .await
        .unwrap();
    woken(&mut watch).await.unwrap();
    store
        .end(vec![(id, JobEnd::Succeeded)], at(2))
        .await
        .unwrap();
    woken(&mut watch).await.unwrap();

    drop(store);
    assert!(
        woken(&mut watch).await.is_err(),
        "a closed store ends the wait"
    );
    assert!(
        woken(&mut bystander).await.is_err(),
        "it was never woken before"
    );
}
