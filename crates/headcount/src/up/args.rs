//! What `up` can be told.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};
use headcount_config::parse_duration;
use headcount_machine_pools::{LONGEST_LEASE, SHORTEST_LEASE};
use headcount_model::Shutdown;
use headcount_ports::agent_env::check_url;

use super::configuration::ConfigOrigin;
use super::daemon::DaemonSettings;
use super::machine_pools::LedgerSettings;
use super::queue::QueueSettings;
use super::remote_agents::{CertificateFiles, RemoteSettings};
use super::stop::Ending;
use super::{kici, state};
use crate::cli::ConfigArgs;
use crate::client::read_token;

/// Where the API listens unless told otherwise.
pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:4870";

/// Run the daemon
#[derive(Args, Debug)]
pub(crate) struct UpArgs {
    /// Which configuration.
    #[command(flatten)]
    config: ConfigArgs,
    /// Where the state file and the agents' directories live
    /// [default: /var/lib/headcount for root, else ~/.local/state/headcount]
    #[arg(long, value_name = "DIR", env = "HEADCOUNT_STATE_DIR")]
    state_dir: Option<PathBuf>,
    /// Where the API and the page listen; anything but loopback needs --token-file
    #[arg(long, value_name = "ADDRESS", default_value = DEFAULT_LISTEN, env = "HEADCOUNT_LISTEN")]
    listen: SocketAddr,
    /// Where agents of other machines are awaited, with TLS; unset awaits none
    #[arg(long, value_name = "ADDRESS", env = "HEADCOUNT_AGENT_LISTEN")]
    agent_listen: Option<SocketAddr>,
    /// Under which URL they reach it, `wss://HOST:PORT`; needed where it listens on every
    /// address [default: the address of --agent-listen]
    #[arg(long, value_name = "URL", value_parser = agent_url)]
    agent_url: Option<String>,
    /// The certificate they are shown, then those that signed it (PEM); read again at each
    /// reload [default: one of the daemon's own, whose key it keeps with its state]
    #[arg(long, value_name = "FILE", env = "HEADCOUNT_AGENT_CERT", requires_all = ["agent_listen", "agent_key"])]
    agent_cert: Option<PathBuf>,
    /// The key of --agent-cert (PEM)
    #[arg(
        long,
        value_name = "FILE",
        env = "HEADCOUNT_AGENT_KEY",
        requires = "agent_cert"
    )]
    agent_key: Option<PathBuf>,
    /// The authorities that agents trust (PEM), so that renewed certificates are trusted too
    /// [default: the last of --agent-cert]
    #[arg(
        long,
        value_name = "FILE",
        env = "HEADCOUNT_AGENT_CA",
        requires = "agent_cert"
    )]
    agent_ca: Option<PathBuf>,
    /// What becomes of agents when the daemon ends: they stay and are found again by the
    /// next one; or those without a job leave, the others once theirs has ended; or, once
    /// the time for that is over, all are destroyed, jobs and workers with them
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        default_value_t,
        env = "HEADCOUNT_STOP_AGENTS"
    )]
    stop_agents: StopAgents,
    /// On SIGTERM, how long running jobs may go on, and agents may take to leave, before the
    /// daemon ends; agents that are still there stay and are found again
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    stop_timeout: Duration,
    /// With `--stop-agents destroy`: how long destroying may take after that; what is not
    /// gone by then is found again and destroyed after the next start
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = duration)]
    stop_destroy_timeout: Duration,
    /// Jobs that may wait at once; more are refused [default: what KICI_QUEUE_MAX_DEPTH
    /// says, else 1000000]
    #[arg(long, value_name = "N", env = "HEADCOUNT_MAX_QUEUE_DEPTH")]
    max_queue_depth: Option<u64>,
    /// When so many jobs wait for 5 seconds it is told: in the log, as an event, in a
    /// metric; 0 for never [default: what KICI_QUEUE_BACKPRESSURE_THRESHOLD says, else 100]
    #[arg(long, value_name = "N", env = "HEADCOUNT_QUEUE_WARNING_DEPTH")]
    queue_warning_depth: Option<u64>,
    /// How long a job may wait that does not say so itself, `0s` for ever; then it expires
    /// [default: what KICI_QUEUE_TIMEOUT_MS says, else 1d]
    #[arg(long, value_name = "DURATION", value_parser = duration, env = "HEADCOUNT_QUEUE_TIMEOUT")]
    queue_timeout: Option<Duration>,
    /// Where daemons of this host keep the ledger of their machine pools; all that share
    /// one must name the same [default: the first that can be written to of
    /// /var/lib/headcount/machine-pools, the user's state directory, the temporary one]
    #[arg(long, value_name = "DIR", env = "HEADCOUNT_MACHINE_LEDGER_DIR")]
    machine_ledger_dir: Option<PathBuf>,
    /// How long room in machine pools stays taken after this daemon has died, from 1s to 60s
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = lease)]
    machine_ledger_lease: Duration,
}

/// What becomes of agents when the daemon ends.
#[derive(ValueEnum, Clone, Copy, Debug, Default)]
enum StopAgents {
    /// They stay.
    #[default]
    Leave,
    /// They leave once they have no job.
    Drain,
    /// They leave, or are destroyed.
    Destroy,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

fn agent_url(text: &str) -> Result<String, String> {
    check_url(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

fn lease(text: &str) -> Result<Duration, String> {
    let lease = duration(text)?;
    if (SHORTEST_LEASE..=LONGEST_LEASE).contains(&lease) {
        return Ok(lease);
    }
    Err("it must be from 1s to 60s, so that daemons can tell who is dead".to_owned())
}

impl UpArgs {
    /// How the daemon ends.
    pub(crate) const fn ending(&self) -> Ending {
        Ending {
            agents: match self.stop_agents {
                StopAgents::Leave => Shutdown::Leave,
                StopAgents::Drain => Shutdown::Drain,
                StopAgents::Destroy => Shutdown::Destroy,
            },
            patience: self.stop_timeout,
            destroy_within: self.stop_destroy_timeout,
        }
    }

    /// The settings of the daemon; `token_file` is the global option.
    ///
    /// # Errors
    /// No configuration is named, the token file cannot be read, or a variable of the queue
    /// is not a number.
    pub(crate) fn settings(self, token_file: Option<PathBuf>) -> Result<DaemonSettings> {
        Ok(DaemonSettings {
            config: ConfigOrigin::Files(self.config.paths()?),
            state_dir: state::choose(self.state_dir)?,
            listen: self.listen,
            token: read_token(token_file.as_deref())?,
            remote: RemoteSettings {
                listen: self.agent_listen,
                url: self.agent_url,
                files: self
                    .agent_cert
                    .zip(self.agent_key)
                    .map(|(chain, key)| CertificateFiles {
                        chain,
                        key,
                        authorities: self.agent_ca,
                    }),
            },
            queue: queue(
                self.max_queue_depth,
                self.queue_warning_depth,
                self.queue_timeout,
            )?,
            machine_ledger: LedgerSettings {
                dir: self.machine_ledger_dir,
                lease: self.machine_ledger_lease,
            },
        })
    }
}

/// What was said of the queue, else what the environment of KiCI says, else the default.
fn queue(
    max_depth: Option<u64>,
    warning_depth: Option<u64>,
    timeout: Option<Duration>,
) -> Result<QueueSettings> {
    let get = |name: &str| std::env::var_os(name);
    let default = QueueSettings::default();
    let timeout = match timeout {
        None => kici::queue_timeout(get)?,
        said => said,
    };
    let max_depth = match max_depth {
        None => kici::queue_max_depth(get)?,
        said => said,
    };
    let warning_depth = match warning_depth {
        None => kici::queue_warning_depth(get)?,
        said => said,
    };
    Ok(QueueSettings {
        max_depth: max_depth.unwrap_or(default.max_depth),
        warning_depth: warning_depth.map_or(default.warning_depth, NonZeroU64::new),
        expiry: match timeout {
            None => default.expiry,
            Some(Duration::ZERO) => None,
            said => said,
        },
    })
}
