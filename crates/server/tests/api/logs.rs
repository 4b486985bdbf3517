//! Output: stored, growing, binary, resumed.

use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use futures_util::StreamExt as _;
use tower::ServiceExt as _;

use crate::house::House;

async fn stream(house: &House, path: &str) -> BodyDataStream {
    let request = Request::get(path)
        .header("host", "localhost")
        .body(Body::empty())
        .unwrap();
    let response = house.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    response.into_body().into_data_stream()
}

async fn next(stream: &mut BodyDataStream) -> Option<String> {
    let piece = tokio::time::timeout(std::time::Duration::from_secs(30), stream.next()).await;
    let piece = piece.expect("nothing came");
    piece.map(|piece| String::from_utf8(piece.unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn stored_output_is_read_as_text_and_as_lines() {
    let house = House::new().await;
    let job = house.submit(&["print", "one\n", "two\n"]).await;
    house.ended(&job).await;
    let text = house.get(&format!("/api/v1/jobs/{job}/logs")).await;
    assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(text.text(), "one\ntwo\n");
    let lines = house
        .get(&format!("/api/v1/jobs/{job}/logs?format=ndjson"))
        .await;
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    let lines: Vec<serde_json::Value> = lines
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let shown: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["type"].as_str().unwrap(),
                line["number"].as_u64(),
                line["text"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("output", Some(1), Some("one\n")),
            ("output", Some(2), Some("two\n")),
            ("end", None, None)
        ]
    );
    assert_eq!(lines[2]["state"], "succeeded");
}

#[tokio::test]
async fn reading_goes_on_where_it_broke() {
    let house = House::new().await;
    let job = house.submit(&["print", "one\n", "two\n", "three\n"]).await;
    house.ended(&job).await;
    let rest = house
        .get(&format!("/api/v1/jobs/{job}/logs?attempt=1&after=2"))
        .await;
    assert_eq!(rest.text(), "three\n");
    let none = house
        .get(&format!("/api/v1/jobs/{job}/logs?attempt=2"))
        .await;
    assert_eq!((none.status, none.text().as_str()), (200, ""));
}

#[tokio::test]
async fn bytes_that_are_no_text_are_safe() {
    let house = House::new().await;
    let job = house.submit(&["binary"]).await;
    house.ended(&job).await;
    let plain = house.get(&format!("/api/v1/jobs/{job}/logs")).await;
    assert_eq!(plain.body, b"\xff\x00");
    let lines = house
        .get(&format!("/api/v1/jobs/{job}/logs?format=ndjson"))
        .await;
    assert!(
        lines.text().contains(r#""stream":"out","base64":"/wA="}"#),
        "{}",
        lines.text()
    );
}

#[tokio::test]
async fn a_followed_log_grows_and_ends_with_the_job() {
    let house = House::new().await;
    let job = house.submit(&["hold"]).await;
    let mut log = stream(&house, &format!("/api/v1/jobs/{job}/logs?follow=true")).await;
    assert_eq!(next(&mut log).await.unwrap(), "holding\n");
    house.agents.print(&job, 2, "still\n").await;
    assert_eq!(next(&mut log).await.unwrap(), "still\n");
    house.agents.release(&job, 0);
    assert_eq!(next(&mut log).await, None);
}

#[tokio::test]
async fn a_followed_log_says_how_the_job_ended() {
    let house = House::new().await;
    let job = house.submit(&["hold"]).await;
    let path = format!("/api/v1/jobs/{job}/logs?follow=true&format=ndjson");
    let mut log = stream(&house, &path).await;
    assert!(next(&mut log).await.unwrap().contains("holding"));
    house.agents.release(&job, 3);
    assert_eq!(
        next(&mut log).await.unwrap(),
        "{\"type\":\"end\",\"state\":\"failed\"}\n"
    );
    assert_eq!(next(&mut log).await, None);
}

#[tokio::test]
async fn following_a_job_that_is_cancelled_before_it_ran_ends() {
    let house = House::new().await;
    let job = r#"{"command":["x"],"runsOn":["nowhere"]}"#;
    house.post("/api/v1/jobs", job).await;
    let mut log = stream(&house, "/api/v1/jobs/job-1/logs?follow=true").await;
    house.post("/api/v1/jobs/job-1/cancel", "").await;
    assert_eq!(next(&mut log).await, None);
}

#[tokio::test]
async fn a_followed_log_ends_with_the_daemon() {
    let house = House::new().await;
    let job = house.submit(&["hold"]).await;
    let mut log = stream(&house, &format!("/api/v1/jobs/{job}/logs?follow=true")).await;
    assert!(next(&mut log).await.is_some());
    house.closing.cancel();
    assert_eq!(next(&mut log).await, None);
}

#[tokio::test]
async fn wrong_formats_are_told() {
    let house = House::new().await;
    let job = house.submit(&["exit", "0"]).await;
    let got = house
        .get(&format!("/api/v1/jobs/{job}/logs?format=ndjsn"))
        .await;
    assert_eq!(got.status, 400);
    let json = got.json();
    assert_eq!(
        json["detail"],
        "the query: format: unknown variant `ndjsn`, expected `text` or `ndjson`"
    );
    assert_eq!(json["hint"], "write `ndjson`");
}
