//! What comes over the API: bounded, and only from those who may.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::harness::{Answer, House, QUICK, pool_of, script, until};

#[test]
fn a_hundred_megabytes_are_refused_before_they_are_read() {
    let house = House::up(&pool_of(1));
    let address = house.url().strip_prefix("http://").unwrap().to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.set_read_timeout(Some(QUICK)).unwrap();
    let head = format!(
        "POST /api/v1/jobs HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: 100000000\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 413");

    // One that does not say how large it is.
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.set_read_timeout(Some(QUICK)).unwrap();
    let head = format!(
        "POST /api/v1/jobs HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = [b"100000\r\n", &[b' '; 0x10_0000][..], b"\r\n"].concat();
    // More than is taken; who sends on is heard no longer.
    let mut sent = 0;
    while sent < 40 && stream.write_all(&chunk).is_ok() {
        sent += 1;
    }
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 413");
    house.run(&["submit", "--wait", "--", "true"]).good();
    house.close();
}

#[test]
fn a_token_is_asked_for() {
    let mut house = House::new(&pool_of(1)).with_token("hunter2");
    house.start();
    let api = house.api();
    let stranger = api.stranger();
    for path in ["/jobs", "/agents", "/pools", "/plan", "/events"] {
        let answer = stranger.get(path);
        assert_eq!(answer.status, 401, "{path}: {answer:?}");
    }
    assert_eq!(stranger.post("/jobs", &script("true")).status, 401);
    assert_eq!(stranger.get_raw("/metrics").status, 401);
    assert_eq!(stranger.get_raw("/healthz").status, 200);
    house.run(&["submit", "--wait", "--", "true"]).good();
    let mut without = house.command(&["jobs"]);
    without.env_remove("HEADCOUNT_TOKEN_FILE");
    let refused = without.output().unwrap();
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    assert!(
        !house.daemon().said().contains("hunter2"),
        "the token was logged"
    );
    house.close();
}

#[test]
fn bad_requests_are_told_what_is_wrong() {
    let house = House::up(&pool_of(1));
    let api = house.api();
    for (status, part, body) in [
        (422, "runsOn", json!({"script": "true", "runOn": ["linux"]})),
        (
            422,
            "script",
            json!({"script": "true", "command": ["true"]}),
        ),
        (422, "command", json!({})),
        (
            422,
            "memory",
            json!({"script": "true", "resources": {"memory": "4gb"}}),
        ),
        (422, "timeout", json!({"script": "true", "timeout": "soon"})),
    ] {
        let answer = api.post("/jobs", &body);
        assert!(
            (400..=422).contains(&answer.status),
            "{status} {body}: {answer:?}"
        );
        assert!(answer.text.contains(part), "`{part}` is not in {answer:?}");
    }
    let post = api.request(reqwest::Method::POST, "/api/v1/jobs");
    let malformed = post
        .header("content-type", "application/json")
        .body("{\"script\": ");
    assert_eq!(Answer::to(malformed).status, 400);
    assert_eq!(api.get("/jobs/job-77").status, 404);
    assert_eq!(api.get("/nothing").status, 404);
    let foreign = api.request(reqwest::Method::POST, "/api/v1/jobs");
    let foreign = foreign
        .header("origin", "https://evil.example")
        .json(&script("true"));
    assert_eq!(Answer::to(foreign).status, 403);
    assert_eq!(api.get("/jobs").text.trim(), "[]", "a refused job was kept");
    house.close();
}

#[test]
fn health_readiness_metrics_page_and_document_are_there() {
    let house = House::up(&pool_of(1));
    let api = house.api();
    assert_eq!(api.get_raw("/healthz").status, 200);
    until("it is ready", || {
        (api.get_raw("/readyz").status == 200).then_some(())
    });
    house.run(&["submit", "--wait", "--", "true"]).good();
    assert!(api.get_raw("/metrics").text.contains("# TYPE headcount_"));
    assert!(api.get_raw("/").text.contains("<html"));
    assert_eq!(
        api.get("/openapi.json").json()["openapi"]
            .as_str()
            .map(|v| &v[..2]),
        Some("3.")
    );
    house.close();
}
