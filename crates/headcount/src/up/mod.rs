//! `headcount up`: the daemon. Wires sources, backends, ledger, gateway and server
//! around one controller, says when it is ready, and stops politely.
//!
//! Promise: it starts whole or not at all, with a sentence that says why not. Owns no
//! logic: what it does with jobs and agents is decided elsewhere.

mod args;
mod backends;
mod configuration;
mod daemon;
mod grammar;
mod kici;
mod limits;
mod machine_pools;
mod office;
mod queue;
mod remote_agents;
mod signals;
mod sources;
mod state;
mod stop;

use std::process::ExitCode;

use anyhow::Result;
use headcount_server::BindRefused;

use configuration::ConfigError;
use remote_agents::RemoteError;
use signals::Signals;

pub(crate) use args::UpArgs;
pub(crate) use configuration::ConfigOrigin;
pub(crate) use daemon::{Daemon, DaemonSettings};
pub(crate) use machine_pools::LedgerSettings;
pub(crate) use queue::QueueSettings;
pub(crate) use remote_agents::RemoteSettings;
pub(crate) use stop::Ending;

/// Runs the daemon until it is told to stop, and then ends it as `ending` says.
///
/// # Errors
/// It could not be started; [`is_misuse`] says whether that is its settings' fault.
pub(crate) async fn run(settings: DaemonSettings, ending: Ending) -> Result<ExitCode> {
    limits::raise_open_files();
    for remark in kici::remarks(std::env::vars_os().map(|(name, _)| name)) {
        tracing::warn!("{remark}");
    }
    // Before anybody is told that the daemon is ready: what comes meanwhile is not lost.
    let mut signals = Signals::listen()?;
    let daemon = Daemon::start(settings).await?;
    tracing::info!(
        api = %daemon.api_url(),
        state_dir = %daemon.state_dir().display(),
        "ready"
    );
    signals::ready();
    signals.serve(&daemon).await;
    signals::stopping();
    stop::politely(&daemon, ending).await;
    Ok(ExitCode::SUCCESS)
}

/// Whether the daemon did not start because of what it was told: starting it again cannot
/// help, mending the configuration or the arguments can.
pub(crate) fn is_misuse(error: &anyhow::Error) -> bool {
    let remote = error.downcast_ref::<RemoteError>();
    let certificate = matches!(remote, Some(RemoteError::Certificate(_)));
    error.is::<ConfigError>() || error.is::<BindRefused>() || certificate
}
