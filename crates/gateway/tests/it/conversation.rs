//! Claims, output, results: answered once durable, in order.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headcount_api::agent::{AttemptRef, Chunk, FromAgent, Outcome, Stream, ToAgent};
use headcount_ports::StoreError;
use tokio::time::timeout;

use crate::bench::{Bench, Heard, SESSION, resume};

fn output(attempt: AttemptRef, pieces: &[(u64, &str)]) -> FromAgent {
    let chunk = |(number, text): &(u64, &str)| Chunk {
        number: *number,
        at_ms: 5,
        stream: Stream::Out,
        data: STANDARD.encode(text),
    };
    let chunks = pieces.iter().map(chunk).collect();
    FromAgent::Output { attempt, chunks }
}

const DONE: Outcome = Outcome::Exited { code: 0 };

#[tokio::test]
async fn a_claim_is_granted_only_when_it_is_durable() {
    let bench = Bench::new();
    let mut client = bench.welcomed().await;
    let attempt = AttemptRef { job: 1, attempt: 1 };
    bench.controller.offer(1, 1);
    bench.controller.hold_answers();
    client.say(FromAgent::Claim(attempt)).await;
    let early = timeout(Duration::from_millis(50), client.hear()).await;
    assert!(early.is_err(), "{early:?}");
    bench.controller.answer_again();
    assert_eq!(client.word().await, ToAgent::Granted(attempt));
    client.say(FromAgent::Claim(attempt)).await;
    assert_eq!(client.word().await, ToAgent::Granted(attempt));
}

#[tokio::test]
async fn a_claim_of_another_agents_attempt_is_denied() {
    let bench = Bench::new();
    let mut client = bench.welcomed().await;
    let attempt = AttemptRef { job: 9, attempt: 1 };
    client.say(FromAgent::Claim(attempt)).await;
    let code = "not_yours".to_owned();
    assert_eq!(client.word().await, ToAgent::Denied { attempt, code });
}

#[tokio::test]
async fn output_is_acknowledged_once_stored_and_known_numbers_do_no_harm() {
    let bench = Bench::new();
    let (mut client, attempt) = bench.granted().await;
    client.say(output(attempt, &[(1, "a"), (2, "b")])).await;
    assert_eq!(
        client.word().await,
        ToAgent::Stored {
            attempt,
            through: 2
        }
    );
    client.say(output(attempt, &[(2, "b"), (3, "c")])).await;
    assert_eq!(
        client.word().await,
        ToAgent::Stored {
            attempt,
            through: 3
        }
    );
    let log = bench.logs.of(1);
    assert_eq!(log.bytes(headcount_ports::Stream::Out), b"abc");
    assert_eq!(bench.gateway.stats().output_bytes, 4);
}

#[tokio::test]
async fn output_that_cannot_be_stored_waits_and_so_does_the_result() {
    let bench = Bench::new();
    let (mut client, attempt) = bench.granted().await;
    bench
        .logs
        .fail_with(Some(StoreError::Full("no room".to_owned())));
    client.say(output(attempt, &[(1, "a")])).await;
    client
        .say(FromAgent::Finished {
            attempt,
            outcome: DONE,
        })
        .await;
    let early = timeout(Duration::from_millis(50), client.hear()).await;
    assert!(early.is_err(), "{early:?}");
    assert!(bench.gateway.stats().store_retries > 0);
    assert_eq!(bench.controller.end_of(1), None);
    bench.logs.fail_with(None);
    assert_eq!(
        client.word().await,
        ToAgent::Stored {
            attempt,
            through: 1
        }
    );
    assert_eq!(client.word().await, ToAgent::Recorded(attempt));
}

#[tokio::test]
async fn output_the_store_will_never_take_does_not_hold_the_agent_up() {
    let bench = Bench::new();
    let (mut client, attempt) = bench.granted().await;
    bench
        .logs
        .fail_with(Some(StoreError::Conflict("no such job".to_owned())));
    client.say(output(attempt, &[(1, "a"), (2, "b")])).await;
    assert_eq!(
        client.word().await,
        ToAgent::Stored {
            attempt,
            through: 2
        }
    );
}

#[tokio::test]
async fn output_of_an_attempt_that_is_not_the_agents_is_not_taken() {
    let bench = Bench::new();
    let mut client = bench.welcomed().await;
    let attempt = AttemptRef { job: 2, attempt: 1 };
    client.say(output(attempt, &[(1, "forged")])).await;
    let code = "not_yours".to_owned();
    assert_eq!(client.word().await, ToAgent::Denied { attempt, code });
    assert!(bench.logs.of(2).chunks.is_empty());
}

#[tokio::test]
async fn the_jobs_own_log_limit_is_kept_over_a_reconnect_and_a_default_over_a_restart() {
    use headcount_ports::AgentLink as _;
    let mut bench = Bench::new();
    let mut client = bench.welcomed().await;
    bench.controller.offer(1, 1);
    bench
        .gateway
        .assign(crate::link::request(1, 1234))
        .await
        .unwrap();
    client.word().await;
    let attempt = AttemptRef { job: 1, attempt: 1 };
    client.say(FromAgent::Claim(attempt)).await;
    client.word().await;
    drop(client);
    let mut client = bench.connect().await;
    client.say(resume(SESSION, vec![attempt])).await;
    client.word().await;
    client.say(output(attempt, &[(1, "a")])).await;
    client.word().await;
    assert_eq!(bench.logs.of(1).limit_bytes, 1234);
    bench.restart().await;
    let mut client = bench.connect().await;
    client.say(resume(SESSION, vec![attempt])).await;
    client.word().await;
    client.say(output(attempt, &[(2, "b")])).await;
    assert_eq!(
        client.word().await,
        ToAgent::Stored {
            attempt,
            through: 2
        }
    );
    assert_eq!(bench.logs.of(1).limit_bytes, 64 << 20);
}

#[tokio::test]
async fn a_result_may_be_told_twice() {
    let bench = Bench::new();
    let (mut client, attempt) = bench.granted().await;
    for _ in 0..2 {
        client
            .say(FromAgent::Finished {
                attempt,
                outcome: DONE,
            })
            .await;
        assert_eq!(client.word().await, ToAgent::Recorded(attempt));
    }
    client.say(output(attempt, &[(1, "late")])).await;
    let code = "too_late".to_owned();
    assert_eq!(client.word().await, ToAgent::Denied { attempt, code });
}

#[tokio::test]
async fn a_stopping_daemon_promises_nothing() {
    let bench = Bench::new();
    let (mut client, attempt) = bench.granted().await;
    bench.controller.stop();
    client
        .say(FromAgent::Finished {
            attempt,
            outcome: DONE,
        })
        .await;
    let reason = "the daemon cannot answer now; come back later".to_owned();
    assert_eq!(client.hear().await, Heard::Close(1013, reason));
}

#[tokio::test]
async fn what_cannot_be_understood_ends_the_connection() {
    let bench = Bench::new();
    let mut wrong_order = output(AttemptRef { job: 1, attempt: 1 }, &[(2, "b"), (1, "a")]);
    let mut not_base64 = output(AttemptRef { job: 1, attempt: 1 }, &[(1, "a")]);
    if let FromAgent::Output { chunks, .. } = &mut not_base64 {
        chunks[0].data = "?".to_owned();
    }
    let register = crate::bench::register(crate::bench::TOKEN, SESSION);
    for message in [&mut wrong_order, &mut not_base64, &mut register.clone()] {
        let mut client = bench.welcomed().await;
        client.say(message.clone()).await;
        assert!(
            matches!(client.hear().await, Heard::Close(1008, _)),
            "{message:?}"
        );
    }
    let mut client = bench.welcomed().await;
    client.say_text("{".to_owned()).await;
    assert!(matches!(client.hear().await, Heard::Close(1008, _)));
    assert_eq!(bench.gateway.stats().refused.get("bad_message"), Some(&4));
}
