//! A stream that is read for agents: from the entry to its acknowledgement, with handlers
//! that end at once, through the durable job book, on a real server.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use async_trait::async_trait;
use headcount_model::{
    ClassKey, Command, JobEnd, JobTemplate, Layer, OwnerId, RedisConnection, RedisServers,
    Selectors, SourceEvent, SourceId, StreamSource, Timestamp,
};
use headcount_ports::{Source, SourceInbox};
use headcount_source_redis::RedisSource;
use headcount_store::{Options, SqliteStore, StateDir};
use headcount_test_redis::{Server, Value, skip};
use tokio::task::JoinSet;

use super::block_on;
use crate::table::Line;

const ENTRIES: usize = 20_000;
/// Jobs that are in hands at once, as of so many agents.
const HANDS: usize = 1_024;
const PER_SECOND: f64 = 5_000.0;
/// For Redis to have heard of everything.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn measure() -> Result<Vec<Line>> {
    ensure!(!skip(), "there is no redis-server on this machine");
    block_on(async {
        let server = Server::with(&["appendfsync everysec"]);
        let fill = format!("for i = 1, {ENTRIES} do redis.call('XADD', 's', '*', 'job', i) end");
        server.say(&["EVAL", &fill, "0"]);
        let state = tempfile::tempdir()?;
        let store = SqliteStore::open(&StateDir::open(state.path())?, Options::default())?;
        let settings = settings(&server);
        let class = class(&settings);
        let owner = OwnerId::new("bench");
        let (book, inbox) = (Arc::new(store), Arc::new(Nobody));
        let source = RedisSource::open(settings, &owner, book, inbox, Arc::new(now)).await?;
        let source = Arc::new(source);
        source.refresh().await?;
        let begun = Instant::now();
        run_all(&source, &class).await?;
        let per_second = count(ENTRIES) / begun.elapsed().as_secs_f64();
        let pending = server.say(&["XPENDING", "s", "g", "-", "+", "1"]);
        ensure!(pending == Value::Array(Vec::new()), "some are pending");
        Ok(vec![Line {
            what: format!(
                "entries of a stream: claimed, into the book, run by no-op handlers, \
                 acknowledged; {ENTRIES}, {HANDS} at once"
            ),
            budget: "≥ 5,000/s".into(),
            measured: format!("{per_second:.0}/s"),
            holds: (per_second >= PER_SECOND).into(),
        }])
    })
}

struct Nobody;

#[async_trait]
impl SourceInbox for Nobody {
    async fn post(&self, _: &SourceId, _: SourceEvent) {}
}

fn settings(server: &Server) -> StreamSource {
    StreamSource {
        id: SourceId::new("bench"),
        connection: Arc::new(RedisConnection {
            servers: RedisServers::Standalone(server.address()),
            username: None,
            password: None,
            database: 0,
            tls: None,
        }),
        stream: "s".to_owned(),
        group: "g".to_owned(),
        dead_letters: "s:dead".to_owned(),
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
            env: [].into(),
            working_dir: None,
            timeout: None,
            grace: Duration::from_secs(10),
            log_limit_bytes: 1 << 20,
            log_pressure: None,
        },
    }
}

fn class(source: &StreamSource) -> ClassKey {
    ClassKey {
        source: source.id.clone(),
        runs_on: source.job.runs_on.clone(),
        exclude: source.job.exclude.clone(),
        resources: source.job.resources,
        priority: source.job.priority,
    }
}

/// Takes as many as there are hands, again and again, until Redis knows of every end.
async fn run_all(source: &Arc<RedisSource>, class: &ClassKey) -> Result<()> {
    let mut hands: JoinSet<Result<()>> = JoinSet::new();
    let mut done = 0;
    while done < ENTRIES {
        let free = HANDS - hands.len();
        if free >= HANDS / 4 {
            let taken = source.take(class, u32::try_from(free)?).await?;
            for job in taken.jobs {
                let source = Arc::clone(source);
                hands.spawn(async move {
                    source.work(job.job).await?;
                    source.complete(job.job, &JobEnd::Succeeded, now()).await?;
                    Ok(())
                });
            }
        }
        if let Some(ended) = hands.join_next().await {
            ended??;
            done += 1;
        }
        while let Some(ended) = hands.try_join_next() {
            ended??;
            done += 1;
        }
    }
    let told = async {
        while source.stats().held > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await?;
    Ok(())
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.map_or(0, |since| since.as_millis());
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "some thousands")]
const fn count(n: usize) -> f64 {
    n as f64
}
