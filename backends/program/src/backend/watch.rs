//! Watching: nobody tells of a machine's death, so all are looked at from time to time.
//!
//! Promise: nothing is called while there is no machine; who is missing is looked for again
//! soon, once; a provisioner that fails is asked ever more seldom.

use std::sync::Arc;
use std::time::Duration;

use headcount_model::BackendEvent;
use tokio::time::{sleep, timeout};

use super::{Core, by_id, look};

/// The longest time between two lists that fail.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// Looks for as long as the backend lives.
pub(super) async fn watch(core: Arc<Core>) {
    let pace = core.provisioner.options.pace;
    let mut failures = 0_u32;
    loop {
        while core.census().is_empty() {
            core.changed.notified().await;
        }
        wait(&core, failures).await;
        match look::refresh(&core).await {
            Ok(()) => failures = 0,
            Err(fault) => {
                tracing::warn!(backend = %core.id, error = fault.message, "cannot list");
                if failures == 0 {
                    core.tell(BackendEvent::Missed).await;
                }
                failures = failures.saturating_add(1);
                sleep(fault.retry_after.unwrap_or_default().min(LONGEST_PAUSE)).await;
                // Who lists in a hurry fails in a hurry.
                sleep(pace.confirm).await;
            }
        }
    }
}

/// Until it is time to look again.
async fn wait(core: &Core, failures: u32) {
    let pace = core.provisioner.options.pace;
    let usual = pace
        .watch
        .saturating_mul(1 << failures.min(8))
        .min(LONGEST_PAUSE.max(pace.watch));
    let mut left = usual;
    while !core.census().misses_somebody() || failures > 0 {
        let before = std::time::Instant::now();
        if timeout(left, core.changed.notified()).await.is_err() {
            return;
        }
        left = left.saturating_sub(before.elapsed());
    }
    sleep(by_id::pause(core)).await;
}
