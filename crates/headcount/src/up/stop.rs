//! The end: nothing new is handed out, and agents stay, leave or are destroyed, as the daemon
//! was told. Whoever is left is found again by the next daemon.
//!
//! Promise: it ends within the spans it was given; what is not gone by then keeps its record.

use std::time::Duration;

use headcount_controller::AgentView;
use headcount_model::{AgentKind, AgentPhase, Shutdown};
use tokio::time::{Instant, timeout_at};

use super::daemon::Daemon;

/// How the daemon ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ending {
    /// What becomes of agents.
    pub(crate) agents: Shutdown,
    /// For running jobs to end, and for agents to leave.
    pub(crate) patience: Duration,
    /// For agents to be destroyed, after that.
    pub(crate) destroy_within: Duration,
}

/// Ends it: see [`Ending`].
pub(super) async fn politely(daemon: &Daemon, ending: Ending) {
    // Subscribed first, so that no change is missed between looking and waiting.
    let mut events = daemon.handle().events();
    daemon.stop_taking().await;
    if ending.agents >= Shutdown::Drain {
        daemon.handle().shut_down(Shutdown::Drain).await;
    }
    let left = match ending.agents {
        Shutdown::Leave => works,
        Shutdown::Drain | Shutdown::Destroy => may_leave,
    };
    let mut left = wait(daemon, &mut events, left, ending.patience).await;
    if ending.agents == Shutdown::Destroy {
        left = destroy_the_rest(daemon, &mut events, ending.destroy_within).await;
    }
    if left > 0 {
        tracing::info!(
            left,
            "time is up: the rest is found again at the next start"
        );
    }
    daemon.stop_serving().await;
    daemon.close_backends().await;
}

/// Says how many are left.
async fn destroy_the_rest(daemon: &Daemon, events: &mut Events, within: Duration) -> usize {
    let left = count(daemon, exists).await;
    if left == 0 {
        return 0;
    }
    tracing::info!(left, "whoever is left is destroyed now");
    daemon.handle().shut_down(Shutdown::Destroy).await;
    wait(daemon, events, exists, within).await
}

type Events = tokio::sync::broadcast::Receiver<std::sync::Arc<headcount_controller::Event>>;

/// Waits until nobody is left of those who count. Says how many are when time is up.
async fn wait(
    daemon: &Daemon,
    events: &mut Events,
    counts: fn(&AgentView) -> bool,
    patience: Duration,
) -> usize {
    let deadline = Instant::now() + patience;
    loop {
        let left = count(daemon, counts).await;
        if left == 0 {
            tracing::info!("nobody is left to wait for");
            return 0;
        }
        tracing::info!(left, "waiting for agents");
        if timeout_at(deadline, events.recv()).await.is_err() {
            return left;
        }
    }
}

async fn count(daemon: &Daemon, counts: fn(&AgentView) -> bool) -> usize {
    let Ok(view) = daemon.handle().view().await else {
        return 0;
    };
    view.agents.iter().filter(|agent| counts(agent)).count()
}

/// It has a job, or its room in a machine pool is being given back.
fn works(agent: &AgentView) -> bool {
    match agent.record.phase {
        AgentPhase::Ready | AgentPhase::Draining => !agent.jobs.is_empty(),
        // Gone, and other daemons wait for its room.
        AgentPhase::Releasing => true,
        _ => false,
    }
}

/// It leaves once it has no job. Workers end when they like, and who cannot be removed stays
/// for longer than anybody waits.
fn may_leave(agent: &AgentView) -> bool {
    let stays = agent.record.kind == AgentKind::Worker && agent.record.phase == AgentPhase::Ready;
    !stays && agent.record.phase != AgentPhase::Quarantined
}

/// Any but those who cannot be removed.
fn exists(agent: &AgentView) -> bool {
    agent.record.phase != AgentPhase::Quarantined
}
