//! The inbox: bounded, in order, and nobody is left waiting for an answer.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{House, TestBackend, TestLedger, TestSource, agent, class, fleet, scaler};
use headcount_controller::{Controller, Inbox};
use headcount_model::{AgentPhase, Answer, ClassCount, LinkEvent, Refusal, SourceEvent, SourceId};
use headcount_ports::SourceInbox;
use tokio::time::timeout;

/// One job that nobody serves, in a class of its own.
async fn post_one(inbox: &Inbox, number: i32) {
    let mut key = class("nobody");
    key.priority = number;
    let event = SourceEvent::Demand {
        sample: 1,
        class: key,
        count: ClassCount {
            waiting: 1,
            oldest: None,
            next_expiry: None,
        },
    };
    SourceInbox::post(inbox, &SourceId::new("queue"), event).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_inbox_makes_who_posts_wait_and_loses_nothing() {
    let controller = Controller::new();
    let inbox = controller.inbox();
    let mut posted = 0;
    let instant = Duration::from_millis(1);
    while timeout(instant, post_one(&inbox, posted + 1)).await.is_ok() {
        posted += 1;
        assert!(posted < 100_000, "the inbox has no bound");
    }
    let waiting = (0..10).map(|n| {
        let inbox = inbox.clone();
        tokio::spawn(async move { post_one(&inbox, posted + 1 + n).await })
    });
    let waiting: Vec<_> = waiting.collect();
    tokio::time::sleep(instant).await;
    assert!(waiting.iter().all(|post| !post.is_finished()));

    // A class stays known only while its source has not said otherwise.
    let source = Arc::new(TestSource::new());
    source.fall_silent();
    let parts = (
        Arc::new(TestLedger::new()),
        source,
        Arc::new(TestBackend::new()),
    );
    let house = House::among(fleet([]), controller, parts).await;
    house.quiet().await;
    assert!(waiting.iter().all(|post| post.is_finished()));
    let classes = house.view().await.classes.len();
    assert_eq!(i32::try_from(classes), Ok(posted + 10));
}

#[tokio::test(start_paused = true)]
async fn news_stands_although_its_teller_has_gone() {
    let house = House::settled(fleet([scaler("d", "linux", 1)])).await;
    house.submit("linux", 1).await;
    house.ledger.close();
    let registered = house.telling(house.registered(agent(1)));
    house.quiet().await;
    registered.abort();
    house.ledger.open();
    house.quiet().await;
    let view = house.view().await;
    assert_eq!(view.agents[0].record.phase, AgentPhase::Ready);
    assert_eq!(house.link.said(), ["assign job-1 attempt 1 to a-1-1"]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_when_the_controller_ends_is_told_so() {
    let house = House::settled(fleet([scaler("d", "linux", 1)])).await;
    house.submit("linux", 1).await;
    house.ledger.close();
    let in_the_round = house.telling(house.registered(agent(1)));
    house.quiet().await;
    let in_the_inbox = house.telling(LinkEvent::Leaving(agent(1)));
    house.quiet().await;
    house.crash().await;
    let stopping = Answer::Refused(Refusal::Stopping);
    assert_eq!(in_the_round.await.unwrap(), stopping);
    assert_eq!(in_the_inbox.await.unwrap(), stopping);
    assert_eq!(house.tell(LinkEvent::Leaving(agent(1))).await, stopping);
}
