//! The loop sleeps until something is told or due; keeping house does not wake it.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{House, agent, fleet, scaler};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn with_nothing_to_do_nothing_happens_in_an_hour() {
    let house = House::settled(fleet([scaler("d", "linux", 3)])).await;
    let before = house.view().await;
    assert_eq!(before.wake_at, None);
    let counts = |house: &House| {
        let asked = house.backend.lists() + house.source.refreshes();
        (asked, house.ledger.commits(), house.ledger.prunes())
    };
    let was = counts(&house);
    house.pass(HOUR).await;
    assert_eq!(counts(&house), was);
    // A round that was woken by time drops the view.
    assert!(
        Arc::ptr_eq(&before, &house.view().await),
        "something woke the loop"
    );
}

#[tokio::test(start_paused = true)]
async fn a_running_job_without_a_timeout_wakes_nobody() {
    let house = House::settled(fleet([scaler("d", "linux", 3)])).await;
    house.run_first("linux").await;
    let before = house.view().await;
    assert_eq!(before.wake_at, None);
    house.pass(HOUR).await;
    assert!(
        Arc::ptr_eq(&before, &house.view().await),
        "something woke the loop"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_due_is_done_at_its_moment() {
    let house = House::settled(fleet([scaler("d", "linux", 3)])).await;
    house.submit("linux", 1).await;
    let wake = house.view().await.wake_at.unwrap();
    assert_eq!(wake.reason.code(), "launch_deadline");
    let left = wake.at.since(house.clock.now());
    assert!(left > Duration::from_secs(299), "{left:?}");
    house.pass(left - Duration::from_millis(2)).await;
    assert_eq!(house.backend.destroys(), []);
    house.pass(Duration::from_millis(4)).await;
    assert_eq!(house.backend.destroys()[0].0, agent(1));
}

#[tokio::test(start_paused = true)]
async fn old_records_are_removed_once_a_minute_while_something_happens() {
    let house = House::settled(fleet([])).await;
    house.pass(Duration::from_secs(50)).await;
    house.submit("nobody", 1).await;
    assert_eq!(house.ledger.prunes(), 0, "not a minute has passed");
    house.pass(Duration::from_secs(10)).await;
    for _ in 0..5 {
        house.submit("nobody", 1).await;
    }
    assert_eq!(house.ledger.prunes(), 1);
    house.pass(HOUR).await;
    assert_eq!(house.ledger.prunes(), 1, "nothing happened in that hour");
    house.submit("nobody", 1).await;
    assert_eq!(house.ledger.prunes(), 2);
}
