//! The top level.

use super::shapes::{AGENT_NETWORK, IPV4, NAME, TEXT};
use super::{Cap, Resources, Scaler, Source};
use crate::read::{List, Nested, Text, default, integer, object, optional, required};
use crate::source::Spanned;
use crate::suggest::quoted;
use crate::value::ValueError;

object! {
    /// The file as a whole. Only `scalers` is taken from the files of a drop-in directory.
    Top, "the main file" {
        /// The version of the format: 1.
        version: u32 = "version", integer::<u32>(1..=1), required();
        /// Cap on agents over all scalers.
        global_max_agents: u32 = "globalMaxAgents", integer(1..=i64::from(u32::MAX)),
            default("50");
        /// Cap on the jobs that agents have at once, over all scalers.
        global_max_jobs: u32 = "globalMaxJobs", integer(1..=i64::from(u32::MAX)),
            default("no limit");
        /// Cap on the summed requests of the agents of all scalers.
        global_resource_cap: Cap = "globalResourceCap", Nested::<Cap>::NEW,
            default("no limit");
        /// Budgets that several daemons of one machine share.
        machine_pools: Vec<Spanned<MachinePool>> = "machinePools", List {
            of: Nested::<MachinePool>::NEW, filled: false,
        }, default("none");
        /// What holds where a label set says nothing.
        defaults: Defaults = "defaults", Nested::<Defaults>::NEW, default("nothing");
        /// Who makes agents. May be empty; may be left to drop-in files.
        scalers: Vec<Spanned<Scaler>> = "scalers", List {
            of: Nested::<Scaler>::NEW, filled: false,
        }, optional();
        /// The network that microVMs share.
        firecracker: Firecracker = "firecracker", Nested::<Firecracker>::NEW,
            default("its defaults");
        /// Where jobs come from, besides the built-in queue. A change holds from the next
        /// start.
        sources: Vec<Spanned<Source>> = "sources", List {
            of: Nested::<Source>::NEW, filled: false,
        }, default("none");
    }
}

object! {
    /// A file of the drop-in directory: more scalers.
    DropIn, "a drop-in file" {
        /// The version of the format, if it is written: 1.
        version: u32 = "version", integer::<u32>(1..=1), optional();
        /// More entries of `scalers`, after those of the main file.
        scalers: Vec<Spanned<Scaler>> = "scalers", List {
            of: Nested::<Scaler>::NEW, filled: false,
        }, required();
    }
}

object! {
    /// A budget that several daemons of one machine share.
    MachinePool, "a machine pool" {
        /// Its name, which scalers refer to. Unique.
        name: String = "name", NAME, required();
        /// Cap on the summed requests of all its members.
        cap: Cap = "cap", Nested::<Cap>::NEW, required();
    }
}

object! {
    /// What holds where a label set says nothing.
    Defaults, "`defaults`" {
        /// The lowest layer of every agent's resources.
        resources: Resources = "resources", Nested::<Resources>::NEW, default("nothing");
    }
}

object! {
    /// The network that microVMs share.
    Firecracker, "`firecracker`" {
        /// The addresses of agents.
        cidr: String = "cidr", AGENT_NETWORK, default("10.0.0.0/24");
        /// The bridge on the host.
        bridge_name: String = "bridgeName", INTERFACE, default("kici-br0");
        /// The address of the bridge.
        gateway: String = "gateway", IPV4, default("10.0.0.1");
        /// What agents are told of the network's size.
        netmask: String = "netmask", IPV4, default("255.255.255.0");
        /// The firewall table.
        table: String = "table", TEXT, default("kici");
    }
}

/// The kernel takes no longer names of interfaces.
const INTERFACE: Text = Text {
    words: "name of a network interface, at most 15 bytes",
    check: |text| {
        let usual = |b: u8| b.is_ascii_graphic() && !matches!(b, b'/' | b':');
        let special = matches!(text, "." | "..");
        match (1..=15).contains(&text.len()) && text.bytes().all(usual) && !special {
            true => Ok(()),
            false => Err(ValueError::new(
                format!("{} cannot name a network interface", quoted(text)),
                "write 1 to 15 letters and digits, for example `kici-br0`",
            )),
        }
    },
    pattern: Some("^[!-~]{1,15}$"),
};
