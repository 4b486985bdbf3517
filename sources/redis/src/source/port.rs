//! The source as the controller knows it.

use std::sync::Arc;

use async_trait::async_trait;
use headcount_model::{
    ClassKey, Demand, JobEnd, JobId, JobWork, OwnerId, SourceId, StreamSource, Taken, Timestamp,
};
use headcount_ports::source_calls::{to_the_end, try_again};
use headcount_ports::{JobBook, JobStatus, OpenJob, Source, SourceError, SourceInbox, StoreError};

use super::draft::{Known, Owed, is_unfit, unfit};
use super::fetch::fetch;
use super::give_back::give_back;
use super::index::Index;
use super::keep::keep_always;
use super::look::{look, look_always, post_always};
use super::shared::Shared;
use super::stats::SourceStats;
use super::tell::{acknowledge_always, bury_always};
use crate::entries::{Entries, Group};
use crate::signals::Clock;
use crate::watch::{Running, Wake, Whom, listen};

/// A stream as a source. Closes when it is dropped: nothing it started outlives it but a
/// call that is under way.
pub struct RedisSource {
    pub(super) shared: Arc<Shared>,
    _running: Vec<Running>,
}

impl RedisSource {
    /// Loads what is open and starts to look at the stream, whether Redis is there or not.
    /// Jobs that an unsettled attempt holds count as taken: the controller will give them
    /// back or complete them. Needs a tokio runtime. The name in the group is the owner's.
    ///
    /// # Errors
    /// The book cannot be read or written: the daemon must not start.
    pub async fn open(
        source: StreamSource,
        owner: &OwnerId,
        book: Arc<dyn JobBook>,
        inbox: Arc<dyn SourceInbox>,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let entries = Entries::new(Group {
            connection: Arc::clone(&source.connection),
            stream: source.stream.clone(),
            group: source.group.clone(),
            consumer: owner.as_str().to_owned(),
            dead_letters: source.dead_letters.clone(),
        });
        let open = book.open_jobs(&source.id).await?;
        let index = Index::new(class(&source));
        let shared = Shared::new(source, entries, (book, inbox), clock, index);
        restore(&shared, open).await?;
        let shared = Arc::new(shared);
        let running = start(&shared);
        Ok(Self {
            shared,
            _running: running,
        })
    }

    /// How many jobs of its class are handed out before a waiting one; `None` when it does
    /// not wait. Entries that are still in the stream come after those.
    #[must_use]
    pub fn ahead_of(&self, job: JobId) -> Option<u64> {
        self.shared.index().ahead_of(job)
    }

    /// What it has done and holds.
    #[must_use]
    pub fn stats(&self) -> SourceStats {
        self.shared.stats()
    }
}

/// What new entries ask for.
fn class(source: &StreamSource) -> ClassKey {
    let job = &source.job;
    ClassKey {
        source: source.id.clone(),
        runs_on: job.runs_on.clone(),
        exclude: job.exclude.clone(),
        resources: job.resources,
        priority: job.priority,
    }
}

/// Puts every open job to its place; those that can never run end now.
async fn restore(shared: &Shared, open: Vec<OpenJob>) -> Result<(), StoreError> {
    let mut never = Vec::new();
    for open in open {
        let (job, status) = (open.job.job, open.status);
        let never_runs = is_unfit(&open.job);
        let end = open.end.clone();
        let known = Known::open(&shared.source, open);
        let mut index = shared.index();
        match (end, status) {
            (Some(end), _) => index.owe(Owed::new(job, known.entry, &end)),
            (None, JobStatus::Queued) if never_runs => {
                let end = unfit("it was found to be unfit before a restart".to_owned());
                never.push((Owed::new(job, known.entry, &end), end));
            }
            (None, JobStatus::Queued) => index.wait(job, known),
            (None, _) => index.taken_before(job, known),
        }
    }
    if never.is_empty() {
        return Ok(());
    }
    shared.end(never, shared.now()).await
}

fn start(shared: &Arc<Shared>) -> Vec<Running> {
    let wake = Wake {
        key: shared.source.stream.clone(),
        whom: Whom::Taker(Arc::clone(&shared.changed)),
    };
    let own = || Arc::clone(shared);
    vec![
        Running(tokio::spawn(post_always(own()))),
        Running(tokio::spawn(look_always(own()))),
        Running(tokio::spawn(keep_always(own()))),
        Running(tokio::spawn(acknowledge_always(own()))),
        Running(tokio::spawn(bury_always(own()))),
        Running(tokio::spawn(listen(Arc::clone(&shared.link), vec![wake]))),
    ]
}

#[async_trait]
impl Source for RedisSource {
    fn id(&self) -> SourceId {
        self.shared.source.id.clone()
    }

    fn keeps_hopeless(&self) -> bool {
        true
    }

    async fn refresh(&self) -> Result<Demand, SourceError> {
        look(&self.shared).await?;
        let demand = self.shared.change(Index::demand);
        demand.map_err(SourceError::Transient)
    }

    /// What is fetched waits in the book before it is handed out, and handing out has no
    /// await point: nothing is lost half-way.
    async fn take(&self, class: &ClassKey, n: u32) -> Result<Taken, SourceError> {
        let missing = self.shared.index().missing(class, n);
        if missing > 0 {
            let shared = Arc::clone(&self.shared);
            to_the_end(async move { fetch(&shared, missing).await }).await??;
        }
        Ok(self.shared.change(|index| index.take(class, n)))
    }

    async fn work(&self, job: JobId) -> Result<JobWork, SourceError> {
        let record = self.shared.book.get(job).await.map_err(try_again)?;
        let record = record.filter(|record| !record.status.is_ended());
        let record = record.ok_or_else(|| SourceError::Gone(job.to_string()))?;
        Ok(record.work())
    }

    async fn give_back(
        &self,
        job: JobId,
        attempts: u32,
        deliveries: u32,
    ) -> Result<(), SourceError> {
        let shared = Arc::clone(&self.shared);
        to_the_end(async move { give_back(&shared, job, attempts, deliveries).await }).await?
    }

    async fn complete(&self, job: JobId, end: &JobEnd, at: Timestamp) -> Result<(), SourceError> {
        let (shared, end) = (Arc::clone(&self.shared), end.clone());
        to_the_end(async move {
            let known = shared.index().known(job).cloned();
            // One that is not open has ended already.
            let Some(known) = known else {
                return Ok(());
            };
            let owed = Owed::new(job, known.entry, &end);
            shared.end(vec![(owed, end)], at).await.map_err(try_again)
        })
        .await?
    }

    /// Entries do not expire.
    async fn expire(&self, _: &ClassKey, _: Timestamp) -> Result<(), SourceError> {
        Ok(())
    }

    /// A stream is not emptied.
    async fn fail_class(&self, _: &ClassKey, _: &JobEnd, _: Timestamp) -> Result<(), SourceError> {
        let why = "entries of a stream stay until somebody can run them";
        Err(SourceError::Transient(why.to_owned()))
    }
}
