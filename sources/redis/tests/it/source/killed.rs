//! The daemon is killed between any two steps, and Redis loses its last second: no entry
//! is lost, and no end that was recorded is run again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use headcount_model::{ClassKey, JobEnd, JobId, OwnerId, SourceEvent, SourceId, Timestamp};
use headcount_ports::conformance::memory::MemoryStore;
use headcount_ports::{
    JobBook, JobFilter, JobRecord, JobStatus, NewJob, OpenJob, QueuedJob, Source, SourceInbox,
    StoreError, Submitted,
};
use headcount_source_redis::RedisSource;
use headcount_test_redis::{Server, skip};
use tokio::sync::Notify;

use super::world::{OWNER, World, add, book, clock, letters, pending, settings, shown};

/// When, beside a write of the book, the daemon is killed.
#[derive(Clone, Copy, Debug)]
enum Side {
    Before,
    After,
}

/// A book at whose nth write the daemon is killed: whoever writes never hears of it.
struct Dying {
    book: MemoryStore,
    left: AtomicUsize,
    side: Side,
    dead: Notify,
}

impl Dying {
    async fn write<T>(&self, write: impl Future<Output = T>) -> T {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        if left != 1 {
            // Whoever was not the first to die is not heard of either.
            if left == 0 || left > usize::MAX / 2 {
                return std::future::pending().await;
            }
            return write.await;
        }
        if matches!(self.side, Side::After) {
            write.await;
        }
        self.dead.notify_one();
        std::future::pending().await
    }
}

#[async_trait]
impl JobBook for Dying {
    async fn submit(&self, jobs: Vec<NewJob>, at: Timestamp) -> Result<Vec<Submitted>, StoreError> {
        self.write(self.book.submit(jobs, at)).await
    }

    async fn queued(&self, source: &SourceId) -> Result<Vec<QueuedJob>, StoreError> {
        self.book.queued(source).await
    }

    async fn open_jobs(&self, source: &SourceId) -> Result<Vec<OpenJob>, StoreError> {
        self.book.open_jobs(source).await
    }

    async fn told(&self, jobs: Vec<JobId>) -> Result<(), StoreError> {
        self.write(self.book.told(jobs)).await
    }

    async fn get(&self, job: JobId) -> Result<Option<JobRecord>, StoreError> {
        self.book.get(job).await
    }

    async fn list(&self, filter: JobFilter) -> Result<Vec<JobRecord>, StoreError> {
        self.book.list(filter).await
    }

    async fn end(
        &self,
        ends: Vec<(JobId, JobEnd)>,
        at: Timestamp,
    ) -> Result<Vec<JobId>, StoreError> {
        self.write(self.book.end(ends, at)).await
    }

    async fn requeue(&self, job: JobId, attempts: u32, deliveries: u32) -> Result<(), StoreError> {
        self.write(self.book.requeue(job, attempts, deliveries))
            .await
    }

    async fn counts(&self) -> Result<BTreeMap<JobStatus, u64>, StoreError> {
        self.book.counts().await
    }
}

struct Nobody;

#[async_trait]
impl SourceInbox for Nobody {
    async fn post(&self, _: &SourceId, _: SourceEvent) {}
}

/// What ran, and how often.
type Runs = Arc<std::sync::Mutex<BTreeMap<String, u32>>>;

/// Runs everything there is, one attempt each: `3-1` fails, `4-1` comes back once. Ends
/// when Redis was told of every end.
async fn work(source: &RedisSource, class: &ClassKey, book: &MemoryStore, runs: &Runs) {
    loop {
        let demand = source.refresh().await.unwrap();
        let waiting: u64 = demand.classes.iter().map(|(_, count)| count.waiting).sum();
        if waiting == 0 && source.stats().held == 0 {
            return;
        }
        let taken = source.take(class, 2).await.unwrap();
        for job in taken.jobs {
            let name = book.get(job.job).await.unwrap().unwrap().spec.name.unwrap();
            let status = book.get(job.job).await.unwrap().unwrap().status;
            assert_eq!(
                status,
                JobStatus::Queued,
                "{name} has ended and is run again"
            );
            *runs.lock().unwrap().entry(name.clone()).or_default() += 1;
            if name == "4-1" && job.attempts == 0 {
                source.give_back(job.job, 1, 0).await.unwrap();
                continue;
            }
            let end = match name.as_str() {
                "3-1" => JobEnd::Expired,
                _ => JobEnd::Succeeded,
            };
            source.complete(job.job, &end, clock()).await.unwrap();
        }
        tokio::task::yield_now().await;
    }
}

/// One life of a daemon, until it is done or killed. Whether it was killed.
fn life(address: &str, book: &MemoryStore, runs: &Runs, kill: Option<(usize, Side)>) -> bool {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (left, side) = kill.unwrap_or((usize::MAX / 2, Side::Before));
    let dying = Arc::new(Dying {
        book: book.clone(),
        left: AtomicUsize::new(left),
        side,
        dead: Notify::new(),
    });
    let settings = settings(address);
    let class = ClassKey {
        source: settings.id.clone(),
        runs_on: settings.job.runs_on.clone(),
        exclude: settings.job.exclude.clone(),
        resources: settings.job.resources,
        priority: settings.job.priority,
    };
    let killed = runtime.block_on(async {
        let own: Arc<dyn JobBook> = dying.clone();
        let owner = OwnerId::new(OWNER);
        let living = async {
            let open = RedisSource::open(settings, &owner, own, Arc::new(Nobody), Arc::new(clock));
            work(&open.await.unwrap(), &class, book, runs).await;
        };
        tokio::select! {
            () = dying.dead.notified() => true,
            () = living => false,
        }
    });
    // Whatever it still did ends here, wherever it was.
    runtime.shutdown_background();
    killed
}

fn fill(server: &Server) {
    server.say(&["FLUSHALL"]);
    add(server, &["1-1"]);
    server.say(&["XADD", "s", "2-1", "a-b", "1", "a_b", "2"]);
    add(server, &["3-1", "4-1", "5-1"]);
}

#[test]
fn a_daemon_that_is_killed_between_any_two_steps_loses_nothing_and_repeats_no_end() {
    if skip() {
        return;
    }
    let server = Server::start();
    let mut n_kills = 0;
    for side in [Side::Before, Side::After] {
        for step in 1.. {
            fill(&server);
            let (book, runs) = (book(), Runs::default());
            let killed = life(&server.address(), &book, &runs, Some((step, side)));
            assert!(!life(&server.address(), &book, &runs, None));
            check(&server, &book, &runs, (step, side));
            if !killed {
                break;
            }
            n_kills += 1;
        }
    }
    assert!(n_kills > 10, "{n_kills} steps");
}

fn check(server: &Server, book: &MemoryStore, runs: &Runs, kill: (usize, Side)) {
    let shown = tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(shown(book));
    let mut all = shown;
    all.sort_unstable();
    let expected = [
        "1-1 succeeded",
        "2-1 failed",
        "3-1 expired",
        "4-1 succeeded",
        "5-1 succeeded",
    ];
    assert_eq!(all, expected, "{kill:?}");
    assert_eq!(pending(server), [""; 0], "{kill:?}");
    let mut letters = letters(server);
    letters.sort_unstable();
    assert_eq!(letters, ["2-1", "3-1"], "{kill:?}: each once");
    // One kill costs one repeat of what was under way, at most of two jobs.
    let runs = runs.lock().unwrap();
    assert_eq!(runs.get("2-1"), None, "what cannot run does not: {kill:?}");
    let total: u32 = runs.values().sum();
    assert!((5..=7).contains(&total), "{runs:?} {kill:?}");
}

/// Appended and not yet on the disk: acknowledgements, deliveries and letters are gone.
#[tokio::test]
async fn a_server_that_lost_its_last_second_is_told_again_and_nothing_runs_twice() {
    if skip() {
        return;
    }
    let mut server = Server::start();
    add(&server, &["1-1", "2-1", "3-1", "4-1"]);
    let world = World::open(&server).await;
    assert_eq!(world.waiting().await, "4");
    let kept = tempdir_of(&server);
    let taken = world.take(3).await;
    world.complete(taken[0], JobEnd::Succeeded).await;
    world.complete(taken[1], JobEnd::Expired).await;
    world.all_told().await;
    assert_eq!(letters(&server), ["2-1"]);
    server.kill();
    put_back(kept.path(), server.folder());
    server.restart();
    assert_eq!(pending(&server), [""; 0], "it forgot");
    let again = retried(&world).await;
    assert_eq!(
        world.names(&again).await,
        ["4-1"],
        "the third is still ours"
    );
    world.all_told().await;
    assert_eq!(letters(&server), ["2-1"]);
    assert_eq!(pending(&server), ["3-1", "4-1"]);
    world.complete(taken[2], JobEnd::Succeeded).await;
    world.complete(again[0], JobEnd::Succeeded).await;
    world.all_told().await;
    assert_eq!(pending(&server), [""; 0]);
    assert_eq!(
        world.shown().await,
        [
            "1-1 succeeded",
            "2-1 expired",
            "3-1 succeeded",
            "4-1 succeeded"
        ]
    );
}

/// As the planner does: what failed is asked for again.
async fn retried(world: &World) -> Vec<JobId> {
    for _ in 0..10 {
        if world.waiting().await.parse::<u64>().is_ok()
            && let Ok(taken) = world.try_take(9).await
        {
            return taken;
        }
    }
    panic!("it never comes back");
}

fn tempdir_of(server: &Server) -> tempfile::TempDir {
    let kept = tempfile::tempdir().unwrap();
    put_back(server.folder(), kept.path());
    kept
}

/// The files of a server, as they are in another folder.
fn put_back(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            drop(std::fs::remove_dir_all(&target));
            std::fs::create_dir_all(&target).unwrap();
            put_back(&entry.path(), &target);
        } else if kind.is_file() {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
