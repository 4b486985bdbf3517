//! Demand that waits in Redis: how soon a write is known, and what reading it costs, on a
//! real server.

mod create;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use async_trait::async_trait;
use futures_util::future::join_all;
use headcount_model::{
    Combine, Compat, Level, PoolName, QueueRule, Reading, RedisConnection, RedisServers, Sample,
    Secret, Strategy, StreamMeasure, Trigger, TriggerKind,
};
use headcount_ports::{SignalInbox, Signals};
use headcount_source_redis::RedisSignals;
use headcount_test_redis::{Server, Value, skip};
use tokio::sync::mpsc;

use super::block_on;
use crate::stats::{self, ms};
use crate::table::Line;

/// For everybody to be told that listening began.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pools that read one stream, each for a group of its own.
const POOLS: usize = 50;
const ENTRIES: usize = 100_000;
/// A stream with which a long one is compared.
const FEW: usize = 1_000;
/// Of these, given to each group.
const TAKEN: usize = 10;
const EVALUATIONS: usize = 200;
const EVALUATION: Duration = Duration::from_millis(5);

pub(crate) fn measure() -> Result<Vec<Line>> {
    ensure!(!skip(), "there is no redis-server on this machine");
    block_on(async {
        let mut lines = create::told().await?;
        lines.push(create::polled().await?);
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
    rule_of(server, group, None)
}

/// As this user, by this password.
fn rule_of(server: &Server, group: &str, user: Option<(&str, &str)>) -> Arc<QueueRule> {
    let connection = RedisConnection {
        servers: RedisServers::Standalone(server.address()),
        username: user.map(|(name, _)| name.to_owned()),
        password: user.map(|(_, password)| Secret::new(password.to_owned())),
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

/// What evaluating all pools takes, and asks of the server.
struct Evaluated {
    times: stats::Sample,
    /// Commands about streams, over all evaluations.
    commands: u64,
}

async fn evaluations(stream: &Stream) -> Result<Line> {
    let long = evaluated(stream, ENTRIES).await?;
    let short = evaluated(stream, FEW).await?;
    let p50 = long.times.median();
    let each = |of: &Evaluated| {
        of.commands
            .div_ceil(u64::try_from(EVALUATIONS).unwrap_or(1))
    };
    Ok(Line {
        what: format!(
            "triggers of {POOLS} pools, a group each, over a stream of {ENTRIES} {}",
            stream.name()
        ),
        budget: format!("≤ 5 ms; commands as for {FEW}"),
        measured: format!(
            "{} ({:.1} times as long as for {FEW}; {} commands, and {} for {FEW})",
            ms(p50),
            p50.as_secs_f64() / short.times.median().as_secs_f64().max(1e-9),
            each(&long),
            each(&short),
        ),
        holds: (p50 <= EVALUATION && each(&long) <= each(&short)).into(),
    })
}

async fn evaluated(stream: &Stream, entries: usize) -> Result<Evaluated> {
    let server = Server::with(&["appendfsync everysec"]);
    let groups = filled(&server, stream, entries)?;
    let (sender, mut posted) = mpsc::channel(16);
    let signals = RedisSignals::new(Arc::new(Inbox(sender)));
    let pools = groups.iter().map(|g| (PoolName::new(g), rule(&server, g)));
    signals.configure(pools.collect()).await;
    for _ in &groups {
        // That listening began is told once to each.
        let told = tokio::time::timeout(PATIENCE, posted.recv()).await?;
        ensure!(told.is_some(), "nothing is posted");
    }
    server.say(&["CONFIG", "RESETSTAT"]);
    let names: Vec<PoolName> = groups.iter().map(|group| PoolName::new(group)).collect();
    let mut times = Vec::with_capacity(EVALUATIONS);
    for _ in 0..EVALUATIONS {
        let begun = Instant::now();
        let samples = join_all(names.iter().map(|name| signals.sample(name))).await;
        times.push(begun.elapsed());
        for sample in samples {
            let sample = sample.map_err(|trouble| anyhow!(trouble.message))?;
            ensure!(waiting(&sample)? == u64::try_from(entries - TAKEN)?);
        }
    }
    Ok(Evaluated {
        times: stats::Sample::new(times),
        commands: commands(&server)?,
    })
}

/// A stream, and groups each of which took some of it.
fn filled(server: &Server, stream: &Stream, entries: usize) -> Result<Vec<String>> {
    let fill = "for i = 1, ARGV[1] do redis.call('XADD', 'jobs', '*', 'job', i) end";
    server.say(&["EVAL", fill, "0", &entries.to_string()]);
    ensure!(server.say(&["XLEN", "jobs"]) == Value::Int(entries.try_into()?));
    let groups: Vec<String> = (0..POOLS).map(|n| format!("g{n}")).collect();
    for group in &groups {
        server.say(&["XGROUP", "CREATE", "jobs", group, "0"]);
        let taken = TAKEN.to_string();
        let take = ["XREADGROUP", "GROUP", group, "c", "COUNT", &taken];
        server.say(&[&take[..], &["STREAMS", "jobs", ">"]].concat());
    }
    if matches!(stream, Stream::Trimmed) {
        server.say(&["XTRIM", "jobs", "MAXLEN", &(entries - 1).to_string()]);
    }
    Ok(groups)
}

/// How many commands about streams the server was asked since its counters were cleared.
fn commands(server: &Server) -> Result<u64> {
    let Value::BulkString(info) = server.say(&["INFO", "commandstats"]) else {
        return Err(anyhow!("the server tells no numbers"));
    };
    let info = String::from_utf8(info)?;
    let lines = info.lines().filter(|line| line.starts_with("cmdstat_x"));
    let calls = lines.map(|line| {
        let calls = line.split_once("calls=").map(|(_, rest)| rest);
        let calls = calls.and_then(|rest| rest.split(',').next());
        Ok(calls.unwrap_or_default().parse::<u64>()?)
    });
    calls.sum()
}
