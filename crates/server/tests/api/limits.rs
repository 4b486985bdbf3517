//! Bounds: bodies, and a client that goes on sending what was refused.

use std::io;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use headcount_api::MAX_BODY_BYTES;
use headcount_server::serve;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::house::House;

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn an_announced_body_of_100_mb_is_refused_before_it_is_read() {
    let house = House::new().await;
    let got = house.post("/api/v1/jobs", vec![b' '; 100 * MIB]).await;
    assert_eq!(
        got.problem(),
        r#"413 {"code":"body_too_large","detail":"the body has 104857600 bytes; at most 32 MiB are taken","hint":"send jobs in several batches, and let jobs fetch large things themselves","status":413,"title":"the body is too large","type":"urn:headcount:problem:body_too_large"}"#
    );
}

#[tokio::test]
async fn an_unannounced_body_is_cut_at_the_bound() {
    let house = House::new().await;
    let piece = Bytes::from(vec![b' '; MIB]);
    let pieces = (0..=MAX_BODY_BYTES / MIB).map(move |_| Ok::<_, io::Error>(piece.clone()));
    let body = Body::from_stream(stream::iter(pieces));
    let got = house.post("/api/v1/plan", body).await;
    assert_eq!(got.status, 413);
    assert_eq!(
        got.json()["detail"],
        "the body has more than 32 MiB, and no more are taken"
    );
}

#[tokio::test]
async fn a_broken_body_is_told() {
    let house = House::new().await;
    let pieces = [Ok(Bytes::from("[")), Err(io::Error::other("cut"))];
    let got = house
        .post("/api/v1/jobs", Body::from_stream(stream::iter(pieces)))
        .await;
    assert_eq!(got.status, 400);
    assert_eq!(got.json()["detail"], "the body broke off: cut");
}

/// A client that writes all of its body before it reads must still get to read.
#[tokio::test]
async fn a_client_that_sends_100_mb_over_a_socket_reads_the_refusal() {
    let house = House::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let serving = tokio::spawn(serve(listener, house.router.clone(), house.closing.clone()));
    let mut client = TcpStream::connect(addr).await.unwrap();
    let head = format!(
        "POST /api/v1/jobs HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        100 * MIB
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b' '; MIB];
    for _ in 0..100 {
        client.write_all(&piece).await.unwrap();
    }
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"),
        "{answer}"
    );
    house.closing.cancel();
    serving.await.unwrap();
}

#[tokio::test]
async fn serving_ends_when_it_is_told_although_a_stream_is_open() {
    let house = House::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let serving = tokio::spawn(serve(listener, house.router.clone(), house.closing.clone()));
    let mut client = TcpStream::connect(addr).await.unwrap();
    let request = format!("GET /api/v1/events HTTP/1.1\r\nhost: {addr}\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut start = [0; 15];
    client.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200 OK");
    house.closing.cancel();
    serving.await.unwrap();
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains("event: hello"), "{rest}");
    assert!(
        rest.ends_with("0\r\n\r\n"),
        "the stream was ended, not cut: {rest}"
    );
}
