//! The triggers of one pool, read together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use headcount_model::{PoolName, QueueRule, Reading, Sample, Timestamp, Trouble, TroubleKind};
use tokio::sync::Notify;

use crate::link::Link;
use crate::signals::Clock;
use crate::trigger::Reader;

/// For one trigger to be read, connecting and counting included.
pub const READING_PATIENCE: Duration = Duration::from_secs(5);

/// A pool with triggers.
pub(crate) struct Pool {
    pub(crate) name: PoolName,
    pub(crate) rule: Arc<QueueRule>,
    pub(crate) readers: Vec<Reader>,
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

    /// Reads all triggers at the same time.
    pub(crate) async fn sample(&self, clock: &Clock) -> Sample {
        let number = self.samples.fetch_add(1, Ordering::SeqCst) + 1;
        let as_of = clock();
        let reading = self.readers.iter().map(|reader| read(reader, as_of));
        let (readings, changes): (Vec<_>, Vec<_>) = join_all(reading).await.into_iter().unzip();
        Sample {
            number,
            as_of,
            readings,
            next_change: changes.into_iter().flatten().min(),
        }
    }
}

/// What a trigger says, and when time alone will change that.
async fn read(reader: &Reader, now: Timestamp) -> (Reading, Option<Timestamp>) {
    match reader {
        Reader::Cron(window) => window.read(now),
        Reader::Redis(reader) => {
            let reading = tokio::time::timeout(READING_PATIENCE, reader.read());
            let reading = match reading.await {
                Ok(Ok(measure)) => Reading::Known(measure),
                Ok(Err(fault)) => Reading::Unknown(fault.trouble()),
                Err(_) => Reading::Unknown(Trouble {
                    kind: TroubleKind::Transient,
                    message: reader.link.asked.slow(READING_PATIENCE).to_string(),
                }),
            };
            (reading, None)
        }
    }
}
