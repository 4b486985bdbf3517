//! What the backend is told when it is built.

use std::collections::BTreeMap;
use std::time::Duration;

use headcount_model::{ClusterAddress, OwnerId};
use headcount_ports::agent_env::CallBack;

/// Everything the backend needs to know. Made by the binary, once for each cluster and
/// namespace.
#[derive(Clone, Debug)]
pub struct KubernetesOptions {
    /// Which cluster and namespace.
    pub cluster: ClusterAddress,
    /// Whose instances these are.
    pub owner: OwnerId,
    /// Where managed agents call back, unless their recipe says otherwise.
    pub call_back: CallBack,
    /// Given to managed agents: `HEADCOUNT_AGENT_ENV_*` with the prefix removed.
    pub forwarded: BTreeMap<String, String>,
    /// A `ConfigMap` in the namespace of the Jobs that owns them: with it they go. It must
    /// outlive the daemon's own pod.
    pub owned_by: Option<String>,
    /// How hard the API server is asked.
    pub pace: Pace,
}

/// Bounds on what one backend asks of an API server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// Requests that are begun in one second, at least 1.
    pub requests_per_second: u64,
    /// Requests that wait for an answer at once, at least 1.
    pub at_once: usize,
    /// Between two tries to reach a cluster that is away: the first, doubling.
    pub first_pause: Duration,
    /// The longest of these.
    pub longest_pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            requests_per_second: 50,
            at_once: 16,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(30),
        }
    }
}
