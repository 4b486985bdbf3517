//! Who is let in.

use std::time::Duration;

use headcount_api::agent::{FromAgent, PROTOCOL, ToAgent};
use headcount_gateway::GatewayOptions;
use tokio_tungstenite::tungstenite::Message;

use crate::bench::{Bench, Heard, SESSION, TOKEN, options, register, resume};

#[tokio::test]
async fn a_token_is_good_for_one_session_however_often_it_is_shown() {
    let bench = Bench::new();
    drop(bench.welcomed().await);
    let mut again = bench.welcomed().await;
    let mut thief = bench.connect().await;
    thief.say(register(TOKEN, "another-session")).await;
    assert_eq!(
        thief.word().await,
        ToAgent::Refused {
            code: "token_used".to_owned(),
            message: "the token was used already by another process: it was copied, or shown twice"
                .to_owned(),
            retry: false,
        }
    );
    assert_eq!(
        thief.hear().await,
        Heard::Close(1008, "token_used".to_owned())
    );
    // The agent itself is not disturbed.
    again.say(FromAgent::Leaving).await;
    bench.controller.saw("leaving").await;
    let stats = bench.gateway.stats();
    assert_eq!(stats.refused.get("token_used"), Some(&1));
    assert_eq!((stats.connected, stats.welcomed), (1, 2));
}

#[tokio::test]
async fn a_session_resumes_and_a_wrong_one_does_not() {
    let bench = Bench::new();
    drop(bench.welcomed().await);
    let mut client = bench.connect().await;
    client.say(resume(SESSION, Vec::new())).await;
    assert_eq!(client.word().await, ToAgent::Welcome { protocol: PROTOCOL });
    let mut wrong = bench.connect().await;
    wrong.say(resume("guessed", Vec::new())).await;
    assert_eq!(wrong.refused().await, ("bad_session".to_owned(), false));
}

#[tokio::test]
async fn what_is_not_a_greeting_is_refused() {
    let bench = Bench::new();
    let too_new = r#"{"type":"resume","protocol":99,"agent":"a-1-1","session":"s","held":[]}"#;
    let no_id = r#"{"type":"resume","protocol":1,"agent":"root","session":"s","held":[]}"#;
    for (text, code) in [
        ("garbage", "bad_message"),
        (r#"{"type":"leaving"}"#, "bad_message"),
        (too_new, "protocol"),
        (no_id, "bad_id"),
    ] {
        let mut client = bench.connect().await;
        client.say_text(text.to_owned()).await;
        assert_eq!(client.refused().await, (code.to_owned(), false), "{text}");
    }
    let mut client = bench.connect().await;
    client.send(Message::binary(vec![0, 1, 2])).await;
    assert_eq!(client.refused().await.0, "bad_message");
    assert_eq!(bench.controller.log(), [""; 0]);
    assert_eq!(bench.gateway.stats().refused.get("bad_message"), Some(&3));
}

#[tokio::test]
async fn who_says_nothing_is_sent_away() {
    let greeting = Duration::from_millis(50);
    let bench = Bench::with(GatewayOptions {
        greeting,
        ..options()
    });
    let mut client = bench.connect().await;
    assert_eq!(client.refused().await, ("no_greeting".to_owned(), false));
}

#[tokio::test]
async fn a_busy_or_stopping_controller_means_later() {
    let answer = Duration::from_millis(50);
    let bench = Bench::with(GatewayOptions {
        answer,
        ..options()
    });
    bench.controller.hold_answers();
    let mut client = bench.connect().await;
    client.say(register(TOKEN, SESSION)).await;
    let (code, retry) = client.refused().await;
    assert!(
        retry && ["not_answered", "stopping"].contains(&code.as_str()),
        "{code}"
    );
    bench.controller.answer_again();
    bench.controller.stop();
    let mut client = bench.connect().await;
    client.say(register(TOKEN, SESSION)).await;
    assert_eq!(client.refused().await, ("stopping".to_owned(), true));
}
