//! What the tests of the queue share: a book that can fail and hold, and an inbox.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test ends where its world does")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use headcount_model::{
    ClassKey, Command, JobEnd, JobId, Layer, OwnerId, Selectors, SourceEvent, SourceId, Timestamp,
};
use headcount_ports::conformance::memory::MemoryStore;
use headcount_ports::{
    JobBook, JobFilter, JobRecord, JobStatus, NewJob, OpenJob, QueuedJob, SourceInbox, StoreError,
    Submitted,
};
use headcount_source_queue::{DEFAULT_GRACE, DEFAULT_LOG_LIMIT_BYTES, Options, QueueSource};
use tokio::sync::{Semaphore, mpsc};

pub const START: u64 = 1_700_000_000_000;

pub const fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(START + millis)
}

/// A queue with everything around it.
pub struct World {
    pub queue: QueueSource,
    pub book: Arc<Book>,
    pub events: mpsc::UnboundedReceiver<SourceEvent>,
    pub clock: Arc<AtomicU64>,
}

impl World {
    pub async fn new() -> Self {
        Self::over(Arc::new(Book::default()), 1_000_000).await
    }

    pub async fn over(book: Arc<Book>, max_depth: u64) -> Self {
        Self::of(book, |options| options.max_depth = max_depth).await
    }

    pub async fn with(choose: impl FnOnce(&mut Options)) -> Self {
        Self::of(Arc::new(Book::default()), choose).await
    }

    async fn of(book: Arc<Book>, choose: impl FnOnce(&mut Options)) -> Self {
        let (inbox, events) = mpsc::unbounded_channel();
        let clock = Arc::new(AtomicU64::new(START));
        let now = Arc::clone(&clock);
        let mut options = Options {
            clock: Arc::new(move || Timestamp::from_millis(now.load(Ordering::SeqCst))),
            ..Options::default()
        };
        choose(&mut options);
        let jobs: Arc<dyn JobBook> = Arc::clone(&book) as Arc<dyn JobBook>;
        let queue = QueueSource::open(jobs, Arc::new(Inbox(inbox)), options)
            .await
            .unwrap();
        Self {
            queue,
            book,
            events,
            clock,
        }
    }

    pub async fn submit(&self, job: NewJob) -> JobId {
        self.queue.submit(vec![job]).await.unwrap()[0].job
    }

    /// Closes the queue and gives everything it posted and nobody has read yet.
    pub async fn close(self) -> (Arc<Book>, Vec<SourceEvent>) {
        let Self {
            queue,
            book,
            mut events,
            ..
        } = self;
        drop(queue);
        let mut posted = Vec::new();
        while let Some(event) = events.recv().await {
            posted.push(event);
        }
        (book, posted)
    }
}

pub fn job(label: &str) -> NewJob {
    NewJob {
        source: SourceId::new("queue"),
        key: None,
        name: None,
        runs_on: Selectors::new([label]),
        exclude: Selectors::default(),
        resources: Layer::default(),
        priority: 0,
        command: Command::Argv(vec!["true".to_string()]),
        env: [].into(),
        working_dir: None,
        timeout: None,
        grace: DEFAULT_GRACE,
        retries: 2,
        expires_at: None,
        log_limit_bytes: DEFAULT_LOG_LIMIT_BYTES,
        log_pressure: None,
    }
}

pub fn class(label: &str) -> ClassKey {
    job(label).class()
}

/// Waits for something another task brings about, giving it every chance to.
pub async fn until(mut holds: impl FnMut() -> bool) {
    let all = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all)
        .await
        .unwrap();
}

struct Inbox(mpsc::UnboundedSender<SourceEvent>);

#[async_trait]
impl SourceInbox for Inbox {
    async fn post(&self, source: &SourceId, event: SourceEvent) {
        assert_eq!(source.as_str(), "queue");
        // A test that has seen enough does not listen any more.
        drop(self.0.send(event));
    }
}

/// A book in memory whose writes can be made to fail or to wait.
pub struct Book {
    pub memory: MemoryStore,
    pub fails: AtomicBool,
    pub gate: Semaphore,
    pub n_waiting_writes: AtomicU64,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            memory: MemoryStore::new(OwnerId::new("0123456789abcdef"), 1),
            fails: AtomicBool::new(false),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            n_waiting_writes: AtomicU64::new(0),
        }
    }
}

impl Book {
    pub fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    /// Lets no write through until they are released.
    pub fn hold(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub fn release(&self) {
        self.gate.add_permits(1000);
    }

    pub fn n_waiting(&self) -> u64 {
        self.n_waiting_writes.load(Ordering::SeqCst)
    }

    async fn write(&self) -> Result<(), StoreError> {
        self.n_waiting_writes.fetch_add(1, Ordering::SeqCst);
        let permit = self.gate.acquire().await.unwrap();
        drop(permit);
        self.n_waiting_writes.fetch_sub(1, Ordering::SeqCst);
        if self.fails.load(Ordering::SeqCst) {
            return Err(StoreError::Full("no room".to_string()));
        }
        Ok(())
    }
}

#[async_trait]
impl JobBook for Book {
    async fn submit(&self, jobs: Vec<NewJob>, at: Timestamp) -> Result<Vec<Submitted>, StoreError> {
        self.write().await?;
        self.memory.submit(jobs, at).await
    }

    async fn queued(&self, source: &SourceId) -> Result<Vec<QueuedJob>, StoreError> {
        self.memory.queued(source).await
    }

    async fn open_jobs(&self, source: &SourceId) -> Result<Vec<OpenJob>, StoreError> {
        self.memory.open_jobs(source).await
    }

    async fn told(&self, jobs: Vec<JobId>) -> Result<(), StoreError> {
        self.write().await?;
        self.memory.told(jobs).await
    }

    async fn get(&self, job: JobId) -> Result<Option<JobRecord>, StoreError> {
        self.memory.get(job).await
    }

    async fn list(&self, filter: JobFilter) -> Result<Vec<JobRecord>, StoreError> {
        self.memory.list(filter).await
    }

    async fn end(
        &self,
        ends: Vec<(JobId, JobEnd)>,
        at: Timestamp,
    ) -> Result<Vec<JobId>, StoreError> {
        self.write().await?;
        self.memory.end(ends, at).await
    }

    async fn requeue(&self, job: JobId, attempts: u32, deliveries: u32) -> Result<(), StoreError> {
        self.write().await?;
        self.memory.requeue(job, attempts, deliveries).await
    }

    async fn counts(&self) -> Result<BTreeMap<JobStatus, u64>, StoreError> {
        self.memory.counts().await
    }
}
