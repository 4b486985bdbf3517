//! `headcount demo`: the five-minute door. A real daemon with agents as processes of this
//! host, a burst of real jobs, the fleet growing from zero and shrinking back to zero.
//!
//! Promise: no account, no root, no file; what is shown is read from the running daemon;
//! nothing is left behind, neither processes nor files.

mod burst;
mod picture;
mod summary;
mod watch;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use headcount_config::ConfigText;

use crate::up::{
    ConfigOrigin, Daemon, DaemonSettings, LedgerSettings, QueueSettings, RemoteSettings,
};

/// See a fleet grow from zero, run a burst of real jobs and shrink to zero
#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// How many jobs
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u32).range(1..=2000))]
    jobs: u32,
    /// The cap on agents
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    max_agents: u32,
    /// Keep the page open after the summary, until Ctrl-C
    #[arg(long)]
    stay: bool,
}

/// Runs the demo to its end.
///
/// # Errors
/// The daemon could not be started, or a job was lost: then the demo has failed.
pub(crate) async fn run(args: DemoArgs) -> Result<ExitCode> {
    let scratch = tempfile::Builder::new().prefix("headcount-demo-").tempdir();
    let scratch = scratch.context("cannot make a directory for the demo's state")?;
    let daemon = Daemon::start(settings(&args, scratch.path())).await?;
    let seen = watch::until_over(&daemon, &args).await?;
    summary::print(&daemon, &args, &seen).await?;
    if args.stay {
        summary::stay(&daemon);
        tokio::signal::ctrl_c().await?;
    }
    daemon.stop_serving().await;
    Ok(if seen.lost() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn settings(args: &DemoArgs, scratch: &std::path::Path) -> DaemonSettings {
    let text = format!(
        "version: 1\nglobalMaxAgents: {max}\nscalers:\n  - name: demo\n    type: bare-metal\n    \
         maxAgents: {max}\n    labelSets:\n      - labels: [linux]\n",
        max = args.max_agents
    );
    DaemonSettings {
        config: ConfigOrigin::Text(ConfigText::new("demo.yaml", text)),
        state_dir: scratch.to_path_buf(),
        listen: ([127, 0, 0, 1], 0).into(),
        token: None,
        remote: RemoteSettings::default(),
        queue: QueueSettings::default(),
        machine_ledger: LedgerSettings::default(),
    }
}
