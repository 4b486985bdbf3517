//! A daemon that plays a script, and the real program as somebody who asks it.
//!
//! Promise: requests come in the order of the script or the test fails, and so does a
//! script that is not played to its end.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::VecDeque;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Request, Response, StatusCode, header};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::{Notify, mpsc};

/// No test takes longer unless something hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// One request and its answer.
pub struct Step {
    request: &'static str,
    body: Option<Value>,
    token: Option<&'static str>,
    answer: Answer,
}

enum Answer {
    Json(u16, &'static str, Value),
    Text(&'static str),
    /// Lines; if so, the connection breaks when the test says.
    Lines(Vec<Value>, bool),
    Never,
}

/// A request such as `GET /jobs?limit=50`, below the prefix of the API.
pub fn on(request: &'static str) -> Step {
    Step {
        request,
        body: None,
        token: None,
        answer: Answer::Never,
    }
}

impl Step {
    /// The body must be this.
    pub fn with(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// The token must be this.
    pub fn token(mut self, token: &'static str) -> Self {
        self.token = Some(token);
        self
    }

    pub fn json(mut self, value: Value) -> Self {
        self.answer = Answer::Json(200, "application/json", value);
        self
    }

    pub fn problem(mut self, status: u16, detail: &str, more: Value) -> Self {
        let mut problem = json!({
            "type": "urn:headcount:problem:x", "code": "x", "title": "t",
            "status": status, "detail": detail
        });
        for (key, value) in more.as_object().unwrap() {
            problem[key] = value.clone();
        }
        self.answer = Answer::Json(status, "application/problem+json", problem);
        self
    }

    pub fn html(mut self, text: &'static str) -> Self {
        self.answer = Answer::Text(text);
        self
    }

    pub fn lines(mut self, lines: impl IntoIterator<Item = Value>) -> Self {
        self.answer = Answer::Lines(lines.into_iter().collect(), false);
        self
    }

    pub fn lines_and_break(mut self, lines: impl IntoIterator<Item = Value>) -> Self {
        self.answer = Answer::Lines(lines.into_iter().collect(), true);
        self
    }
}

/// A daemon that plays a script.
pub struct Daemon {
    pub url: String,
    stage: Arc<Stage>,
    /// Every request, as it arrives.
    pub seen: mpsc::UnboundedReceiver<String>,
}

struct Stage {
    steps: Mutex<VecDeque<Step>>,
    mistakes: Mutex<Vec<String>>,
    seen: mpsc::UnboundedSender<String>,
    hang_up: Arc<Notify>,
}

impl Daemon {
    pub async fn plays(steps: impl IntoIterator<Item = Step>) -> Self {
        let (sender, seen) = mpsc::unbounded_channel();
        let stage = Arc::new(Stage {
            steps: Mutex::new(steps.into_iter().collect()),
            mistakes: Mutex::default(),
            seen: sender,
            hang_up: Arc::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(play).with_state(Arc::clone(&stage));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, stage, seen }
    }

    /// Waits for a request.
    pub async fn sees(&mut self, request: &str) {
        loop {
            let seen = tokio::time::timeout(PATIENCE, self.seen.recv()).await;
            if seen.expect("the request never came").unwrap() == request {
                return;
            }
        }
    }

    /// Runs the program, and breaks its connection once it has shown `text`.
    pub async fn asked_and_left(&self, text: &str, args: &[&str]) -> Told {
        let url = ["--url", &self.url];
        let args: Vec<&str> = url.iter().chain(args).copied().collect();
        let mut child = program(&args).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        let mut shown = vec![0; text.len()];
        let read = tokio::time::timeout(PATIENCE, out.read_exact(&mut shown)).await;
        read.expect("it shows nothing").unwrap();
        assert_eq!(String::from_utf8_lossy(&shown), text);
        self.stage.hang_up.notify_one();
        out.read_to_end(&mut shown).await.unwrap();
        let mut told = Told::from(child.wait_with_output().await.unwrap());
        told.out = String::from_utf8(shown).unwrap();
        told
    }

    /// The whole script was played, and nothing else.
    pub fn finished(&self) {
        let mistakes = self.stage.mistakes.lock().unwrap();
        assert!(mistakes.is_empty(), "{mistakes:#?}");
        let left = self.stage.steps.lock().unwrap();
        let left: Vec<_> = left.iter().map(|step| step.request).collect();
        assert!(left.is_empty(), "never asked: {left:?}");
    }

    /// Runs the program against this daemon.
    pub async fn asked(&self, args: &[&str]) -> Told {
        let url = ["--url", &self.url];
        let args: Vec<&str> = url.iter().chain(args).copied().collect();
        run(&args).await
    }
}

async fn play(State(stage): State<Arc<Stage>>, request: Request<Body>) -> Response<Body> {
    let hang_up = Arc::clone(&stage.hang_up);
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().unwrap().as_str();
    let below = path.strip_prefix("/api/v1").unwrap_or(path);
    let line = format!("{} {below}", parts.method);
    let body = axum::body::to_bytes(body, 64 << 20).await.unwrap();
    let step = stage.steps.lock().unwrap().pop_front();
    let mistake = |text: String| stage.mistakes.lock().unwrap().push(text);
    let Some(step) = step else {
        mistake(format!("{line} after the end of the script"));
        return answer(Answer::Text("unexpected"), hang_up).await;
    };
    if step.request != line {
        mistake(format!("{line} instead of {}", step.request));
    }
    if let Some(wanted) = &step.body {
        let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
        if &sent != wanted {
            mistake(format!("{line} sent {sent} instead of {wanted}"));
        }
    }
    let sent = parts.headers.get(header::AUTHORIZATION);
    let sent = sent.map(|value| value.to_str().unwrap().to_owned());
    if sent != step.token.map(|token| format!("Bearer {token}")) {
        mistake(format!("{line} sent the token {sent:?}"));
    }
    let _ = stage.seen.send(line);
    answer(step.answer, hang_up).await
}

async fn answer(answer: Answer, hang_up: Arc<Notify>) -> Response<Body> {
    let (status, kind, body) = match answer {
        Answer::Json(status, kind, value) => (status, kind, Body::from(value.to_string())),
        Answer::Text(text) => (200, "text/html", Body::from(text)),
        Answer::Lines(lines, breaks) => {
            let lines = lines
                .into_iter()
                .map(|line| Ok(Bytes::from(format!("{line}\n"))));
            let end = stream::iter(breaks.then_some(())).then(move |()| {
                let hang_up = Arc::clone(&hang_up);
                async move {
                    hang_up.notified().await;
                    Err(std::io::Error::other("hung up on purpose"))
                }
            });
            let body = Body::from_stream(stream::iter(lines).chain(end));
            (200, "application/x-ndjson", body)
        }
        Answer::Never => std::future::pending().await,
    };
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header(header::CONTENT_TYPE, kind)
        .body(body)
        .unwrap()
}

/// What the program said and how it ended.
#[derive(Debug)]
pub struct Told {
    pub out: String,
    pub err: String,
    pub code: i32,
}

impl From<Output> for Told {
    fn from(output: Output) -> Self {
        Self {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().unwrap_or(-1),
        }
    }
}

/// The program with arguments and nothing of the environment that it listens to.
pub fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headcount"));
    command
        .args(args)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs the program to its end.
pub async fn run(args: &[&str]) -> Told {
    let output = tokio::time::timeout(PATIENCE, program(args).output()).await;
    output.expect("it does not end").unwrap().into()
}

/// A job with these fields set.
pub fn job(fields: Value) -> Value {
    let mut job = json!({
        "id": "job-1", "source": "queue", "state": "queued", "runsOn": ["linux"], "exclude": [],
        "priority": 0, "command": ["make"], "graceMs": 10_000, "retries": 0, "logLimitBytes": 0,
        "acceptedAt": "2026-03-01T12:00:00Z", "attempts": 0
    });
    for (key, value) in fields.as_object().unwrap() {
        job[key] = value.clone();
    }
    job
}

/// A job whose command returned `code`.
pub fn exited(code: i32) -> Value {
    let (state, reason) = match code {
        0 => ("succeeded", "done"),
        _ => ("failed", "command_failed"),
    };
    job(json!({
        "state": state, "reason": reason, "exitCode": code, "attempts": 1,
        "startedAt": "2026-03-01T12:00:01Z", "endedAt": "2026-03-01T12:00:03.5Z"
    }))
}

/// Output in a log.
pub fn output(attempt: u32, number: u64, stream: &str, text: &str) -> Value {
    json!({
        "type": "output", "attempt": attempt, "number": number,
        "at": "2026-03-01T12:00:00Z", "stream": stream, "text": text
    })
}

/// The end of a log.
pub fn end(state: &str) -> Value {
    json!({"type": "end", "state": state})
}
