//! Says three times in the span after which others may take an entry over that ours are
//! still worked on. What others took over while nobody could say so is theirs: a job that
//! no agent was given is not handed out while they have its entry, and ends here when they
//! ended it there.

use std::sync::Arc;
use std::time::Duration;

use headcount_model::{JobEnd, JobId, Outcome, Reason};
use headcount_ports::SourceError;
use headcount_ports::source_calls::try_again;

use super::draft::Owed;
use super::shared::Shared;
use crate::entries::MAX_ENTRIES;
use crate::stream::id::EntryId;

/// So often in the span.
const TIMES: u32 = 3;
/// After it failed.
const AGAIN: Duration = Duration::from_secs(1);

/// Says it for ever.
pub(super) async fn keep_always(shared: Arc<Shared>) {
    let pause = shared.source.min_idle / TIMES;
    let mut told = None;
    loop {
        match keep(&shared).await {
            Ok(()) => {
                told = None;
                tokio::time::sleep(pause).await;
            }
            Err(error) => {
                tell_once(&shared, &mut told, &error);
                tokio::time::sleep(pause.min(AGAIN)).await;
            }
        }
    }
}

/// Keeps what is ours, and lets go of what is not any more.
pub(super) async fn keep(shared: &Shared) -> Result<(), SourceError> {
    let kept = keep_all(shared).await;
    shared.sure(kept.is_ok());
    kept
}

async fn keep_all(shared: &Shared) -> Result<(), SourceError> {
    let held = shared.index().held();
    for some in held.chunks(MAX_ENTRIES as usize) {
        let lost = shared.entries.keep(some).await?;
        shared.change(|index| index.regain(some, &lost));
        let idle = shared.index().not_handed_out(&lost);
        if !idle.is_empty() {
            let found = shared.entries.whereabouts(&idle).await?;
            let found = idle.into_iter().zip(found).collect();
            let done = shared.change(|index| index.let_go(found));
            end(shared, done).await?;
        }
    }
    Ok(())
}

/// Others ended these.
async fn end(shared: &Shared, done: Vec<(EntryId, JobId)>) -> Result<(), SourceError> {
    for (entry, job) in done {
        let source = &shared.source.id;
        tracing::info!(%source, %entry, %job, "another consumer took this entry over and ended it");
        let why = "it was not handed out by then".to_owned();
        let end = JobEnd::Failed {
            reason: Reason::TakenOver,
            outcome: Some(Outcome::NotStarted(why)),
        };
        let ends = vec![(Owed::new(job, Some(entry), &end), end)];
        if let Err(error) = shared.end(ends, shared.now()).await {
            shared.change(|index| index.end_failed(job));
            return Err(try_again(error));
        }
    }
    Ok(())
}

/// Says why others may take entries over, when that is new.
fn tell_once(shared: &Shared, told: &mut Option<SourceError>, error: &SourceError) {
    if told.as_ref() != Some(error) {
        let source = &shared.source.id;
        tracing::warn!(%source, "entries in progress cannot be kept from other consumers: {error}");
        *told = Some(error.clone());
    }
}
