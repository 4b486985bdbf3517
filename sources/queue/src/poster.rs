//! Tells the controller what changed, in order.

use std::sync::Arc;

use crate::shared::Shared;

/// Posts until the queue closes; sleeps while nothing changed.
///
/// There is one poster, and it reads the numbers when it posts them: so a burst of changes
/// to a class is one event, and no later sample carries older numbers.
pub(crate) async fn post_all(shared: Arc<Shared>) {
    loop {
        let next = shared.index().next_event();
        match next {
            Some(event) => shared.inbox.post(&shared.id, event).await,
            None if shared.is_closed() => return,
            None => shared.news.notified().await,
        }
    }
}
