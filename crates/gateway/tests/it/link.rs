//! Words to agents; connections that replace each other or end.

use std::collections::BTreeMap;
use std::time::Duration;

use headcount_api::agent::{AttemptRef, FromAgent, ToAgent};
use headcount_model::{AgentId, Command, JobId, JobWork};
use headcount_ports::{AgentLink, AssignRequest, LinkError};

use crate::bench::{Bench, Heard, SESSION, resume};
use crate::doubles::AGENT;

pub fn request(job: u64, log_limit_bytes: u64) -> AssignRequest {
    AssignRequest {
        agent: AGENT,
        attempt: 1,
        work: JobWork {
            job: JobId(job),
            name: None,
            command: Command::Script("true".to_owned()),
            env: BTreeMap::new(),
            working_dir: None,
            timeout: Some(Duration::from_secs(2)),
            grace: Duration::from_millis(3),
            log_limit_bytes,
            log_pressure: None,
        },
    }
}

#[tokio::test]
async fn words_reach_the_agent_in_order() {
    let bench = Bench::new();
    let mut client = bench.welcomed().await;
    let gateway = &bench.gateway;
    gateway.assign(request(1, 7)).await.unwrap();
    gateway.cancel(AGENT, JobId(1), 1).await.unwrap();
    gateway.drain(AGENT).await.unwrap();
    let ToAgent::Assign { attempt, work } = client.word().await else {
        panic!()
    };
    assert_eq!(
        (attempt, work.job, work.timeout_ms, work.grace_ms),
        (1, 1, Some(2000), 3)
    );
    assert_eq!(
        client.word().await,
        ToAgent::Cancel(AttemptRef { job: 1, attempt: 1 })
    );
    assert_eq!(client.word().await, ToAgent::Drain);
}

#[tokio::test]
async fn nobody_there_is_told_as_such() {
    let bench = Bench::new();
    let gateway = &bench.gateway;
    assert_eq!(gateway.drain(AGENT).await, Err(LinkError::NotConnected));
    assert_eq!(
        gateway.assign(request(1, 7)).await,
        Err(LinkError::NotConnected)
    );
    drop(bench.welcomed().await);
    bench.controller.saw("disconnected").await;
    assert_eq!(gateway.drain(AGENT).await, Err(LinkError::NotConnected));
    let other = AgentId {
        epoch: 1,
        number: 2,
    };
    assert_eq!(
        gateway.cancel(other, JobId(1), 1).await,
        Err(LinkError::NotConnected)
    );
}

#[tokio::test]
async fn an_agent_that_does_not_read_is_told_as_such() {
    let bench = Bench::new();
    let _client = bench.welcomed().await;
    let mut large = request(1, 7);
    large
        .work
        .env
        .insert("LARGE".to_owned(), "x".repeat(100_000));
    let mut said = 0;
    let error = loop {
        match bench.gateway.assign(large.clone()).await {
            Ok(()) => said += 1,
            Err(error) => break error,
        }
        assert!(said < 1000, "never congested");
        tokio::task::yield_now().await;
    };
    assert_eq!(error, LinkError::Congested);
}

#[tokio::test]
async fn a_lost_connection_is_told_once() {
    let bench = Bench::new();
    drop(bench.welcomed().await);
    bench.controller.saw("disconnected").await;
    drop(bench.welcomed().await);
    // Answers are in order, so a third arrival shows that nothing else came before it.
    let mut client = bench.welcomed().await;
    client.say(FromAgent::Leaving).await;
    bench.controller.saw("leaving").await;
    let log = bench.controller.log();
    let lost = log.iter().filter(|line| *line == "disconnected").count();
    assert!((1..=2).contains(&lost), "{log:?}");
    assert_eq!(&log[..3], ["registered", "disconnected", "registered"]);
}

#[tokio::test]
async fn a_replaced_connection_is_not_told_as_lost_and_not_heard_any_more() {
    let bench = Bench::new();
    let mut old = bench.welcomed().await;
    let mut new = bench.connect().await;
    new.say(resume(SESSION, Vec::new())).await;
    new.word().await;
    let reason = "a newer connection of this agent took its place".to_owned();
    assert_eq!(old.hear().await, Heard::Close(4000, reason));
    old.say(FromAgent::Decline(AttemptRef { job: 5, attempt: 1 }))
        .await;
    assert_eq!(bench.gateway.drain(AGENT).await, Ok(()));
    assert_eq!(new.word().await, ToAgent::Drain);
    new.say(FromAgent::Leaving).await;
    bench.controller.saw("leaving").await;
    assert_eq!(
        bench.controller.log(),
        ["registered", "resumed holding 0", "leaving"]
    );
}

#[tokio::test]
async fn a_word_right_after_the_acceptance_follows_the_welcome() {
    let bench = Bench::new();
    let mut client = bench.connect().await;
    bench.controller.hold_answers();
    client
        .say(crate::bench::register(crate::bench::TOKEN, SESSION))
        .await;
    // The connection is proposed, the answer on its way: the controller speaks already.
    let spoken = async {
        while bench.gateway.drain(AGENT).await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    crate::bench::within(spoken).await;
    bench.controller.answer_again();
    assert!(matches!(client.word().await, ToAgent::Welcome { .. }));
    assert_eq!(client.word().await, ToAgent::Drain);
}

#[tokio::test]
async fn a_forgotten_agent_is_told_to_end() {
    let bench = Bench::new();
    let mut client = bench.welcomed().await;
    bench.gateway.forget(AGENT).await;
    assert_eq!(client.refused().await, ("agent_leaving".to_owned(), false));
    assert!(matches!(client.hear().await, Heard::Close(1008, _)));
    assert_eq!(
        bench.gateway.drain(AGENT).await,
        Err(LinkError::NotConnected)
    );
}

#[tokio::test]
async fn a_stopping_gateway_says_goodbye_and_tells_nobody() {
    let mut bench = Bench::new();
    let mut client = bench.welcomed().await;
    bench.stop().await;
    let reason = "the daemon is stopping; come back when it is up again".to_owned();
    assert_eq!(client.hear().await, Heard::Close(1001, reason));
    assert_eq!(bench.controller.log(), ["registered"]);
    assert!(!bench.socket().exists());
}
