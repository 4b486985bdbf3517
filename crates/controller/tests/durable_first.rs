//! Nothing is done and nothing acknowledged before it is durable, however long that takes.

mod common;

use std::time::Duration;

use common::{House, agent, fleet, scaler};
use headcount_controller::Event;
use headcount_model::{AgentPhase, Answer, LinkEvent, PoolName};
use tokio::sync::broadcast::error::TryRecvError;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn no_agent_is_made_before_its_record_is_written() {
    let house = House::settled(fleet([scaler("d", "linux", 3)])).await;
    house.ledger.close();
    house.submit("linux", 2).await;
    assert!(house.backend.creates().is_empty());
    house.pass(Duration::from_secs(60)).await;
    assert!(house.backend.creates().is_empty());
    house.ledger.open();
    house.quiet().await;
    assert_eq!(house.backend.instances(), [agent(1), agent(2)]);
}

#[tokio::test(start_paused = true)]
async fn no_agent_is_answered_before_its_word_is_written() {
    let house = House::settled(fleet([scaler("d", "linux", 3)])).await;
    house.submit("linux", 1).await;
    house.ledger.close();
    let registered = house.telling(house.registered(agent(1)));
    house.quiet().await;
    assert!(!registered.is_finished());
    assert_eq!(house.source.takes(), 0, "no job is taken for it either");
    house.ledger.open();
    assert_eq!(registered.await.unwrap(), Answer::Applied);
    house.quiet().await;
    assert_eq!(house.link.said(), ["assign job-1 attempt 1 to a-1-1"]);

    house.ledger.close();
    let claimed = house.telling(LinkEvent::Claimed {
        agent: agent(1),
        job: headcount_model::JobId(1),
        attempt: 1,
    });
    house.quiet().await;
    assert!(!claimed.is_finished());
    house.ledger.open();
    assert_eq!(claimed.await.unwrap(), Answer::Applied);
}

#[tokio::test(start_paused = true)]
async fn events_are_told_after_they_are_written() {
    let house = House::settled(fleet([scaler("d", "linux", 3)])).await;
    let mut events = house.handle.events();
    house.ledger.close();
    house.submit("linux", 1).await;
    assert_eq!(events.try_recv(), Err(TryRecvError::Empty));
    house.ledger.open();
    let first = events.recv().await.unwrap();
    assert!(
        matches!(
            &*first,
            Event::Agent { agent: id, phase: AgentPhase::Creating, .. } if *id == agent(1)
        ),
        "{first:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_tried_again_with_growing_delays() {
    let house = House::settled(fleet([scaler("d", "linux", 3)])).await;
    house.ledger.fail(9);
    let start = Instant::now();
    house.submit("linux", 1).await;
    house.pass(Duration::from_secs(120)).await;
    let attempts = house.ledger.attempts_since(start);
    let delays: Vec<u128> = attempts
        .windows(2)
        .map(|two| two[1] - two[0])
        .take(9)
        .collect();
    assert_eq!(
        delays,
        [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000]
    );
    assert_eq!(
        house.backend.instances(),
        [agent(1)],
        "then everything goes on"
    );
}

#[tokio::test(start_paused = true)]
async fn questions_are_answered_while_nothing_can_be_written() {
    let house = House::settled(fleet([scaler("d", "linux", 3)])).await;
    house.ledger.fail(6);
    house.submit("linux", 1).await;
    // The longest delays lie ahead: an answer does not wait for their end.
    house.pass(Duration::from_secs(4)).await;
    let asked = Instant::now();
    let view = house.view().await;
    assert_eq!(
        view.ledger_trouble.as_deref(),
        Some("state disk is full: no room")
    );
    assert!(house.handle.explain(common::class("linux")).await.is_ok());
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert!(house.backend.creates().is_empty());

    house.pass(Duration::from_secs(60)).await;
    assert_eq!(house.view().await.ledger_trouble, None);
    assert_eq!(house.backend.instances(), [agent(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_hangs_is_waited_for_and_said() {
    let house = House::settled(fleet([scaler("d", "linux", 3)])).await;
    house.ledger.close();
    let start = Instant::now();
    house.submit("linux", 1).await;
    house.pass(Duration::from_secs(45)).await;
    let asked = Instant::now();
    assert_eq!(
        house.view().await.ledger_trouble.as_deref(),
        Some(
            "ledger is busy: a round is being written for more than 10 s; is the state disk \
             alive?"
        )
    );
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert_eq!(
        house.ledger.attempts_since(start),
        [0],
        "never written twice"
    );
    assert!(house.backend.creates().is_empty());

    house.ledger.open();
    house.pass(Duration::from_secs(1)).await;
    assert_eq!(house.view().await.ledger_trouble, None);
    assert_eq!(house.backend.instances(), [agent(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_question_in_the_round_that_fails_is_answered_too() {
    let house = House::settled(fleet([scaler("d", "linux", 3)])).await;
    house.ledger.fail(3);
    let handle = house.handle.clone();
    // Both are in the inbox before the loop runs: they share a round.
    house
        .source
        .submit(&house.inbox, &common::class("linux"), 1)
        .await;
    let asked = Instant::now();
    let view = handle.view().await.unwrap();
    assert!(view.ledger_trouble.is_some());
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn news_that_arrives_meanwhile_is_kept_in_order() {
    let house = House::settled(fleet([scaler("d", "linux", 3)])).await;
    house.ledger.fail(4);
    house.submit("linux", 1).await;
    let pool = PoolName::new("d/linux");
    let mut wishes = Vec::new();
    for undo in [false, true, false, true, false] {
        let (handle, pool) = (house.handle.clone(), pool.clone());
        wishes.push(tokio::spawn(async move { handle.drain(pool, undo).await }));
        house.quiet().await;
    }
    assert!(wishes.iter().all(|wish| !wish.is_finished()));
    house.pass(Duration::from_secs(10)).await;
    for wish in wishes {
        assert_eq!(wish.await.unwrap(), Answer::Applied);
    }
    assert!(house.view().await.pools[0].drained, "the last wish holds");
}
