//! Says three times in the span after which others may take an entry over that ours are
//! still worked on.

use std::sync::Arc;
use std::time::Duration;

use headcount_ports::SourceError;

use super::shared::Shared;
use crate::entries::MAX_ENTRIES;

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

async fn keep(shared: &Shared) -> Result<(), SourceError> {
    let held = shared.index().held();
    for some in held.chunks(MAX_ENTRIES as usize) {
        shared.entries.keep(some).await?;
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
