//! `headcount agent`: runs jobs on behalf of a daemon.
//!
//! Promise: it is quick to start, because a job waits for it: one thread, and nothing is
//! read but its own environment. Leaves everything else to `headcount_agent`.

use std::process::ExitCode;

use headcount_agent::{AgentSettings, Exit};

use crate::logging::{self, LogFormat};

/// Runs until it leaves.
pub(crate) fn run() -> ExitCode {
    if logging::init(LogFormat::Text).is_err() {
        // A wrong HEADCOUNT_LOG is the daemon's to tell; an agent works without it.
        logging::init_default();
    }
    let settings = match AgentSettings::from_env(|name| std::env::var_os(name)) {
        Ok(settings) => settings,
        Err(error) => {
            tracing::error!(%error, "agent cannot start");
            return Exit::Settings.into();
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(headcount_agent::run(settings)).into(),
        Err(error) => {
            tracing::error!(%error, "agent cannot start: this host gives it no event loop");
            Exit::Host.into()
        }
    }
}
