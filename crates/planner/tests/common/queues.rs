//! Pools with triggers: rules from words, and what their triggers would say.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use headcount_model::{
    Backlog, Combine, Compat, CronWindow, Fleet, Level, Measure, PoolName, QueueRule, Reading,
    RedisConnection, RedisServers, Sample, Strategy, StreamMeasure, Timestamp, Timing, Trigger,
    TriggerKind, Trouble, TroubleKind,
};

/// What the triggers of each pool would say now.
#[derive(Clone, Debug, Default)]
pub struct Queues(BTreeMap<PoolName, Said>);

#[derive(Clone, Debug)]
struct Said {
    number: u64,
    readings: Vec<Reading>,
    next_change: Option<Timestamp>,
}

impl Queues {
    /// Nothing waits yet in the queues of pools that are new.
    pub fn configure(&mut self, fleet: &Fleet) {
        for pool in fleet.scalers.iter().flat_map(|scaler| &scaler.pools) {
            let Some(rule) = &pool.queue else {
                continue;
            };
            let none = || Said {
                number: 0,
                readings: Vec::new(),
                next_change: None,
            };
            let said = self.0.entry(pool.name.clone()).or_insert_with(none);
            said.readings
                .resize_with(rule.triggers.len(), || said_of("0"));
        }
    }

    /// `4` is a number, `4+3+1` entries that wait, are in flight, and may be claimed, `?`
    /// cannot be read; one for each trigger.
    pub fn says(&mut self, pool: &str, readings: &str) {
        let Some(said) = self.0.get_mut(&PoolName::new(pool)) else {
            return;
        };
        said.readings = readings.split_whitespace().map(said_of).collect();
    }

    pub fn changes_at(&mut self, pool: &str, at: Option<Timestamp>) {
        let said = self.0.get_mut(&PoolName::new(pool)).expect("a queue");
        said.next_change = at;
    }

    pub fn sample(&mut self, pool: &PoolName, now: Timestamp) -> Result<Sample, Trouble> {
        let said = self.0.get_mut(pool).ok_or_else(|| trouble("no triggers"))?;
        said.number += 1;
        Ok(Sample {
            number: said.number,
            as_of: now,
            readings: said.readings.clone(),
            next_change: said.next_change,
            timing: Timing::default(),
        })
    }
}

fn said_of(text: &str) -> Reading {
    if text == "?" {
        return Reading::Unknown(trouble("connection refused"));
    }
    let parts: Vec<&str> = text.split('+').collect();
    let count = |text: &str| text.parse::<u64>().expect("a count");
    let (value, backlog) = match parts[..] {
        [waiting, in_flight, claimable] => {
            let backlog = Backlog {
                waiting: count(waiting),
                in_flight: count(in_flight),
                claimable: count(claimable),
            };
            (Level::count(backlog.total()), Some(backlog))
        }
        _ => (Level(text.parse().expect("a number")), None),
    };
    Reading::Known(Measure { value, backlog })
}

fn trouble(message: &str) -> Trouble {
    Trouble {
        kind: TroubleKind::Transient,
        message: message.to_owned(),
    }
}

/// One word of a pool with triggers; `queue=` comes first.
pub fn say(queue: &mut Option<Arc<QueueRule>>, key: &str, value: &str) {
    if key == "queue" {
        *queue = Some(Arc::new(rule(value)));
        return;
    }
    let rule = Arc::make_mut(queue.as_mut().expect("queue= before it"));
    let number = || value.parse().expect("a number");
    match key {
        "strategy" => {
            rule.strategy = match value {
                "accurate" => Strategy::Accurate,
                "eager" => Strategy::Eager,
                _ => Strategy::Default,
            }
        }
        "combine" => {
            rule.combine = match value {
                "min" => Combine::Min,
                "avg" => Combine::Avg,
                "sum" => Combine::Sum,
                _ => Combine::Max,
            }
        }
        "min" => rule.min = number(),
        "most" => rule.max = Some(number()),
        "compat" => rule.compat = Compat::Keda,
        "poll" => rule.polling = Duration::from_secs(number().into()),
        "target" => all(rule, |trigger| trigger.target = Level(number().into())),
        _ => all(rule, |trigger| trigger.activation = Level(number().into())),
    }
}

fn all(rule: &mut QueueRule, mend: impl Fn(&mut Trigger)) {
    rule.triggers.iter_mut().for_each(mend);
}

/// Comma-joined triggers: `backlog`, `list` or `cron`.
fn rule(kinds: &str) -> QueueRule {
    let triggers = kinds.split(',').map(|kind| Trigger {
        name: kind.to_owned(),
        target: Level(1.0),
        activation: Level(0.0),
        kind: trigger(kind),
    });
    QueueRule {
        triggers: triggers.collect(),
        strategy: Strategy::Default,
        combine: Combine::Max,
        min: 0,
        max: Some(10),
        compat: Compat::Headcount,
        polling: Duration::from_secs(30),
    }
}

fn trigger(kind: &str) -> TriggerKind {
    let connection = Arc::new(RedisConnection {
        servers: RedisServers::Standalone("127.0.0.1:6379".to_owned()),
        username: None,
        password: None,
        database: 0,
        tls: None,
    });
    match kind {
        "backlog" => TriggerKind::RedisStream {
            connection,
            stream: "jobs".to_owned(),
            measure: StreamMeasure::Backlog {
                group: "workers".to_owned(),
                claim_after: None,
            },
        },
        "length" => TriggerKind::RedisStream {
            connection,
            stream: "jobs".to_owned(),
            measure: StreamMeasure::Length,
        },
        "cron" => TriggerKind::Cron(CronWindow {
            timezone: "UTC".to_owned(),
            start: "0 8 * * *".to_owned(),
            end: "0 18 * * *".to_owned(),
            desired: 1,
            compat: Compat::Headcount,
        }),
        _ => TriggerKind::RedisKey {
            connection,
            key: "jobs".to_owned(),
        },
    }
}
