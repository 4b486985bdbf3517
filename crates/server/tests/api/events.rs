//! Live events.

use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::house::House;

/// One event as it was sent.
struct Sent {
    id: String,
    name: String,
    data: Value,
}

struct Events {
    stream: BodyDataStream,
    text: String,
}

impl Events {
    async fn of(house: &House, last: Option<&str>) -> Self {
        let mut request = Request::get("/api/v1/events").header("host", "localhost");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = house.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            stream: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let mut lines = event.lines();
                    let line = lines.find_map(|line| line.strip_prefix(name));
                    line.unwrap_or_default().trim_start_matches(": ").to_owned()
                };
                let sent = Sent {
                    id: field("id"),
                    name: field("event"),
                    data: serde_json::from_str(&field("data")).unwrap(),
                };
                self.text = rest.to_owned();
                return Some(sent);
            }
            let wait = std::time::Duration::from_secs(15);
            let piece = tokio::time::timeout(wait, self.stream.next()).await;
            let piece = piece.expect("nothing came")?.unwrap();
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    /// The next event with this name.
    async fn named(&mut self, name: &str) -> Sent {
        loop {
            let sent = self.next().await.expect("the stream ended");
            if sent.name == name {
                return sent;
            }
        }
    }
}

#[tokio::test]
async fn a_jobs_way_is_told_from_acceptance_to_end() {
    let house = House::new().await;
    let mut events = Events::of(&house, None).await;
    let hello = events.next().await.unwrap();
    assert_eq!(
        (hello.name.as_str(), &hello.data["type"]),
        ("hello", &json!("hello"))
    );
    let job = house.submit(&["exit", "3"]).await;
    let accepted = events.named("jobs").await;
    assert_eq!(
        accepted.data,
        json!({"type": "jobs", "accepted": 1, "first": job, "last": job})
    );
    let agent = events.named("agent").await;
    assert_eq!(
        (
            &agent.data["pool"],
            &agent.data["state"],
            &agent.data["reason"]
        ),
        (
            &json!("builders/linux"),
            &json!("creating"),
            &json!("demand_waiting")
        )
    );
    let mut states = Vec::new();
    while states.last() != Some(&json!("failed")) {
        let sent = events.named("job").await;
        assert_eq!(sent.data["job"], json!(job));
        states.push(sent.data["state"].clone());
    }
    states.dedup();
    assert_eq!(
        states,
        [json!("assigned"), json!("running"), json!("failed")]
    );
    events.named("agentGone").await;
}

#[tokio::test]
async fn a_reader_that_comes_back_is_told_whether_it_missed_something() {
    let house = House::new().await;
    let first = Events::of(&house, None).await.next().await.unwrap();
    let mut same = Events::of(&house, Some(&first.id)).await;
    assert_eq!(same.next().await.unwrap().name, "hello");
    house.post("/api/v1/pools/builders/drain", "").await;
    let told = same.named("pool").await;
    assert_eq!(told.data["draining"], json!(true));
    let mut late = Events::of(&house, Some(&first.id)).await;
    assert_eq!(late.next().await.unwrap().name, "hello");
    let missed = late.next().await.unwrap();
    assert_eq!(
        (missed.name.as_str(), missed.data),
        ("missed", json!({"type": "missed"}))
    );
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_told_how_much_it_missed() {
    let house = House::new().await;
    let mut slow = Events::of(&house, None).await;
    let job = r#"{"command":["a"],"runsOn":["nowhere"],"expiresAfter":"1ms"}"#;
    let batch = format!("[{}]", vec![job; 5000].join(","));
    house.post("/api/v1/jobs", batch).await;
    let all_expired = |jobs: &Value| *jobs == json!([]);
    house.until("/api/v1/jobs?state=queued", all_expired).await;
    assert_eq!(slow.next().await.unwrap().name, "hello");
    let missed = slow.next().await.unwrap();
    assert_eq!(missed.name, "missed");
    assert!(
        missed.data["count"].as_u64() >= Some(900),
        "{}",
        missed.data
    );
    assert_eq!(slow.next().await.unwrap().data["state"], "expired");
}

#[tokio::test]
async fn a_reload_is_told() {
    let house = House::new().await;
    let mut events = Events::of(&house, None).await;
    *house.daemon.file.lock().unwrap() = "maxAgents: 3".to_owned();
    house.post("/api/v1/reload", "").await;
    assert_eq!(
        events.named("config").await.data,
        json!({"type": "config", "changes": 2})
    );
}

#[tokio::test]
async fn the_stream_ends_with_the_daemon() {
    let house = House::new().await;
    let mut events = Events::of(&house, None).await;
    house.closing.cancel();
    assert_eq!(events.next().await.unwrap().name, "hello");
    assert!(events.next().await.is_none());
}
