//! `headcount up`: the daemon. Wires sources, backends, ledger, gateway and server
//! around one controller, says when it is ready, and stops politely.
//!
//! Promise: it starts whole or not at all, with a sentence that says why not. Owns no
//! logic: what it does with jobs and agents is decided elsewhere.

mod args;
mod configuration;
mod daemon;
mod grammar;
mod limits;
mod office;
mod queue;
mod signals;
mod state;
mod stop;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

pub(crate) use args::UpArgs;
pub(crate) use configuration::ConfigOrigin;
pub(crate) use daemon::{Daemon, DaemonSettings};

/// Runs the daemon until it is told to stop.
pub(crate) async fn run(args: UpArgs, token_file: Option<PathBuf>) -> Result<ExitCode> {
    let stop_timeout = args.stop_timeout();
    limits::raise_open_files();
    let daemon = Daemon::start(args.settings(token_file)?).await?;
    tracing::info!(
        api = %daemon.api_url(),
        state_dir = %daemon.state_dir().display(),
        "ready"
    );
    signals::ready();
    signals::serve(&daemon).await;
    signals::stopping();
    stop::politely(&daemon, stop_timeout).await;
    Ok(ExitCode::SUCCESS)
}
