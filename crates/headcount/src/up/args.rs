//! What `up` can be told.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use headcount_config::{ConfigPaths, parse_duration};
use headcount_model::Secret;

use super::configuration::ConfigOrigin;
use super::daemon::DaemonSettings;
use super::state;

/// Where the API listens unless told otherwise.
pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:4870";

/// Run the daemon
#[derive(Args, Debug)]
pub(crate) struct UpArgs {
    /// The configuration file [env: HEADCOUNT_SCALER_CONFIG_PATH, KICI_SCALER_CONFIG_PATH]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A directory of further scalers [env: HEADCOUNT_SCALER_CONFIG_DIR, KICI_SCALER_CONFIG_DIR]
    #[arg(long, value_name = "DIR")]
    config_dir: Option<PathBuf>,
    /// Where the state file and the agents' directories live
    /// [default: /var/lib/headcount for root, else ~/.local/state/headcount]
    #[arg(long, value_name = "DIR", env = "HEADCOUNT_STATE_DIR")]
    state_dir: Option<PathBuf>,
    /// Where the API and the page listen; anything but loopback needs --token-file
    #[arg(long, value_name = "ADDRESS", default_value = DEFAULT_LISTEN, env = "HEADCOUNT_LISTEN")]
    listen: SocketAddr,
    /// On SIGTERM, how long running jobs may go on before the daemon ends; their agents
    /// stay and are found again
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    stop_timeout: Duration,
    /// Jobs that may wait at once
    #[arg(long, value_name = "N", default_value_t = headcount_source_queue::DEFAULT_MAX_DEPTH)]
    max_queue_depth: u64,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

impl UpArgs {
    pub(crate) const fn stop_timeout(&self) -> Duration {
        self.stop_timeout
    }

    /// The settings of the daemon; `token_file` is the global option.
    ///
    /// # Errors
    /// No configuration is named, or the token file cannot be read.
    pub(crate) fn settings(self, token_file: Option<PathBuf>) -> Result<DaemonSettings> {
        let from_env = ConfigPaths::from_environment(|name| std::env::var_os(name));
        let (env_main, env_dir) = from_env.map_or((None, None), |p| (Some(p.main), p.dir));
        let main = self.config.or(env_main).context(
            "no configuration: name a file with -c scalers.yaml or HEADCOUNT_SCALER_CONFIG_PATH",
        )?;
        let paths = ConfigPaths {
            main,
            dir: self.config_dir.or(env_dir),
        };
        Ok(DaemonSettings {
            config: ConfigOrigin::Files(paths),
            state_dir: state::choose(self.state_dir)?,
            listen: self.listen,
            token: token_file.map(read_token).transpose()?,
            max_queue_depth: self.max_queue_depth,
        })
    }
}

/// The first line of the file, which must not be empty.
fn read_token(path: PathBuf) -> Result<Secret> {
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read the token file `{}`", path.display()))?;
    let token = text.lines().next().unwrap_or_default().trim();
    anyhow::ensure!(
        !token.is_empty(),
        "the token file `{}` is empty; put one line with a secret into it",
        path.display()
    );
    Ok(Secret::new(token.to_owned()))
}
