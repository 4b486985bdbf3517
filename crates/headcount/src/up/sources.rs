//! Where jobs come from besides the built-in queue: streams, as the configuration says.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use headcount_controller::Clock;
use headcount_model::{JobId, OwnerId, SourceId, StreamSource};
use headcount_ports::{CancelError, Cancelled, JobBook, Source, SourceInbox};
use headcount_server::StreamNumbers;
use headcount_source_redis::RedisSource;

/// The streams that this daemon reads.
#[derive(Clone, Default)]
pub(super) struct Streams(Arc<BTreeMap<SourceId, Arc<RedisSource>>>);

impl Streams {
    /// Opens all of them, whether their servers are there or not.
    pub(super) async fn open<I: SourceInbox + 'static>(
        sources: Vec<StreamSource>,
        owner: &OwnerId,
        book: &Arc<dyn JobBook>,
        inbox: &Arc<I>,
        clock: Clock,
    ) -> Result<Self> {
        let mut streams = BTreeMap::new();
        for source in sources {
            let id = source.id.clone();
            let inbox: Arc<dyn SourceInbox> = inbox.clone();
            let now: headcount_source_redis::Clock = Arc::new(move || clock.now());
            let opened = RedisSource::open(source, owner, Arc::clone(book), inbox, now);
            let opened = opened
                .await
                .with_context(|| format!("the jobs of source `{id}` cannot be read"))?;
            streams.insert(id, Arc::new(opened));
        }
        Ok(Self(Arc::new(streams)))
    }

    /// For the controller.
    pub(super) fn all(&self) -> impl Iterator<Item = Arc<dyn Source>> {
        let streams = self.0.values();
        streams.map(|stream| Arc::clone(stream) as Arc<dyn Source>)
    }

    /// Cancels a job of this source.
    pub(super) async fn cancel(
        &self,
        source: &SourceId,
        job: JobId,
    ) -> Result<Cancelled, CancelError> {
        match self.0.get(source) {
            Some(stream) => stream.cancel(job).await,
            None => Err(CancelError::Unavailable(format!(
                "{job} is of source `{source}`, which this daemon does not read; add it to \
                 `sources` and restart the daemon"
            ))),
        }
    }

    /// How many jobs of its class are served before a waiting job of one of them.
    pub(super) fn ahead_of(&self, job: JobId) -> Option<u64> {
        self.0.values().find_map(|stream| stream.ahead_of(job))
    }

    /// What each has done and holds.
    pub(super) fn numbers(&self) -> BTreeMap<SourceId, StreamNumbers> {
        let numbers = self.0.iter().map(|(id, stream)| {
            let stats = stream.stats();
            let numbers = StreamNumbers {
                taken: stats.taken,
                claimed: stats.claimed,
                acknowledged: stats.acknowledged,
                buried: stats.buried,
                held: stats.held,
                untold: stats.untold,
            };
            (id.clone(), numbers)
        });
        numbers.collect()
    }
}
