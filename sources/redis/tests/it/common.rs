//! Pools, rules and an inbox for tests.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use headcount_model::{
    Backlog, Combine, Compat, Level, PoolName, QueueRule, Reading, RedisConnection, RedisServers,
    Sample, Secret, Strategy, StreamMeasure, Trigger, TriggerKind,
};
use headcount_ports::{SignalInbox, Signals};
use headcount_source_redis::RedisSignals;
use tokio::sync::mpsc;

/// For something to be told.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Hands what is posted to the test.
pub struct Inbox(mpsc::Sender<(PoolName, Sample)>);

#[async_trait]
impl SignalInbox for Inbox {
    async fn post(&self, pool: &PoolName, sample: Sample) {
        // A test that has ended wants nothing more.
        let _ = self.0.send((pool.clone(), sample)).await;
    }
}

/// What was posted.
pub type Posted = mpsc::Receiver<(PoolName, Sample)>;

/// Signals, and what they post.
pub fn signals() -> (RedisSignals, Posted) {
    let (sender, posted) = mpsc::channel(64);
    let signals = RedisSignals::new(Arc::new(Inbox(sender)));
    (signals, posted)
}

pub fn pool(name: &str) -> PoolName {
    PoolName::new(name)
}

pub fn at(address: &str) -> RedisConnection {
    RedisConnection {
        servers: RedisServers::Standalone(address.to_owned()),
        username: None,
        password: None,
        database: 0,
        tls: None,
    }
}

pub fn with_password(
    to: RedisConnection,
    username: Option<&str>,
    password: &str,
) -> RedisConnection {
    RedisConnection {
        username: username.map(str::to_owned),
        password: Some(Secret::new(password.to_owned())),
        ..to
    }
}

pub fn trigger(kind: TriggerKind) -> Trigger {
    Trigger {
        name: "trigger".to_owned(),
        target: Level::count(1),
        activation: Level::count(0),
        kind,
    }
}

pub fn stream(to: &RedisConnection, key: &str, measure: StreamMeasure) -> Trigger {
    trigger(TriggerKind::RedisStream {
        connection: Arc::new(to.clone()),
        stream: key.to_owned(),
        measure,
    })
}

pub fn key(to: &RedisConnection, key: &str) -> Trigger {
    trigger(TriggerKind::RedisKey {
        connection: Arc::new(to.clone()),
        key: key.to_owned(),
    })
}

/// Of group `g`.
pub fn backlog(claim_after: Option<Duration>) -> StreamMeasure {
    StreamMeasure::Backlog {
        group: "g".to_owned(),
        claim_after,
    }
}

pub fn rule(triggers: Vec<Trigger>) -> Arc<QueueRule> {
    Arc::new(QueueRule {
        triggers,
        strategy: Strategy::Default,
        combine: Combine::Max,
        min: 0,
        max: Some(10),
        compat: Compat::Headcount,
        polling: Duration::from_secs(30),
    })
}

/// What these triggers say once.
pub async fn read(triggers: Vec<Trigger>) -> Vec<Reading> {
    read_rule(rule(triggers)).await
}

pub async fn read_rule(rule: Arc<QueueRule>) -> Vec<Reading> {
    let (signals, _posted) = signals();
    signals.configure(vec![(pool("p"), rule)]).await;
    signals.sample(&pool("p")).await.unwrap().readings
}

/// What one trigger says once, as text: the value, or what to do and why.
pub async fn said(trigger: Trigger) -> String {
    let readings = read(vec![trigger]).await;
    shown(&readings[0])
}

/// What it says where the original's arithmetic is asked for.
pub async fn as_keda(trigger: Trigger) -> String {
    let rule = QueueRule {
        compat: Compat::Keda,
        ..(*rule(vec![trigger])).clone()
    };
    shown(&read_rule(Arc::new(rule)).await[0])
}

pub fn shown(reading: &Reading) -> String {
    match reading {
        Reading::Known(measure) => match measure.backlog {
            Some(backlog) => parts(backlog),
            None => measure.value.0.to_string(),
        },
        Reading::Unknown(trouble) => format!("{:?}: {}", trouble.kind, trouble.message),
    }
}

pub fn parts(backlog: Backlog) -> String {
    format!(
        "{} waiting, {} in flight, {} claimable",
        backlog.waiting, backlog.in_flight, backlog.claimable
    )
}

/// The next sample that is posted.
pub async fn next(posted: &mut Posted) -> (PoolName, Sample) {
    let next = tokio::time::timeout(PATIENCE, posted.recv());
    next.await
        .expect("it is posted in time")
        .expect("it is open")
}

/// Waits for a sample whose only reading shows as this.
pub async fn until(posted: &mut Posted, wanted: &str) -> Sample {
    let mut last = String::from("nothing");
    let waiting = async {
        loop {
            let (_, sample) = next(posted).await;
            last = shown(&sample.readings[0]);
            if last == wanted {
                return sample;
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, waiting).await;
    found.unwrap_or_else(|_| panic!("never {wanted:?}, last {last:?}"))
}
