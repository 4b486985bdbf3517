//! What the backend is told when it is built.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use headcount_model::{AgentId, OwnerId, PoolName, ProvisionerAddress};
use headcount_ports::agent_env::CallBack;

/// Everything the backend needs to know. Made by the binary, once for each provisioner.
#[derive(Clone, Debug)]
pub struct ProgramOptions {
    /// Which program.
    pub provisioner: ProvisionerAddress,
    /// Whose instances these are.
    pub owner: OwnerId,
    /// Where creations that are under way are noted, for a daemon after this one; `None` for
    /// who is followed by nobody.
    pub state_dir: Option<PathBuf>,
    /// The daemon's own environment; only what the contract and the provisioner's allow-list
    /// name reaches the program.
    pub host_env: BTreeMap<String, String>,
    /// Where agents of other machines reach the daemon, unless their recipe says otherwise.
    pub call_back: CallBack,
    /// Where agents of this host reach it. Told to machines of a daemon that awaits nobody
    /// from elsewhere: they can only be processes and containers of this host.
    pub own_url: Option<String>,
    /// Set for every agent: `HEADCOUNT_AGENT_ENV_*` with the prefix removed.
    pub forwarded: BTreeMap<String, String>,
    /// Agents that the ledger knows here. They count as present until absence is confirmed.
    pub known: Vec<(AgentId, PoolName)>,
    /// Pools that are configured here, with their recipe's options. GARM's contract lists one
    /// pool at a time, so what is left of a pool that neither this nor the ledger names is
    /// not found.
    pub pools: BTreeMap<PoolName, String>,
    /// How often and how long.
    pub pace: Pace,
}

/// How often the program is called, and how long each call may take.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Creations at once, as many as the controller asks a backend for.
    pub creations: usize,
    /// Other calls at once: destroys and statuses, which wait for no creation. Renewals and
    /// lists are beside them, one of each at most (with GARM's contract a list is a few calls:
    /// one for each pool, eight at once).
    pub calls: usize,
    /// How long a creation waits for others that one call can ask for as well.
    pub gather: Duration,
    /// For a list, all of its calls together; the planner waits 30 s.
    pub list: Duration,
    /// For a status.
    pub status: Duration,
    /// For a renewal of leases, but never longer than a third of one.
    pub renew: Duration,
    /// For a destroy, on top of the grace.
    pub destroy: Duration,
    /// Between the two looks that confirm an absence.
    pub confirm: Duration,
    /// For how long lists must lack a machine that nobody has shown since it was asked for,
    /// where the program cannot be asked for it by name (GARM's contract): clouds list what
    /// was made only after a while.
    pub settle: Duration,
    /// Between two looks at machines while there are any; nobody tells of a death.
    pub watch: Duration,
    /// How long a machine that is told to go may take to be gone.
    pub gone: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            creations: 64,
            calls: 64,
            gather: Duration::from_millis(20),
            list: Duration::from_secs(25),
            status: Duration::from_secs(25),
            renew: Duration::from_secs(25),
            destroy: Duration::from_secs(120),
            confirm: Duration::from_secs(3),
            settle: Duration::from_secs(120),
            watch: Duration::from_secs(30),
            gone: Duration::from_secs(300),
        }
    }
}
