//! The configuration as it is meant: checked, defaults applied, nothing about texts.
//!
//! Promise: whatever is here passed every check; a value of one backend stands only
//! where that backend is. Leaves to the lowering to a fleet what can be run by this version.

mod backend;
mod docker_machine;
mod kubernetes;
mod program;
mod queue;
mod readiness;
mod scaler;
mod secret;
mod source;

pub use backend::{
    Backend, Container, ContainerAgent, ContainerTemplate, Firecracker, FirecrackerTemplate,
    NetworkPolicy, PullPolicy, Template,
};
pub use docker_machine::{DockerMachine, DockerMachineTemplate, MachineOption, SecretVariable};
pub use headcount_model::{IdleCompat, IdleRule, IdleScale, Schedule};
pub use kubernetes::{
    Kubernetes, KubernetesAgent, KubernetesTemplate, Propagation, RolloutStrategy,
};
pub use program::{Program, ProgramTemplate};
pub use queue::{
    Combine, Compat, CronWindow, Level, Queue, RedisServer, RedisServers, RedisTls, Strategy,
    StreamMeasure, Trigger, TriggerKind,
};
pub use readiness::{IdlePolicy, Readiness, WarmPool};
pub use scaler::{LabelSet, Scaler};
pub use secret::{ManifestPlace, SecretFrom, SecretRef, TomlPlace};
pub use source::Source;

use std::net::Ipv4Addr;

use headcount_model::{Cap, Layer};

/// Cap on agents over all scalers where the file names none.
pub const DEFAULT_GLOBAL_MAX_AGENTS: u32 = 50;

/// Everything that the files say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Cap on agents over all scalers, above zero.
    pub global_max_agents: u32,
    /// Cap on jobs that agents have at once, above zero; `None` is without end.
    pub global_max_jobs: Option<u32>,
    /// Cap on summed requests over all scalers.
    pub global_resource_cap: Cap,
    /// Budgets that daemons of one machine share; names are unique.
    pub machine_pools: Vec<MachinePool>,
    /// Where jobs come from besides the built-in queue; names are unique.
    pub sources: Vec<Source>,
    /// The lowest layer of resources.
    pub default_resources: Layer,
    /// The network that microVMs share.
    pub firecracker: FirecrackerNetwork,
    /// Main file first, then drop-ins by name; names are unique in either case.
    pub scalers: Vec<Scaler>,
}

/// A budget that daemons of one machine share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MachinePool {
    /// Its name.
    pub name: String,
    /// Cap on the summed requests of all members.
    pub cap: Cap,
}

/// The network that microVMs share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FirecrackerNetwork {
    /// Address and prefix length of the network of agents.
    pub cidr: (Ipv4Addr, u8),
    /// The bridge on the host, at most 15 bytes.
    pub bridge_name: String,
    /// The bridge's address.
    pub gateway: Ipv4Addr,
    /// What agents are told of the network's size.
    pub netmask: Ipv4Addr,
    /// The firewall table.
    pub table: String,
}

impl Default for FirecrackerNetwork {
    fn default() -> Self {
        Self {
            cidr: (Ipv4Addr::new(10, 0, 0, 0), 24),
            bridge_name: "kici-br0".to_owned(),
            gateway: Ipv4Addr::new(10, 0, 0, 1),
            netmask: Ipv4Addr::new(255, 255, 255, 0),
            table: "kici".to_owned(),
        }
    }
}
