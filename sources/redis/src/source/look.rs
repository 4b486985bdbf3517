//! Looking at the stream: when it changed, and at the latest after the polling interval.
//! What is seen is posted, in order; what cannot be seen is posted as unknown.

use std::sync::Arc;
use std::time::Duration;

use headcount_ports::SourceError;
use tokio::time::{Instant, sleep_until, timeout};

use super::keep::keep;
use super::shared::Shared;
use crate::pool::READING_PATIENCE;
use crate::stream::backlog::{self, Question};
use crate::stream::count::Limit;

/// Between two looks, at least: what a stream costs that is written without pause.
const SPACING: Duration = Duration::from_millis(10);
/// Where the server has no exact number, so many entries are counted; more are found when
/// those were taken.
const LIMIT: Limit = Limit {
    useful: 1_000,
    most: 1_000,
};
/// While nothing can be seen: doubled from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// Looks for ever.
pub(super) async fn look_always(shared: Arc<Shared>) {
    let polling = shared.source.polling;
    let mut pause = polling;
    loop {
        let begun = Instant::now();
        pause = match look(&shared).await {
            Ok(()) => polling,
            Err(_) if pause >= polling => FIRST_PAUSE.min(polling),
            Err(_) => (pause * 2).min(LAST_PAUSE).min(polling),
        };
        sleep_until(begun + SPACING).await;
        // It is time to look again; or somebody says so.
        let _ = timeout(pause, shared.changed.notified()).await;
    }
}

/// Counts what is in the stream for whoever takes it. After a time in which others may have
/// taken entries over, nothing is told, and so nothing handed out, before that is known.
pub(super) async fn look(shared: &Shared) -> Result<(), SourceError> {
    let mut reader = shared.reader.lock().await;
    if !shared.is_sure()
        && let Err(error) = keep(shared).await
    {
        shared.change(|index| index.saw_nothing(error.to_string()));
        return Err(error);
    }
    let question = Question {
        stream: &shared.source.stream,
        group: &shared.source.group,
        claim_after: Some(shared.source.min_idle),
    };
    let reading = backlog::read(&shared.link, question, LIMIT);
    let read = match timeout(READING_PATIENCE, reading).await {
        Ok(read) => read,
        Err(_) => Err(shared.link.asked.slow(READING_PATIENCE)),
    };
    match read {
        Ok(backlog) => {
            reader.claimable = backlog.claimable;
            let waiting = backlog.waiting.saturating_add(backlog.claimable);
            let now = shared.now();
            shared.change(|index| index.saw(waiting, now));
            Ok(())
        }
        Err(fault) => {
            shared.change(|index| index.saw_nothing(fault.to_string()));
            Err(SourceError::Transient(fault.to_string()))
        }
    }
}

/// Posts for ever. There is one poster, and it reads the numbers when it posts them: so a
/// burst of changes is one event, and no later sample carries older numbers.
pub(super) async fn post_always(shared: Arc<Shared>) {
    loop {
        let next = shared.index().next_event();
        match next {
            Some(event) => shared.inbox.post(&shared.source.id, event).await,
            None => shared.news.notified().await,
        }
    }
}
