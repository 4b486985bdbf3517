//! The end: nothing new is handed out, running jobs get a bounded time, and whoever is
//! left is found again by the next daemon.

use std::time::Duration;

use headcount_model::AgentPhase;
use tokio::time::{Instant, timeout_at};

use super::daemon::Daemon;

/// Stops taking jobs and waits, up to `patience`, until no job runs.
pub(super) async fn politely(daemon: &Daemon, patience: Duration) {
    let deadline = Instant::now() + patience;
    // Subscribed first, so that no change is missed between looking and waiting.
    let mut events = daemon.handle().events();
    daemon.stop_taking().await;
    loop {
        let running = working(daemon).await;
        if running == 0 {
            tracing::info!("stopped: no job runs");
            break;
        }
        tracing::info!(running, "waiting for running jobs to end");
        if timeout_at(deadline, events.recv()).await.is_err() {
            tracing::info!(
                running,
                "stopped: the rest is found again at the next start"
            );
            break;
        }
    }
    daemon.stop_serving().await;
    daemon.close_backends().await;
}

/// Agents that have a job, or whose room in a machine pool is being given back.
async fn working(daemon: &Daemon) -> usize {
    let Ok(view) = daemon.handle().view().await else {
        return 0;
    };
    let busy = view.agents.iter().filter(|agent| match agent.record.phase {
        AgentPhase::Ready | AgentPhase::Draining => !agent.jobs.is_empty(),
        // Gone, and other daemons wait for its room.
        AgentPhase::Releasing => true,
        _ => false,
    });
    busy.count()
}
