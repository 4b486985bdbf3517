//! What the backend is told when it is built, and why it may refuse.

use std::collections::BTreeMap;
use std::path::PathBuf;

use headcount_model::OwnerId;

use crate::cgroup::CgroupMode;

/// Output kept of one agent, in bytes, unless told otherwise.
pub const DEFAULT_OUTPUT_LIMIT: u64 = 1024 * 1024;

/// Everything the backend needs to know. Made by the binary, once.
#[derive(Clone, Debug)]
pub struct ProcessOptions {
    /// The daemon's state directory; agents live in `agents/<agent id>/` below it. The
    /// caller holds its lock: no other daemon uses it.
    pub state_dir: PathBuf,
    /// Whose instances these are.
    pub owner: OwnerId,
    /// The running binary: `<own_binary> agent` is our agent program, and
    /// `<own_binary> pump <dir> <limit>` runs [`pump::run`](crate::pump::run).
    pub own_binary: PathBuf,
    /// Where agents reach the daemon; see [`call_back_url`](crate::call_back_url).
    pub agent_url: String,
    /// Set for every agent: `HEADCOUNT_AGENT_ENV_*` with the prefix removed; see
    /// [`forwarded`](crate::forwarded).
    pub forwarded: BTreeMap<String, String>,
    /// The daemon's own environment; only the allow-list of it reaches agents.
    pub host_env: BTreeMap<String, String>,
    /// Output kept of one agent, in bytes, over two files of half of it each.
    pub output_limit: u64,
    /// How granted limits may be enforced.
    pub cgroups: CgroupMode,
}

/// Why the backend cannot be built. Show it and end; nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The directory of agents cannot be made or read.
    #[error(
        "cannot use the agent directory `{}`: {source}; it must be writable by the daemon",
        path.display()
    )]
    Directory {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `/proc` does not show processes, or hides what is needed.
    #[error("cannot read `{path}`: {source}; host processes need a mounted /proc")]
    Proc {
        /// Which file.
        path: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// No pidfds.
    #[error("cannot watch processes: {source}; host processes need Linux 5.3 or newer")]
    Kernel {
        /// What the system said.
        source: std::io::Error,
    },
    /// Not called inside a running tokio runtime.
    #[error("cannot watch processes: {source}")]
    Runtime {
        /// What tokio said.
        source: tokio::runtime::TryCurrentError,
    },
}
