//! Demand that waits in Redis: how soon a write is known, and what reading it costs, on a
//! real server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use async_trait::async_trait;
use futures_util::future::join_all;
use headcount_model::{
    Combine, Compat, Level, PoolName, QueueRule, Reading, RedisConnection, RedisServers, Sample,
    Strategy, StreamMeasure, Trigger, TriggerKind,
};
use headcount_ports::{SignalInbox, Signals};
use headcount_source_redis::{RedisSignals, SPACING};
use headcount_test_redis::{Server, Value, skip};
use tokio::sync::mpsc;

use super::block_on;
use crate::stats::{self, ms};
use crate::table::Line;

/// Writes that are waited for, one after the other, and those before them.
const WRITES: usize = 1_000;
const WARM_UP: usize = 20;
const WRITE_P50: Duration = Duration::from_millis(2);
const WRITE_P99: Duration = Duration::from_millis(10);
/// For one write to be known.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pools that read one stream, each for a group of its own.
const POOLS: usize = 50;
const ENTRIES: usize = 100_000;
const EVALUATIONS: usize = 200;
const EVALUATION: Duration = Duration::from_millis(5);

pub(crate) fn measure() -> Result<Vec<Line>> {
    ensure!(!skip(), "there is no redis-server on this machine");
    block_on(async {
        let mut lines = writes().await?;
        lines.push(evaluations(&Stream::Whole).await?);
        lines.push(evaluations(&Stream::Trimmed).await?);
        Ok(lines)
    })
}

/// Hands over what is posted.
struct Inbox(mpsc::Sender<Sample>);

#[async_trait]
impl SignalInbox for Inbox {
    async fn post(&self, _pool: &PoolName, sample: Sample) {
        // Once nobody takes them, nobody wants them.
        let _ = self.0.send(sample).await;
    }
}

fn rule(server: &Server, group: &str) -> Arc<QueueRule> {
    let connection = RedisConnection {
        servers: RedisServers::Standalone(server.address()),
        username: None,
        password: None,
        database: 0,
        tls: None,
    };
    let trigger = Trigger {
        name: "jobs".to_owned(),
        target: Level::count(1),
        activation: Level::count(0),
        kind: TriggerKind::RedisStream {
            connection: Arc::new(connection),
            stream: "jobs".to_owned(),
            measure: StreamMeasure::Backlog {
                group: group.to_owned(),
                claim_after: Some(Duration::from_secs(300)),
            },
        },
    };
    Arc::new(QueueRule {
        triggers: vec![trigger],
        strategy: Strategy::Default,
        combine: Combine::Max,
        min: 0,
        max: Some(100),
        compat: Compat::Headcount,
        polling: Duration::from_secs(30),
    })
}

fn waiting(sample: &Sample) -> Result<u64> {
    match sample.readings.as_slice() {
        [Reading::Known(measure)] => {
            let backlog = measure.backlog.ok_or_else(|| anyhow!("no backlog"))?;
            Ok(backlog.waiting)
        }
        other => Err(anyhow!("not read: {other:?}")),
    }
}

async fn writes() -> Result<Vec<Line>> {
    // Redis' own default; how long its disk takes for each write is not measured here.
    let server = Server::with(&["appendfsync everysec"]);
    let mut client = server.client();
    client.say(&["XGROUP", "CREATE", "jobs", "g", "0", "MKSTREAM"]);
    let (sender, mut posted) = mpsc::channel(16);
    let signals = RedisSignals::new(Arc::new(Inbox(sender)));
    let pools = vec![(PoolName::new("jobs"), rule(&server, "g"))];
    signals.configure(pools).await;
    let mut times = Vec::with_capacity(WRITES);
    for n in 1..=WRITES + WARM_UP {
        // Longer than what bounds a stream that is written without pause.
        tokio::time::sleep(SPACING * 2).await;
        let begun = Instant::now();
        client.say(&["XADD", "jobs", "*", "job", "x"]);
        until(&mut posted, u64::try_from(n)?).await?;
        if n > WARM_UP {
            times.push(begun.elapsed());
        }
    }
    let times = stats::Sample::new(times);
    let (p50, p99) = (times.median(), times.percentile(99));
    Ok(vec![
        Line {
            what: format!("XADD → its sample posted (of XADD → create call), p50 of {WRITES}"),
            budget: "≤ 2 ms".into(),
            measured: ms(p50),
            holds: (p50 <= WRITE_P50).into(),
        },
        Line {
            what: "the same, p99".into(),
            budget: "≤ 10 ms".into(),
            measured: ms(p99),
            holds: (p99 <= WRITE_P99).into(),
        },
    ])
}

async fn until(posted: &mut mpsc::Receiver<Sample>, wanted: u64) -> Result<()> {
    loop {
        let next = tokio::time::timeout(PATIENCE, posted.recv()).await?;
        let sample = next.ok_or_else(|| anyhow!("nothing is posted any more"))?;
        if waiting(&sample)? == wanted {
            return Ok(());
        }
    }
}

/// Whether the server's own number is to be trusted, or entries must be counted.
enum Stream {
    Whole,
    Trimmed,
}

impl Stream {
    const fn name(&self) -> &'static str {
        match self {
            Self::Whole => "entries",
            Self::Trimmed => "entries, some of which were trimmed away",
        }
    }
}

async fn evaluations(stream: &Stream) -> Result<Line> {
    let server = Server::with(&["appendfsync everysec"]);
    let fill = "for i = 1, ARGV[1] do redis.call('XADD', 'jobs', '*', 'job', i) end";
    server.say(&["EVAL", fill, "0", &ENTRIES.to_string()]);
    ensure!(server.say(&["XLEN", "jobs"]) == Value::Int(ENTRIES.try_into()?));
    let groups: Vec<String> = (0..POOLS).map(|n| format!("g{n}")).collect();
    for group in &groups {
        server.say(&["XGROUP", "CREATE", "jobs", group, "0"]);
        let take = ["XREADGROUP", "GROUP", group, "c", "COUNT", "10"];
        server.say(&[&take[..], &["STREAMS", "jobs", ">"]].concat());
    }
    if matches!(stream, Stream::Trimmed) {
        server.say(&["XTRIM", "jobs", "MAXLEN", &(ENTRIES - 1).to_string()]);
    }
    let (sender, mut posted) = mpsc::channel(16);
    let signals = RedisSignals::new(Arc::new(Inbox(sender)));
    let pools = groups.iter().map(|g| (PoolName::new(g), rule(&server, g)));
    signals.configure(pools.collect()).await;
    for _ in &groups {
        // That listening began is told once to each.
        let told = tokio::time::timeout(PATIENCE, posted.recv()).await?;
        ensure!(told.is_some(), "nothing is posted");
    }
    let names: Vec<PoolName> = groups.iter().map(|group| PoolName::new(group)).collect();
    let mut times = Vec::with_capacity(EVALUATIONS);
    for _ in 0..EVALUATIONS {
        let begun = Instant::now();
        let samples = join_all(names.iter().map(|name| signals.sample(name))).await;
        times.push(begun.elapsed());
        for sample in samples {
            let sample = sample.map_err(|trouble| anyhow!(trouble.message))?;
            ensure!(waiting(&sample)? == u64::try_from(ENTRIES)? - 10);
        }
    }
    let p50 = stats::Sample::new(times).median();
    Ok(Line {
        what: format!(
            "triggers of {POOLS} pools, a group each, over a stream of {ENTRIES} {}",
            stream.name()
        ),
        budget: "≤ 5 ms".into(),
        measured: ms(p50),
        holds: (p50 <= EVALUATION).into(),
    })
}
