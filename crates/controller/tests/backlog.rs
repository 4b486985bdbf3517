//! Jobs that pile up are told of, once they have for some seconds. The warning depth of
//! these tests is 3.

mod common;

use std::time::Duration;

use common::{House, class, fleet};
use headcount_controller::Event;
use headcount_model::{ClassCount, SourceEvent};
use headcount_ports::SourceInbox;

fn told(sustained: bool, depth: u64, largest: &[(&str, u64)]) -> Event {
    let largest = largest.iter().map(|(labels, n)| ((*labels).to_owned(), *n));
    Event::Backlog {
        sustained,
        depth,
        threshold: 3,
        largest: largest.collect(),
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_that_pile_up_are_told_of_once_and_once_when_it_is_over() {
    let house = House::settled(fleet([])).await;
    let mut events = house.handle.events();
    house.submit("linux", 1).await;
    house.submit("mac", 2).await;
    house.pass(Duration::from_millis(4_900)).await;
    assert!(events.try_recv().is_err(), "it may be for a moment only");
    house.pass(Duration::from_millis(200)).await;
    let sustained = told(true, 3, &[("mac", 2), ("linux", 1)]);
    assert_eq!(*events.try_recv().unwrap(), sustained);
    house.submit("mac", 5).await;
    house.pass(Duration::from_secs(60)).await;
    assert!(events.try_recv().is_err(), "it is said once");

    let none = SourceEvent::Demand {
        sample: 1_000,
        class: class("mac"),
        count: ClassCount::default(),
    };
    let source = class("mac").source;
    SourceInbox::post(&house.inbox, &source, none).await;
    house.quiet().await;
    assert_eq!(*events.try_recv().unwrap(), told(false, 1, &[("linux", 1)]));
}

#[tokio::test(start_paused = true)]
async fn fewer_jobs_wake_nobody() {
    let house = House::settled(fleet([])).await;
    house.submit("linux", 2).await;
    let before = house.view().await;
    house.pass(Duration::from_secs(60)).await;
    let after = house.view().await;
    assert!(std::sync::Arc::ptr_eq(&before, &after), "something woke it");
}
