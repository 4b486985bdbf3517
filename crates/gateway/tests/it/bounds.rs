//! Nothing without a size and a deadline.

use std::time::Duration;

use headcount_api::agent::MAX_FRAME_BYTES;
use headcount_gateway::{AgentListener, Gateway, GatewayOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio_tungstenite::tungstenite::Message;

use crate::bench::{Bench, Heard, options, within};

#[tokio::test]
async fn a_half_open_connection_is_closed_and_told() {
    let silence = Duration::from_millis(50);
    let bench = Bench::with(GatewayOptions {
        silence,
        ..options()
    });
    let mut client = bench.welcomed().await;
    // Not reading means not answering pings: for the gateway the other end is dead.
    bench.controller.saw("disconnected").await;
    let reason = "nothing was heard for too long".to_owned();
    assert_eq!(client.hear().await, Heard::Close(1001, reason));
    assert_eq!(bench.gateway.stats().connected, 0);
}

#[tokio::test]
async fn a_quiet_connection_is_pinged() {
    let heartbeat = Duration::from_millis(20);
    let bench = Bench::with(GatewayOptions {
        heartbeat,
        ..options()
    });
    let mut client = bench.welcomed().await;
    assert!(client.is_pinged().await);
    assert!(client.is_pinged().await);
}

#[tokio::test]
async fn a_frame_that_is_too_large_ends_the_connection() {
    let bench = Bench::new();
    let mut client = bench.welcomed().await;
    client
        .send(Message::text("x".repeat(MAX_FRAME_BYTES + 1)))
        .await;
    assert!(matches!(
        client.hear().await,
        Heard::Close(1008, _) | Heard::End
    ));
    bench.controller.saw("disconnected").await;
    assert_eq!(bench.gateway.stats().refused.get("bad_message"), Some(&1));
}

#[tokio::test]
async fn a_stranger_that_lingers_does_not_keep_others_out_for_long() {
    let greeting = Duration::from_millis(100);
    let bench = Bench::with(GatewayOptions {
        max_strangers: 1,
        greeting,
        ..options()
    });
    let mut lingering = bench.connect().await;
    // Waits its turn, which comes when the first is sent away.
    bench.welcomed().await;
    assert_eq!(lingering.refused().await.0, "no_greeting");
}

#[tokio::test]
async fn connections_in_all_are_bounded() {
    let bench = Bench::with(GatewayOptions {
        max_connections: 1,
        ..options()
    });
    let first = bench.welcomed().await;
    let answer = request(&bench, "/agent/v1", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert_eq!(bench.gateway.stats().refused.get("full"), Some(&1));
    drop(first);
}

#[tokio::test]
async fn nothing_else_is_served() {
    let bench = Bench::new();
    for path in ["/", "/api/v1/jobs", "/metrics"] {
        let answer = request(&bench, path, "").await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    }
    let answer = request(&bench, "/agent/v1", "").await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
}

#[tokio::test]
async fn a_request_that_does_not_come_is_not_awaited_for_ever() {
    let greeting = Duration::from_millis(50);
    let bench = Bench::with(GatewayOptions {
        greeting,
        ..options()
    });
    let mut stream = UnixStream::connect(bench.socket()).await.unwrap();
    stream.write_all(b"GET /agent/v1 HT").await.unwrap();
    let mut rest = Vec::new();
    within(stream.read_to_end(&mut rest)).await.unwrap();
}

/// A plain request; the whole answer.
async fn request(bench: &Bench, path: &str, headers: &str) -> String {
    let mut stream = UnixStream::connect(bench.socket()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    within(stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn loopback_tcp_is_served_too() {
    let bench = Bench::new();
    let listener = AgentListener::loopback("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let url = listener.url().unwrap();
    let gateway = Gateway::new(bench.controller.clone(), bench.logs.clone(), options());
    let serving =
        tokio::spawn(async move { gateway.serve(vec![listener], std::future::pending()).await });
    let address = url.strip_prefix("ws://").unwrap().to_owned();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("{url}{}", headcount_api::agent::PATH);
    within(tokio_tungstenite::client_async(request, stream))
        .await
        .unwrap();
    serving.abort();
}
