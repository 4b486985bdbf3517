//! Signals of the host and words to the service manager.

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::daemon::Daemon;

/// Tells the service manager, if there is one, that everything is up.
pub(super) fn ready() {
    notify(&[NotifyState::Ready]);
}

/// Tells the service manager that the end has begun.
pub(super) fn stopping() {
    notify(&[NotifyState::Stopping]);
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

/// Reloads on SIGHUP; returns on SIGTERM or SIGINT.
pub(super) async fn serve(daemon: &Daemon) {
    let (Some(mut hangup), Some(mut terminate), Some(mut interrupt)) = (
        listen(SignalKind::hangup()),
        listen(SignalKind::terminate()),
        listen(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            _ = hangup.recv() => reload(daemon).await,
            _ = terminate.recv() => return,
            _ = interrupt.recv() => return,
        }
    }
}

fn listen(kind: SignalKind) -> Option<Signal> {
    match signal(kind) {
        Ok(signal) => Some(signal),
        Err(error) => {
            tracing::error!(%error, "signals cannot be received; stop the daemon with SIGKILL");
            None
        }
    }
}

async fn reload(daemon: &Daemon) {
    match daemon.configuration().reload().await {
        Ok((changes, _)) if changes.is_empty() => tracing::info!("reloaded: nothing changed"),
        Ok((changes, _)) => tracing::info!(?changes, "reloaded"),
        Err(error) => tracing::error!("not reloaded, the old configuration stays:\n{error}"),
    }
}
