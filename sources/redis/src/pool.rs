//! The triggers of one pool, read together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use headcount_model::{
    PoolName, QueueRule, Reading, Sample, Timestamp, Timing, Trouble, TroubleKind,
};
use tokio::sync::Notify;

use crate::arrival::{Arrivals, News};
use crate::link::Link;
use crate::signals::Clock;
use crate::trigger::{Reader, RedisReader};

/// For one trigger to be read, connecting and counting included.
pub const READING_PATIENCE: Duration = Duration::from_secs(5);

/// A pool with triggers.
pub(crate) struct Pool {
    pub(crate) name: PoolName,
    pub(crate) rule: Arc<QueueRule>,
    pub(crate) readers: Vec<Reader>,
    /// What is known of the past of each trigger, in the same order.
    arrivals: Vec<Arrivals>,
    /// Something that it reads has changed.
    pub(crate) changed: Arc<Notify>,
    /// Samples begun, of all pools: one that went and comes back goes on above its last.
    samples: Arc<AtomicU64>,
}

impl Pool {
    pub(crate) fn new(
        name: PoolName,
        rule: Arc<QueueRule>,
        readers: Vec<Reader>,
        samples: Arc<AtomicU64>,
    ) -> Self {
        Self {
            name,
            rule,
            arrivals: readers.iter().map(|_| Arrivals::default()).collect(),
            readers,
            changed: Arc::default(),
            samples,
        }
    }

    /// The ways to the servers it reads from; one of several triggers is there several times.
    pub(crate) fn links(&self) -> impl Iterator<Item = &Arc<Link>> {
        self.readers.iter().filter_map(|reader| match reader {
            Reader::Redis(reader) => Some(&reader.link),
            Reader::Cron(_) => None,
        })
    }

    /// What the trigger at this place reads has changed.
    pub(crate) fn wake(&self, place: usize) {
        if let Some(arrivals) = self.arrivals.get(place) {
            arrivals.told();
        }
        self.changed.notify_one();
    }

    /// Reads all triggers at the same time.
    pub(crate) async fn sample(&self, clock: &Clock) -> Sample {
        let number = self.samples.fetch_add(1, Ordering::SeqCst) + 1;
        let as_of = clock();
        let triggers = self.readers.iter().zip(&self.arrivals);
        let told = join_all(triggers.map(|(reader, past)| read(reader, past, as_of))).await;
        let arrived = told.iter().filter_map(|told| told.arrived).min();
        Sample {
            number,
            as_of,
            next_change: told.iter().filter_map(|told| told.next_change).min(),
            timing: Timing {
                arrived,
                took: told.iter().map(|told| told.took).collect(),
            },
            readings: told.into_iter().map(|told| told.reading).collect(),
        }
    }
}

/// What a trigger says.
struct Told {
    reading: Reading,
    /// When time alone will change it.
    next_change: Option<Timestamp>,
    /// When what is new in it arrived.
    arrived: Option<Timestamp>,
    took: Duration,
}

async fn read(reader: &Reader, past: &Arrivals, now: Timestamp) -> Told {
    let (began, begun) = (Instant::now(), past.begin(now));
    let (reading, next_change, news) = match reader {
        Reader::Cron(window) => {
            let (reading, change) = window.read(now);
            (reading, change, News::Unseen)
        }
        Reader::Redis(reader) => {
            let (reading, news) = read_redis(reader, past).await;
            (reading, None, news)
        }
    };
    Told {
        arrived: past.judge(begun, &reading, next_change, news),
        reading,
        next_change,
        took: began.elapsed(),
    }
}

async fn read_redis(reader: &RedisReader, past: &Arrivals) -> (Reading, News) {
    let both = join(past.look(&reader.link, &reader.what), reader.read());
    match tokio::time::timeout(READING_PATIENCE, both).await {
        Ok((news, Ok(measure))) => (Reading::Known(measure), news),
        Ok((news, Err(fault))) => (Reading::Unknown(fault.trouble()), news),
        Err(_) => {
            let trouble = Trouble {
                kind: TroubleKind::Transient,
                message: reader.link.asked.slow(READING_PATIENCE).to_string(),
            };
            (Reading::Unknown(trouble), News::Unseen)
        }
    }
}
