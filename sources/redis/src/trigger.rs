//! One trigger: where it is read and how.

use std::sync::Arc;
use std::time::Duration;

use headcount_model::{
    Backlog, Compat, Level, Measure, QueueRule, StreamMeasure, Trigger, TriggerKind,
};

use crate::cron::CronReader;
use crate::fault::Fault;
use crate::key;
use crate::link::Link;
use crate::stream::backlog::{self, Question};
use crate::stream::count::Limit;
use crate::stream::{lag, length, pending};

/// Where a server's number is an estimate, at least so many entries are counted, and at most.
const USEFUL: std::ops::RangeInclusive<u64> = 100..=100_000;
/// Where it has no number at all, at least so many are.
const LEAST_MOST: u64 = 10_000;
/// What a pool may grow to when its rule does not say.
const DEFAULT_MAX: u32 = 100;

/// A trigger that can be read.
pub(crate) enum Reader {
    /// From a server.
    Redis(RedisReader),
    /// From the clock.
    Cron(Box<CronReader>),
}

/// A trigger on a server.
pub(crate) struct RedisReader {
    pub(crate) link: Arc<Link>,
    pub(crate) what: What,
    compat: Compat,
    limit: Limit,
}

/// What is read there.
pub(crate) enum What {
    Stream { key: String, measure: StreamMeasure },
    Members { key: String },
}

impl What {
    /// Whose changes change the number.
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Stream { key, .. } | Self::Members { key } => key,
        }
    }
}

impl Reader {
    /// `link` gives the way to a server.
    pub(crate) fn new(
        rule: &QueueRule,
        trigger: &Trigger,
        link: &mut dyn FnMut(&Arc<headcount_model::RedisConnection>) -> Arc<Link>,
    ) -> Self {
        let (connection, what) = match &trigger.kind {
            TriggerKind::Cron(window) => return Self::Cron(Box::new(CronReader::new(window))),
            TriggerKind::RedisStream {
                connection,
                stream,
                measure,
            } => {
                let (key, measure) = (stream.clone(), measure.clone());
                (connection, What::Stream { key, measure })
            }
            TriggerKind::RedisKey { connection, key } => {
                (connection, What::Members { key: key.clone() })
            }
        };
        Self::Redis(RedisReader {
            link: link(connection),
            what,
            compat: rule.compat,
            limit: limit(rule, trigger),
        })
    }
}

impl RedisReader {
    /// Reads it. Reading only.
    pub(crate) async fn read(&self) -> Result<Measure, Fault> {
        let (key, measure) = match &self.what {
            What::Stream { key, measure } => (key, measure),
            What::Members { key } => {
                let replies = self.link.ask(&key::commands(key)).await?;
                return key::read(&self.link.asked, key, &replies).map(plain);
            }
        };
        match measure {
            StreamMeasure::Length => self.length(key).await.map(plain),
            StreamMeasure::Pending { group } => self.pending(key, group).await.map(plain),
            StreamMeasure::Lag { group, .. } if self.compat == Compat::Keda => {
                self.lag(key, group).await.map(plain)
            }
            StreamMeasure::Lag { group, claim_after } => {
                let backlog = self.backlog(key, group, *claim_after).await?;
                let free = backlog.waiting.saturating_add(backlog.claimable);
                Ok(of_backlog(free, backlog))
            }
            StreamMeasure::Backlog { group, claim_after } => {
                let backlog = self.backlog(key, group, *claim_after).await?;
                Ok(of_backlog(backlog.total(), backlog))
            }
        }
    }

    async fn backlog(
        &self,
        stream: &str,
        group: &str,
        claim_after: Option<Duration>,
    ) -> Result<Backlog, Fault> {
        let question = Question {
            stream,
            group,
            claim_after,
        };
        backlog::read(&self.link, question, self.limit).await
    }

    async fn length(&self, stream: &str) -> Result<u64, Fault> {
        let reply = self.link.ask_one(&length::commands(stream)).await?;
        length::read(&self.link.asked, stream, &reply)
    }

    async fn pending(&self, stream: &str, group: &str) -> Result<u64, Fault> {
        let commands = pending::commands(stream, group);
        let reply = self.link.ask_one(&commands).await?;
        pending::read(&self.link.asked, stream, group, &reply)
    }

    async fn lag(&self, stream: &str, group: &str) -> Result<u64, Fault> {
        let replies = self.link.ask(&lag::commands(stream)).await?;
        lag::read(&self.link.asked, stream, group, &replies)
    }
}

const fn of_backlog(value: u64, backlog: Backlog) -> Measure {
    Measure {
        value: Level::count(value),
        backlog: Some(backlog),
    }
}

fn plain(count: u64) -> Measure {
    Measure {
        value: Level::count(count),
        backlog: None,
    }
}

/// Counting further could not change what is asked for: no pool grows beyond its maximum.
fn limit(rule: &QueueRule, trigger: &Trigger) -> Limit {
    let agents = f64::from(rule.max.unwrap_or(DEFAULT_MAX).max(rule.min));
    let useful = agents * trigger.target.0 + trigger.activation.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what is negative, no number or too large ends at the bounds"
    )]
    let useful = useful.ceil() as u64;
    let useful = useful
        .saturating_add(1)
        .clamp(*USEFUL.start(), *USEFUL.end());
    Limit {
        useful,
        most: useful.max(LEAST_MOST),
    }
}
