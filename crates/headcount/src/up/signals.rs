//! Signals of the host and words to the service manager.

use anyhow::{Context, Result};
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

/// Signals that the daemon acts upon.
pub(super) struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on signals are kept until they are served, instead of ending the process.
    ///
    /// # Errors
    /// This host refuses to deliver signals.
    pub(super) fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).context("this host delivers no signals");
        Ok(Self {
            hangup: listen(SignalKind::hangup())?,
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Reloads on SIGHUP; returns on SIGTERM or SIGINT.
    pub(super) async fn serve(&mut self, daemon: &Daemon) {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => daemon.reload().await,
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
            }
        }
    }
}
