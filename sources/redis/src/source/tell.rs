//! Tells Redis of ends that the book has, until it has answered; then the book, which need
//! not keep the job any longer.
//!
//! Whatever is told twice does no harm: what is not pending any more is left alone. Ends
//! that wait to be told are open jobs of the book, so a crash forgets none.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use headcount_model::JobId;
use headcount_ports::SourceError;
use headcount_ports::source_calls::try_again;

use super::draft::Owed;
use super::index::Index;
use super::shared::Shared;
use crate::entries::MAX_ENTRIES;
use crate::stream::id::EntryId;

/// After it failed: doubled from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// Acknowledges for ever: what has ended together is acknowledged together.
pub(super) async fn acknowledge_always(shared: Arc<Shared>) {
    let mut pauses = Pauses::default();
    loop {
        let owed = some(&mut shared.index().acks, MAX_ENTRIES as usize);
        if owed.is_empty() {
            shared.acks.notified().await;
            continue;
        }
        match acknowledge(&shared, &owed).await {
            Ok(()) => pauses.over(),
            Err(error) => {
                put_back(&shared, owed, |index| &mut index.acks);
                pauses.wait(&shared, "acknowledged", &error).await;
            }
        }
    }
}

/// Writes dead letters for ever, one after the other, because each may be of megabytes. One
/// that cannot be written lets the others pass.
pub(super) async fn bury_always(shared: Arc<Shared>) {
    let mut pauses = Pauses::default();
    loop {
        let owed = some(&mut shared.index().letters, 1);
        if owed.is_empty() {
            shared.letters.notified().await;
            continue;
        }
        match bury(&shared, &owed).await {
            Ok(()) => pauses.over(),
            Err(error) => {
                put_back(&shared, owed, |index| &mut index.letters);
                pauses.wait(&shared, "made a dead letter", &error).await;
            }
        }
    }
}

fn some(owed: &mut VecDeque<Owed>, most: usize) -> Vec<Owed> {
    let n = owed.len().min(most);
    owed.drain(..n).collect()
}

fn put_back(shared: &Shared, owed: Vec<Owed>, queue: impl Fn(&mut Index) -> &mut VecDeque<Owed>) {
    queue(&mut shared.index()).extend(owed);
}

async fn acknowledge(shared: &Shared, owed: &[Owed]) -> Result<(), SourceError> {
    let ids: Vec<EntryId> = owed.iter().filter_map(|owed| owed.entry).collect();
    shared.entries.acknowledge(&ids).await?;
    shared.counters.acknowledged(ids.len());
    done(shared, owed).await
}

async fn bury(shared: &Shared, owed: &[Owed]) -> Result<(), SourceError> {
    for owed in owed {
        let (Some(entry), Some(letter)) = (owed.entry, &owed.letter) else {
            continue;
        };
        let buried = match bury_one(shared, entry, letter).await {
            Ok(buried) => buried,
            Err(error) => {
                // A group that is gone knows of no entry; made again it says so.
                shared.entries.prepare().await?;
                return Err(error);
            }
        };
        shared.counters.buried(buried);
    }
    done(shared, owed).await
}

/// Whether it was still pending.
async fn bury_one(shared: &Shared, entry: EntryId, letter: &str) -> Result<bool, SourceError> {
    match shared.entries.one_pending(entry).await? {
        Some(entry) => shared.entries.bury(&entry, letter).await,
        None => Ok(false),
    }
}

async fn done(shared: &Shared, owed: &[Owed]) -> Result<(), SourceError> {
    let jobs: Vec<JobId> = owed.iter().map(|owed| owed.job).collect();
    shared.book.told(jobs).await.map_err(try_again)?;
    shared.index().told(owed);
    Ok(())
}

/// Waits longer and longer, and says why when that is new.
#[derive(Default)]
struct Pauses {
    next: Option<Duration>,
    told: Option<SourceError>,
}

impl Pauses {
    fn over(&mut self) {
        *self = Self::default();
    }

    async fn wait(&mut self, shared: &Shared, what: &str, error: &SourceError) {
        if self.told.as_ref() != Some(error) {
            let source = &shared.source.id;
            tracing::warn!(%source, "ended entries are not {what} yet: {error}");
            self.told = Some(error.clone());
        }
        let pause = self.next.unwrap_or(FIRST_PAUSE);
        self.next = Some((pause * 2).min(LAST_PAUSE));
        tokio::time::sleep(pause).await;
    }
}
