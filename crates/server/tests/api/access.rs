//! Who is let in.

use axum::body::Body;
use axum::http::Request;

use crate::house::{Got, House, fleet};

async fn ask(house: &House, line: &str, headers: &[(&str, &str)]) -> Got {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    house.request(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn with_a_token_only_the_sign_of_life_and_the_page_are_open() {
    let house = House::with(fleet(), Some("s3cret")).await;
    let host = ("host", "headcount.example:4870");
    for (line, status) in [
        ("GET /healthz", 200),
        ("GET /", 200),
        ("GET /readyz", 401),
        ("GET /metrics", 401),
        ("GET /api/v1/jobs", 401),
        ("GET /api/v1/openapi.json", 401),
        ("GET /api/v1/events", 401),
        ("POST /api/v1/reload", 401),
        ("GET /nothing", 401),
    ] {
        assert_eq!(ask(&house, line, &[host]).await.status, status, "{line}");
    }
    let token = ("authorization", "Bearer s3cret");
    assert_eq!(
        ask(&house, "GET /api/v1/jobs", &[host, token]).await.status,
        200
    );
    let wrong = ("authorization", "Bearer secret");
    let got = ask(&house, "GET /api/v1/jobs", &[host, wrong]).await;
    assert_eq!(got.header("www-authenticate"), "Bearer realm=\"headcount\"");
    assert_eq!(
        got.problem(),
        r#"401 {"code":"unauthorized","detail":"the token is not the daemon's","hint":"send `Authorization: Bearer TOKEN`; the CLI takes --token-file or HEADCOUNT_TOKEN_FILE","status":401,"title":"a token is needed","type":"urn:headcount:problem:unauthorized"}"#
    );
}

#[tokio::test]
async fn without_a_token_only_names_of_this_host_are_served() {
    let house = House::new().await;
    let evil = ("host", "evil.example");
    let got = ask(&house, "GET /api/v1/jobs", &[evil]).await;
    assert_eq!(
        got.problem(),
        r#"421 {"code":"foreign_host","detail":"\"evil.example\" is not a name of this host","hint":"use http://127.0.0.1 or http://localhost, or start the daemon with --token-file to serve other names","status":421,"title":"the host name is not this daemon's","type":"urn:headcount:problem:foreign_host"}"#
    );
    assert_eq!(ask(&house, "GET /healthz", &[evil]).await.status, 200);
    let local = ("host", "localhost:4870");
    assert_eq!(ask(&house, "GET /api/v1/jobs", &[local]).await.status, 200);
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let house = House::new().await;
    let local = ("host", "localhost:4870");
    let evil = ("origin", "http://evil.example");
    let got = ask(&house, "POST /api/v1/reload", &[local, evil]).await;
    assert_eq!(
        got.problem(),
        r#"403 {"code":"foreign_origin","detail":"a page of another site sent the request","hint":"use the daemon's own page, or the CLI","status":403,"title":"another site sent the request","type":"urn:headcount:problem:foreign_origin"}"#
    );
    let own = ("origin", "http://localhost:4870");
    let got = ask(&house, "POST /api/v1/reload", &[local, own]).await;
    assert_eq!(got.status, 200, "{}", got.text());
}

#[tokio::test]
async fn the_page_may_run_only_its_own_script() {
    let got = House::new().await.get("/").await;
    assert_eq!(got.header("content-type"), "text/html; charset=utf-8");
    let policy = got.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'sha256-",
        "connect-src 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(got.header("x-content-type-options"), "nosniff");
}
