//! The rules as text for `nft`, each script one transaction of the kernel.
//!
//! Promise: pure, and the same input gives the same text. Texts need no quoting: names
//! have been checked (`place`), the rest are addresses and numbers.
//!
//! Written in nft's own language rather than as JSON, so that a reviewer reads here what
//! an operator reads in `nft list table`.

use std::fmt::{Display, Write as _};
use std::net::IpAddr;

use headcount_model::{AgentId, Cidr};

use crate::blocked::default_block;
use crate::place::Place;
use crate::{Addresses, Admission};

/// The two maps from an agent's address to its chain.
pub(crate) const AGENT_MAPS: [&str; 2] = ["agents4", "agents6"];

/// What holds agents of one bridge apart below the IP layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Apart {
    /// A bridge table of ours.
    ByBridgeTable,
    /// The kernel hands bridged packets to the forward chain, which drops them.
    ByForwardChain,
}

/// Sets, maps and chains that do not belong to one agent, made anew whatever was there;
/// maps of agents and agents' own chains are kept.
pub(crate) fn base(place: &Place, apart: Apart) -> String {
    let mut script = Script::new(place);
    script.base_sets();
    script.base_chains();
    script.base_rules();
    if apart == Apart::ByBridgeTable {
        script.bridge_table();
    }
    script.text
}

/// Admits an agent, in place of what it was `before`.
pub(crate) fn admit(
    place: &Place,
    agent: AgentId,
    admission: &Admission,
    before: Option<&Addresses>,
) -> String {
    let mut script = Script::new(place);
    script.drop_addresses(before.into_iter().flat_map(Addresses::iter));
    script.command("add chain", agent, "");
    script.command("flush chain", agent, "");
    script.agent_rules(agent, admission);
    for address in admission.addresses.iter() {
        let family = family(address);
        script.element("add", "agents", family, format!("{address} : jump {agent}"));
        if !admission.policy.deny_all {
            script.element("add", "open", family, address);
        }
    }
    script.text
}

/// Forgets an agent and everything it was allowed.
pub(crate) fn withdraw(place: &Place, agent: AgentId, addresses: &Addresses) -> String {
    let mut script = Script::new(place);
    script.drop_addresses(addresses.iter());
    script.command("flush chain", agent, "");
    script.command("delete chain", agent, "");
    script.text
}

/// Removes the tables, whether or not they are there.
pub(crate) fn remove(place: &Place, apart: Apart) -> String {
    let mut script = Script::new(place);
    let families: &[&str] = match apart {
        Apart::ByBridgeTable => &["inet", "bridge"],
        Apart::ByForwardChain => &["inet"],
    };
    for family in families {
        script.line(format_args!("add table {family} {}", place.table));
        script.line(format_args!("delete table {family} {}", place.table));
    }
    script.text
}

/// Asks for the table: one look at both maps of agents. (Asking for the two maps alone
/// would be two looks: nft 1.0.6 finds only the last of several in one run.)
pub(crate) fn list(place: &Place) -> String {
    format!("list table inet {}", place.table)
}

struct Script<'a> {
    place: &'a Place,
    text: String,
}

impl<'a> Script<'a> {
    const fn new(place: &'a Place) -> Self {
        Self {
            place,
            text: String::new(),
        }
    }

    fn base_sets(&mut self) {
        self.line(format_args!("add table inet {}", self.place.table));
        for (family, kind) in [(4, "ipv4_addr"), (6, "ipv6_addr")] {
            let interval = format!("{{ type {kind}; flags interval; }}");
            self.command("add set", format_args!("blocked{family}"), interval);
            self.command("flush set", format_args!("blocked{family}"), "");
            let plain = format!("{{ type {kind}; }}");
            self.command("add set", format_args!("open{family}"), plain);
            let verdicts = format!("{{ type {kind} : verdict; }}");
            self.command("add map", format_args!("agents{family}"), verdicts);
        }
        for range in default_block() {
            self.element("add", "blocked", family(range.network()), range);
        }
    }

    fn base_chains(&mut self) {
        for hook in ["forward", "input"] {
            let base = format!("{{ type filter hook {hook} priority filter; policy accept; }}");
            self.command("add chain", hook, base);
        }
        for chain in ["from-agents", "to-agents", "to-host"] {
            self.command("add chain", chain, "");
        }
        for chain in ["forward", "input", "from-agents", "to-agents", "to-host"] {
            self.command("flush chain", chain, "");
        }
    }

    fn base_rules(&mut self) {
        let bridge = &self.place.bridge;
        self.rule("forward", format!("iifname \"{bridge}\" goto from-agents"));
        self.rule("forward", format!("oifname \"{bridge}\" goto to-agents"));
        self.rule("input", format!("iifname \"{bridge}\" goto to-host"));
        // Other agents, before anything that a policy could allow.
        self.rule("from-agents", format!("oifname \"{bridge}\" drop"));
        self.ask_agent("from-agents");
        self.rule("from-agents", "ip daddr @blocked4 drop");
        self.rule("from-agents", "ip6 daddr @blocked6 drop");
        self.rule("from-agents", "ip saddr @open4 accept");
        self.rule("from-agents", "ip6 saddr @open6 accept");
        self.rule("from-agents", "drop");
        self.rule("to-agents", "ct state established,related accept");
        self.rule("to-agents", "drop");
        // Finding the gateway's link address: IPv6 does it with packets of its own.
        let neighbours = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }";
        self.rule("to-host", format!("{neighbours} ip6 hoplimit 255 accept"));
        self.ask_agent("to-host");
        self.rule("to-host", "drop");
    }

    /// The agent's own chain accepts or comes back; who is not admitted has none.
    fn ask_agent(&mut self, chain: &str) {
        self.rule(chain, "ip saddr vmap @agents4");
        self.rule(chain, "ip6 saddr vmap @agents6");
    }

    fn bridge_table(&mut self) {
        let Place { table, bridge } = self.place;
        let hook = "{ type filter hook forward priority filter; policy accept; }";
        self.line(format_args!("add table bridge {table}"));
        self.line(format_args!("add chain bridge {table} forward {hook}"));
        self.line(format_args!("flush chain bridge {table} forward"));
        let rule = format_args!("add rule bridge {table} forward meta ibrname \"{bridge}\" drop");
        self.line(rule);
    }

    fn agent_rules(&mut self, agent: AgentId, admission: &Admission) {
        for service in &admission.services {
            let to = destination(service.ip());
            self.rule(agent, format!("{to} tcp dport {} accept", service.port()));
        }
        if !admission.policy.deny_all {
            for resolver in &admission.resolvers {
                let to = destination(*resolver);
                let port = "meta l4proto { tcp, udp } th dport 53";
                self.rule(agent, format!("{to} {port} accept"));
            }
        }
        for range in &admission.policy.allow {
            self.rule(agent, format!("{} accept", inside(range)));
        }
    }

    /// An address may be open or not: adding it first makes removing it always right.
    fn drop_addresses(&mut self, addresses: impl Iterator<Item = IpAddr>) {
        for address in addresses {
            let family = family(address);
            self.element("delete", "agents", family, address);
            self.element("add", "open", family, address);
            self.element("delete", "open", family, address);
        }
    }

    fn element(&mut self, verb: &str, set: &str, family: u8, element: impl Display) {
        let verb = format!("{verb} element");
        self.command(
            &verb,
            format_args!("{set}{family}"),
            format_args!("{{ {element} }}"),
        );
    }

    fn rule(&mut self, chain: impl Display, rule: impl Display) {
        self.command("add rule", chain, rule);
    }

    fn command(&mut self, verb: &str, name: impl Display, rest: impl Display) {
        let table = &self.place.table;
        let line = format!("{verb} inet {table} {name} {rest}");
        self.line(line.trim_end());
    }

    fn line(&mut self, line: impl Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{line}");
    }
}

const fn family(address: IpAddr) -> u8 {
    if address.is_ipv4() { 4 } else { 6 }
}

fn destination(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("ip daddr {address}"),
        IpAddr::V6(address) => format!("ip6 daddr {address}"),
    }
}

fn inside(range: &Cidr) -> String {
    match (range.network(), range.prefix()) {
        (IpAddr::V4(_), 0) => "meta nfproto ipv4".to_owned(),
        (IpAddr::V6(_), 0) => "meta nfproto ipv6".to_owned(),
        (IpAddr::V4(_), _) => format!("ip daddr {range}"),
        (IpAddr::V6(_), _) => format!("ip6 daddr {range}"),
    }
}

#[cfg(test)]
mod tests;
