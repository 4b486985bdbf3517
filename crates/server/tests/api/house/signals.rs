//! A reader of triggers that says one thing.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use headcount_model::{
    AgentKind, Backlog, Combine, Compat, Fleet, Level, Measure, PoolName, QueueRule, Reading,
    RedisConnection, RedisServers, Sample, Strategy, StreamMeasure, Timestamp, Timing, Trigger,
    TriggerKind, Trouble, TroubleKind,
};
use headcount_ports::{Signals, TriggersOf};

use super::{fleet, scaler};

/// Three wait and one is in flight; a second trigger cannot be read.
pub(crate) struct TestSignals;

#[async_trait]
impl Signals for TestSignals {
    async fn configure(&self, _: TriggersOf) {}

    async fn sample(&self, _: &PoolName) -> Result<Sample, Trouble> {
        let backlog = Backlog {
            waiting: 3,
            in_flight: 1,
            claimable: 0,
        };
        let known = Reading::Known(Measure {
            value: Level::count(backlog.total()),
            backlog: Some(backlog),
        });
        let unknown = Reading::Unknown(Trouble {
            kind: TroubleKind::Transient,
            message: "connection refused".into(),
        });
        Ok(Sample {
            number: 1,
            as_of: Timestamp::from_millis(1),
            readings: vec![known, unknown],
            next_change: None,
            timing: Timing {
                arrived: Some(Timestamp::from_millis(1)),
                took: vec![Duration::from_millis(2), Duration::from_millis(500)],
            },
        })
    }
}

/// The usual fleet, and a drained-dry pool of workers with two triggers.
pub(crate) fn fleet_with_triggers() -> Fleet {
    let mut fleet = fleet();
    let mut workers = scaler("workers", 4, &[&["queue"]]);
    workers.pools[0].kind = AgentKind::Worker;
    workers.pools[0].queue = Some(Arc::new(rule()));
    fleet.scalers.push(workers);
    fleet
}

fn rule() -> QueueRule {
    let connection = Arc::new(RedisConnection {
        servers: RedisServers::Standalone("127.0.0.1:6379".into()),
        username: None,
        password: None,
        database: 0,
        tls: None,
    });
    let stream = TriggerKind::RedisStream {
        connection: connection.clone(),
        stream: "ci:jobs".into(),
        measure: StreamMeasure::Backlog {
            group: "workers".into(),
            claim_after: None,
        },
    };
    let list = TriggerKind::RedisKey {
        connection,
        key: "more".into(),
    };
    let trigger = |name: &str, kind| Trigger {
        name: name.into(),
        target: Level(2.0),
        activation: Level(0.0),
        kind,
    };
    QueueRule {
        triggers: vec![trigger("jobs", stream), trigger("more", list)],
        strategy: Strategy::Default,
        combine: Combine::Max,
        min: 0,
        max: Some(4),
        compat: Compat::Headcount,
        polling: Duration::from_secs(30),
    }
}
