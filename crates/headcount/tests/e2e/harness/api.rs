//! The daemon's HTTP API, as any client sees it.

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::Duration;

use headcount_api::{Agent, Event, Job, JobState, PREFIX, Pool};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::patience::PATIENCE;

/// How long one question for a job's end may take.
const LONG_POLL: &str = "20s";

/// One daemon's API.
#[derive(Clone)]
pub struct Api {
    /// Such as `http://127.0.0.1:4870`.
    pub url: String,
    http: Client,
    token: Option<String>,
}

/// A status and what came with it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body as it came.
    pub text: String,
}

impl Answer {
    /// Sends a request and takes the whole answer.
    pub fn to(request: RequestBuilder) -> Self {
        runtime().block_on(async {
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            let text = response.text().await.unwrap();
            Self { status, text }
        })
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    fn good<T: DeserializeOwned>(&self) -> T {
        assert!((200..300).contains(&self.status), "{self:?}");
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A job that runs this script.
pub fn script(text: &str) -> Value {
    json!({"script": text})
}

impl Api {
    /// The API at this address.
    pub fn new(url: &str, token: Option<&str>) -> Self {
        let http = Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .timeout(PATIENCE);
        Self {
            url: url.to_owned(),
            http: http.build().unwrap(),
            token: token.map(str::to_owned),
        }
    }

    /// Asks for a path of the API, such as `/jobs`.
    pub fn get(&self, path: &str) -> Answer {
        self.get_raw(&format!("{PREFIX}{path}"))
    }

    /// Asks for any path, such as `/metrics`.
    pub fn get_raw(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path))
    }

    /// Sends JSON.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, &format!("{PREFIX}{path}"));
        Answer::to(request.json(body))
    }

    /// Hands in one job and gives its id.
    #[track_caller]
    pub fn submit(&self, job: &Value) -> String {
        let accepted: Value = self.post("/jobs", job).good();
        let one = accepted.as_array().map_or(&accepted, |list| &list[0]);
        one["id"].as_str().unwrap().to_owned()
    }

    /// Hands in many at once and gives their ids.
    #[track_caller]
    pub fn submit_all(&self, jobs: &[Value]) -> Vec<String> {
        let accepted: Vec<Value> = self.post("/jobs", &json!(jobs)).good();
        let ids = accepted
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned());
        ids.collect()
    }

    /// How a job stands.
    pub fn job(&self, id: &str) -> Job {
        self.get(&format!("/jobs/{id}")).good()
    }

    /// Waits for a job's end.
    ///
    /// # Panics
    /// It does not come.
    pub fn end_of(&self, id: &str) -> Job {
        let path = format!("/jobs/{id}/wait?timeout={LONG_POLL}");
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let job: Job = self.get(&path).good();
            if job.state.is_ended() {
                return job;
            }
            let late = std::time::Instant::now() > deadline;
            assert!(
                !late,
                "it does not end: {job:#?}\n{}",
                self.get("/plan").text
            );
        }
    }

    /// Waits for the end of all of them.
    pub fn ends_of(&self, ids: &[String]) -> Vec<Job> {
        ids.iter().map(|id| self.end_of(id)).collect()
    }

    /// Waits until the job runs.
    pub fn running(&self, id: &str) -> Job {
        self.when(&format!("{id} runs"), || {
            let job = self.job(id);
            assert!(!job.state.is_ended(), "it ended early: {job:#?}");
            (job.state == JobState::Running).then_some(job)
        })
    }

    /// What a job wrote, remarks not included.
    pub fn log(&self, id: &str) -> String {
        self.get(&format!("/jobs/{id}/logs?format=text")).text
    }

    /// Jobs, newest first, at most a thousand.
    pub fn jobs(&self) -> Vec<Job> {
        self.get("/jobs?limit=1000").good()
    }

    /// How many jobs are queued, counted up to a hundred.
    pub fn waiting(&self) -> usize {
        let queued: Vec<Job> = self.get("/jobs?state=queued&limit=100").good();
        queued.len()
    }

    /// All agents.
    pub fn agents(&self) -> Vec<Agent> {
        self.get("/agents").good()
    }

    /// All pools.
    pub fn pools(&self) -> Vec<Pool> {
        self.get("/pools").good()
    }

    /// The pool of this name.
    #[track_caller]
    pub fn pool(&self, name: &str) -> Pool {
        let pool = self.pools().into_iter().find(|pool| pool.name == name);
        pool.unwrap_or_else(|| panic!("there is no pool {name}"))
    }

    /// A number from the metrics: all series of this name whose labels hold `part`, added.
    pub fn metric(&self, name: &str, part: &str) -> f64 {
        let text = self.get_raw("/metrics").text;
        let series = text.lines().filter_map(|line| line.rsplit_once(' '));
        let ours = series.filter(|(key, _)| {
            let plain = key.split('{').next().unwrap_or_default();
            plain == name && key.contains(part)
        });
        ours.map(|(_, value)| value.parse::<f64>().unwrap()).sum()
    }

    /// Looks now, and again at each event, until there is an answer.
    ///
    /// # Panics
    /// There was none in time.
    pub fn when<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let mut events = self.events();
        loop {
            if let Some(found) = look() {
                return found;
            }
            let event = events.next();
            assert!(
                event.is_some(),
                "waited in vain: {what}\n{}",
                self.get("/plan").text
            );
        }
    }

    /// What happens from now on; ends when the daemon does, or when patience does.
    pub fn events(&self) -> Events {
        let request = self.request(Method::GET, &format!("{PREFIX}/events"));
        let response = runtime().block_on(async { request.send().await.unwrap() });
        assert_eq!(response.status().as_u16(), 200);
        let mut events = Events {
            response,
            text: Vec::new(),
            ready: VecDeque::new(),
        };
        // After the greeting nothing is lost.
        let hello = events.next();
        assert!(matches!(hello, Some(Event::Hello { .. })), "{hello:?}");
        events
    }

    /// A request of one's own making, with the token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// A client without a token.
    pub fn stranger(&self) -> Self {
        Self {
            token: None,
            ..self.clone()
        }
    }
}

/// A timeout for requests that are meant to be refused at once.
pub const QUICK: Duration = Duration::from_secs(20);

/// What the daemon tells, one event after the other.
pub struct Events {
    response: Response,
    text: Vec<u8>,
    ready: VecDeque<Event>,
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            // An error is the end of the daemon, or of patience.
            let piece = runtime().block_on(async { self.response.chunk().await });
            self.text.extend_from_slice(&piece.ok().flatten()?);
            self.take_lines();
        }
    }
}

impl Events {
    fn take_lines(&mut self) {
        let end = self.text.iter().rposition(|byte| *byte == b'\n');
        let rest = self.text.split_off(end.map_or(0, |end| end + 1));
        let whole = std::mem::replace(&mut self.text, rest);
        let whole = String::from_utf8(whole).unwrap();
        let data = whole.lines().filter_map(|line| line.strip_prefix("data:"));
        let events = data.map(|data| serde_json::from_str(data.trim()).unwrap());
        self.ready.extend(events);
    }
}

/// Drives all requests of this test process.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let builder = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        builder.unwrap()
    })
}
