//! A source with everything around it: a server, a book in memory, and who hears of it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use headcount_model::{
    ClassKey, Command, JobEnd, JobId, JobTemplate, Layer, OwnerId, Selectors, SourceEvent,
    SourceId, StreamSource, Timestamp,
};
use headcount_ports::conformance::memory::MemoryStore;
use headcount_ports::{JobBook, JobFilter, JobRecord, Source, SourceError, SourceInbox};
use headcount_source_redis::RedisSource;
use headcount_test_redis::{Server, Value};
use tokio::sync::mpsc;

use crate::common::{PATIENCE, at};

pub const OWNER: &str = "0123456789abcdef";

/// What a source is told to read; `s` and `g`, dead letters to `s-dlq`.
pub fn settings(address: &str) -> StreamSource {
    StreamSource {
        id: SourceId::new("ci"),
        connection: Arc::new(at(address)),
        stream: "s".to_owned(),
        group: "g".to_owned(),
        dead_letters: "s-dlq".to_owned(),
        min_idle: Duration::from_secs(60),
        attempts: 3,
        left_out: [].into(),
        polling: Duration::from_secs(30),
        job: JobTemplate {
            runs_on: Selectors::new(["linux"]),
            exclude: Selectors::default(),
            resources: Layer::default(),
            priority: 0,
            command: Command::Argv(vec!["true".to_owned()]),
            env: [("FIXED".to_owned(), "1".to_owned())].into(),
            working_dir: None,
            timeout: None,
            grace: Duration::from_secs(10),
            log_limit_bytes: 1 << 20,
            log_pressure: None,
        },
    }
}

/// What is posted.
struct Inbox(mpsc::UnboundedSender<SourceEvent>);

#[async_trait]
impl SourceInbox for Inbox {
    async fn post(&self, source: &SourceId, event: SourceEvent) {
        assert_eq!(source.as_str(), "ci");
        // A test that has seen enough does not listen any more.
        drop(self.0.send(event));
    }
}

/// An open source and its surroundings.
pub struct World {
    pub source: RedisSource,
    pub book: MemoryStore,
    pub posted: mpsc::UnboundedReceiver<SourceEvent>,
    class: ClassKey,
}

pub fn book() -> MemoryStore {
    MemoryStore::new(OwnerId::new(OWNER), 1)
}

impl World {
    pub async fn open(server: &Server) -> Self {
        Self::of(settings(&server.address()), book()).await
    }

    pub async fn of(settings: StreamSource, book: MemoryStore) -> Self {
        let (inbox, posted) = mpsc::unbounded_channel();
        let job = &settings.job;
        let class = ClassKey {
            source: settings.id.clone(),
            runs_on: job.runs_on.clone(),
            exclude: job.exclude.clone(),
            resources: job.resources,
            priority: job.priority,
        };
        let own: Arc<dyn JobBook> = Arc::new(book.clone());
        let (owner, inbox) = (OwnerId::new(OWNER), Arc::new(Inbox(inbox)));
        let source = RedisSource::open(settings, &owner, own, inbox, Arc::new(clock));
        Self {
            source: source.await.unwrap(),
            book,
            posted,
            class,
        }
    }

    /// What is taken with a permit for `n`.
    pub async fn take(&self, n: u32) -> Vec<JobId> {
        self.try_take(n).await.unwrap()
    }

    pub async fn try_take(&self, n: u32) -> Result<Vec<JobId>, SourceError> {
        let taken = self.source.take(&self.class, n).await?;
        Ok(taken.jobs.iter().map(|job| job.job).collect())
    }

    /// Its entry, as its name.
    pub async fn name(&self, job: JobId) -> String {
        self.record(job).await.spec.name.unwrap()
    }

    pub async fn names(&self, jobs: &[JobId]) -> Vec<String> {
        let mut names = Vec::new();
        for job in jobs {
            names.push(self.name(*job).await);
        }
        names
    }

    pub async fn record(&self, job: JobId) -> JobRecord {
        self.book.get(job).await.unwrap().unwrap()
    }

    pub async fn complete(&self, job: JobId, end: JobEnd) {
        self.source.complete(job, &end, clock()).await.unwrap();
    }

    /// How many wait, or why nobody knows.
    pub async fn waiting(&self) -> String {
        match self.source.refresh().await {
            Ok(demand) => {
                let counts = demand.classes.iter().map(|(_, count)| count.waiting);
                counts.sum::<u64>().to_string()
            }
            Err(error) => error.to_string(),
        }
    }

    /// Waits until so many are posted to wait.
    pub async fn told(&mut self, waiting: u64) {
        self.posted_until(
            |event| matches!(event, SourceEvent::Demand { count, .. } if count.waiting == waiting),
        )
        .await;
    }

    /// Waits until this is posted.
    pub async fn posted_until(&mut self, wanted: impl Fn(&SourceEvent) -> bool) -> SourceEvent {
        let mut last = None;
        let waiting = async {
            loop {
                let event = self.posted.recv().await.expect("it is open");
                if wanted(&event) {
                    return event;
                }
                last = Some(event);
            }
        };
        let found = tokio::time::timeout(PATIENCE, waiting).await;
        found.unwrap_or_else(|_| panic!("never, last {last:?}"))
    }

    /// Waits until Redis was told of every end. Neither the book nor the server tells when
    /// that is, so both are asked again until then.
    pub async fn all_told(&self) {
        let told = async {
            while self.source.stats().untold > 0 || self.untold().await > 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let told = tokio::time::timeout(PATIENCE, told).await;
        told.unwrap_or_else(|_| panic!("not told in time"));
    }

    async fn untold(&self) -> usize {
        let open = self.book.open_jobs(&SourceId::new("ci")).await.unwrap();
        open.iter().filter(|open| open.end.is_some()).count()
    }

    /// Every job of the book.
    pub async fn book_jobs(&self) -> Vec<JobRecord> {
        jobs(&self.book).await
    }

    /// Every job of the book: entry, status, attempts.
    pub async fn shown(&self) -> Vec<String> {
        shown(&self.book).await
    }
}

async fn jobs(book: &MemoryStore) -> Vec<JobRecord> {
    let filter = JobFilter {
        limit: 10_000,
        ..JobFilter::default()
    };
    book.list(filter).await.unwrap()
}

pub async fn shown(book: &MemoryStore) -> Vec<String> {
    let jobs = jobs(book).await;
    let one = |job: &JobRecord| {
        let name = job.spec.name.as_deref().unwrap_or_default();
        format!("{name} {}", job.status.code())
    };
    jobs.iter().rev().map(one).collect()
}

pub fn clock() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::from_millis(u64::try_from(since.unwrap().as_millis()).unwrap())
}

pub fn add(server: &Server, ids: &[&str]) {
    for id in ids {
        server.say(&["XADD", "s", id, "job", id]);
    }
}

/// Ids of the entries that somebody has and has not ended.
pub fn pending(server: &Server) -> Vec<String> {
    match server.ask(&["XPENDING", "s", "g", "-", "+", "1000"]) {
        Ok(rows) => ids(rows),
        Err(error) if error.code() == Some("NOGROUP") => Vec::new(),
        Err(error) => panic!("{error}"),
    }
}

/// Ids of all dead letters.
pub fn letters(server: &Server) -> Vec<String> {
    field_of_letters(server, "headcount-entry")
}

pub fn field_of_letters(server: &Server, name: &str) -> Vec<String> {
    let letters = server.say(&["XRANGE", "s-dlq", "-", "+"]);
    let letters: Vec<(String, Vec<String>)> = crate::entries::from(&letters);
    let value = |fields: &Vec<String>| {
        let mut pairs = fields.chunks(2);
        pairs
            .find(|pair| pair[0] == name)
            .map(|pair| pair[1].clone())
    };
    letters
        .iter()
        .filter_map(|(_, fields)| value(fields))
        .collect()
}

fn ids(rows: Value) -> Vec<String> {
    let Value::Array(rows) = rows else {
        return Vec::new();
    };
    let first = |row: &Value| match row {
        Value::Array(parts) => match &parts[0] {
            Value::BulkString(id) => String::from_utf8(id.clone()).unwrap(),
            other => panic!("no id: {other:?}"),
        },
        other => panic!("no row: {other:?}"),
    };
    rows.iter().map(first).collect()
}
