//! A whole daemon in memory: the real controller and the real routes over twins of the
//! queue, the backend and the agents that keep the promises of the real ones.

mod agents;
pub(crate) mod fleet;
mod queue;
mod signals;
mod texts;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use headcount_controller::{Clock, Controller, Handle, Wiring};
use headcount_model::{Fleet, OwnerId, Secret};
use headcount_ports::conformance::memory::MemoryStore;
use headcount_ports::{JobBook, Ledger as _, LogBook};
use headcount_server::{Access, Feed, Parts, Server, WatchedBook, router};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub(crate) use agents::TestAgents;
pub(crate) use fleet::{fleet, scaler};
pub(crate) use queue::TestQueue;
pub(crate) use signals::fleet_with_triggers;
pub(crate) use texts::{TestDaemon, TestGrammar};

/// A running daemon.
pub(crate) struct House {
    pub(crate) server: Server,
    pub(crate) router: Router,
    pub(crate) handle: Handle,
    pub(crate) queue: Arc<TestQueue>,
    pub(crate) agents: Arc<TestAgents>,
    pub(crate) daemon: Arc<TestDaemon>,
    pub(crate) closing: CancellationToken,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl House {
    /// A daemon with the usual fleet, reached over loopback.
    pub(crate) async fn new() -> Self {
        Self::with(fleet(), None).await
    }

    pub(crate) async fn with(fleet: Fleet, token: Option<&str>) -> Self {
        let clock = Clock::start();
        let store = MemoryStore::new(OwnerId::new("0123456789abcdef"), 0);
        let feed = Feed::new();
        let book: Arc<dyn JobBook> =
            Arc::new(WatchedBook::new(Arc::new(store.clone()), feed.clone()));
        let controller = Controller::new();
        let inbox = Arc::new(controller.inbox());
        let queue = Arc::new(TestQueue::new(Arc::clone(&book), inbox.clone(), clock));
        let logs: Arc<dyn LogBook> = Arc::new(store.clone());
        let time = Arc::new(store.clone());
        let agents = Arc::new(TestAgents::new(inbox, logs.clone(), queue.clone(), clock));
        let recovered = store.load().await.unwrap();
        let (handle, hall) = controller.start(Wiring {
            backlog_warning: None,
            clock,
            fleet,
            recovered,
            ledger: Arc::new(store.clone()),
            sources: vec![queue.clone()],
            backends: vec![agents.clone()],
            link: agents.clone(),
            machine_pools: Arc::new(headcount_ports::NoMachinePools),
            signals: Arc::new(signals::TestSignals),
        });
        tokio::spawn(hall);
        let daemon = Arc::new(TestDaemon::new(handle.clone(), store));
        let closing = CancellationToken::new();
        let addr = "127.0.0.1:4870".parse().unwrap();
        let token = token.map(|token| Secret::new(token.to_owned()));
        let server = Server::new(Parts {
            handle: handle.clone(),
            clock,
            jobs: book,
            logs,
            time,
            queue: queue.clone(),
            daemon: daemon.clone(),
            grammar: Arc::new(TestGrammar),
            feed,
            access: Access::new(addr, token).unwrap(),
            closing: closing.clone(),
        });
        Self {
            router: router(&server),
            server,
            handle,
            queue,
            agents,
            daemon,
            closing,
        }
    }

    /// Sends `METHOD path` with a body.
    pub(crate) async fn send(&self, line: &str, body: impl Into<Body>) -> Got {
        let (method, path) = line.split_once(' ').unwrap();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "127.0.0.1:4870")
            .body(body.into())
            .unwrap();
        self.request(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.send(&format!("GET {path}"), Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Got {
        self.send(&format!("POST {path}"), body).await
    }

    pub(crate) async fn request(&self, request: Request<Body>) -> Got {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Got {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.to_vec(),
        }
    }

    /// Submits a job that runs `command`; returns its id.
    pub(crate) async fn submit(&self, command: &[&str]) -> String {
        let body = serde_json::json!({"command": command, "runsOn": ["linux"]});
        let got = self.post("/api/v1/jobs", body.to_string()).await;
        assert_eq!(got.status, 201, "{}", got.text());
        got.json()["id"].as_str().unwrap().to_owned()
    }

    /// Waits until the job has ended, and shows it.
    pub(crate) async fn ended(&self, job: &str) -> Value {
        let got = self
            .get(&format!("/api/v1/jobs/{job}/wait?timeout=60s"))
            .await;
        assert_eq!(got.status, 200, "{}", got.text());
        got.json()
    }

    /// Waits until `path` answers with JSON as `wanted` says.
    pub(crate) async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let got = self.until_got(path, |got| wanted(&got.json())).await;
        got.json()
    }

    /// Waits until `path` answers as `wanted` says; each change of a job or an agent is
    /// an occasion to look again.
    pub(crate) async fn until_got(&self, path: &str, wanted: impl Fn(&Got) -> bool) -> Got {
        let mut events = self.handle.events();
        let mut bell = self.queue.bell();
        let look = async {
            loop {
                let got = self.get(path).await;
                if wanted(&got) {
                    return got;
                }
                tokio::select! {
                    _ = events.recv() => {}
                    _ = bell.changed() => {}
                    // Nothing tells of a change of the view alone.
                    () = tokio::time::sleep(Duration::from_millis(20)) => {}
                }
            }
        };
        match tokio::time::timeout(Duration::from_secs(30), look).await {
            Ok(got) => got,
            Err(_) => panic!("{path}: {}", self.get(path).await.text()),
        }
    }
}

impl Got {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The status and the body as JSON with sorted keys, for comparing with a text.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json");
        format!("{} {}", self.status, self.json())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    }
}
