//! What went wrong, by what the caller should do.

use std::net::IpAddr;

use headcount_model::AgentId;

/// Why the rules were not changed or not read. None of these ever leaves an agent with
/// more than it was allowed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NetworkError {
    /// The operator installs a program, or turns isolation off.
    #[error(
        "the program `{program}` is missing: install nftables (on Debian `apt-get install \
         nftables`), or write `networkIsolation: false` to run agents without a network policy"
    )]
    Missing {
        /// What was looked for.
        program: String,
    },
    /// The operator grants a capability, or turns isolation off.
    #[error(
        "nftables may not be changed (`{said}`): give the daemon CAP_NET_ADMIN, or write \
         `networkIsolation: false` to run agents without a network policy"
    )]
    Permission {
        /// What the program said.
        said: String,
    },
    /// The operator changes the kernel's settings, or turns isolation off.
    #[error(
        "agents on bridge `{bridge}` cannot be kept apart: the kernel does not match bridges in \
         nftables (`{said}`), and packets between its ports do not pass the firewall; load the \
         module nft_meta_bridge, or set net.bridge.bridge-nf-call-iptables and \
         net.bridge.bridge-nf-call-ip6tables to 1, or write `networkIsolation: false`"
    )]
    NotApart {
        /// The agents' bridge.
        bridge: String,
        /// What the program said.
        said: String,
    },
    /// Fix the request: the same again cannot help.
    #[error("{0}")]
    Invalid(String),
    /// Pick another address.
    #[error("the address {address} belongs to agent {agent} already")]
    Taken {
        /// The address asked for.
        address: IpAddr,
        /// Who holds it.
        agent: AgentId,
    },
    /// Open the table again and admit every agent again: until then the bridge is not
    /// filtered.
    #[error(
        "the nftables table `{table}` is gone: somebody removed it, as `nft flush ruleset` or \
         reloading the nftables service does"
    )]
    Gone {
        /// The table's name.
        table: String,
    },
    /// Withdraw the agents first.
    #[error("the nftables table `{table}` still holds back {n_agents} agents")]
    InUse {
        /// The table's name.
        table: String,
        /// How many agents are admitted.
        n_agents: usize,
    },
    /// A defect, or a kernel or table that does not fit: nothing was changed.
    #[error("nftables refused the rules: {said}")]
    Refused {
        /// What the program said.
        said: String,
    },
    /// What the kernel answered is not understood; it says nothing about who is admitted.
    #[error("the nftables table `{table}` holds what headcount did not write: {what}")]
    Unreadable {
        /// The table's name.
        table: String,
        /// What is there.
        what: String,
    },
    /// Try again later: nothing was changed.
    #[error("nftables could not be reached: {0}")]
    Transient(String),
    /// The change may have happened: ask for it again, or read back.
    #[error("outcome unknown: `nft` did not end within {seconds} seconds")]
    Unknown {
        /// How long it was waited for.
        seconds: u64,
    },
}
