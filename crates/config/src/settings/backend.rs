//! What only some backends know.

pub use headcount_model::PullPolicy;
use headcount_model::{Cidr, EngineKind, ProcessProgram};

use super::{
    DockerMachine, DockerMachineTemplate, Kubernetes, KubernetesAgent, KubernetesTemplate, Program,
    ProgramTemplate,
};

/// Where the agents of a scaler live.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Backend {
    /// Processes of this host.
    BareMetal {
        /// Whether limits are enforced with cgroups.
        enforce_cgroups: bool,
    },
    /// Containers of a Docker or Podman engine.
    Container(Container),
    /// Firecracker microVMs of this host.
    Firecracker(Firecracker),
    /// Jobs of a Kubernetes cluster.
    Kubernetes(Kubernetes),
    /// Machines that a program of the user makes.
    Program(Program),
    /// Machines that `docker-machine` makes.
    DockerMachine(DockerMachine),
}

impl Backend {
    /// The word of the file.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::BareMetal { .. } => "bare-metal",
            Self::Container(_) => "container",
            Self::Firecracker(_) => "firecracker",
            Self::Kubernetes(_) => "kubernetes",
            Self::Program(_) => "program",
            Self::DockerMachine(_) => "docker-machine",
        }
    }
}

/// A container engine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Container {
    /// A remote engine; unset is a local one.
    pub host: Option<String>,
    /// The socket of a local engine; unset is detected.
    pub socket_path: Option<String>,
    /// Which engine.
    pub runtime: EngineKind,
    /// `name:ip` or `name:host-gateway`, passed through.
    pub extra_hosts: Vec<String>,
    /// Whether agents get a network of their own.
    pub network_isolation: bool,
}

/// Firecracker and what its microVMs have in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Firecracker {
    /// The hypervisor.
    pub firecracker_path: String,
    /// The jailer.
    pub jailer_path: String,
    /// The kernel of agents.
    pub kernel_path: String,
    /// The user that microVMs run as.
    pub uid: u32,
    /// The group that microVMs run as.
    pub gid: u32,
    /// Where the jailer keeps its directories.
    pub chroot_base_dir: String,
    /// Virtual CPUs of an agent.
    pub vcpu_count: u32,
    /// Memory of an agent, in MiB.
    pub mem_size_mib: u32,
    /// Whether privileged commands go through `sudo -n`.
    pub require_sudo: bool,
}

/// What the agents of a label set are made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Template {
    /// A process of this host.
    BareMetal(ProcessProgram),
    /// A container.
    Container(ContainerTemplate),
    /// A microVM.
    Firecracker(FirecrackerTemplate),
    /// A Job of a Kubernetes cluster.
    Kubernetes(KubernetesTemplate),
    /// A machine that a program of the user makes.
    Program(ProgramTemplate),
    /// A machine that `docker-machine` makes.
    DockerMachine(DockerMachineTemplate),
}

impl Template {
    /// Whether its program finds its work by itself.
    #[must_use]
    pub const fn is_worker(&self) -> bool {
        match self {
            Self::BareMetal(program) => matches!(program, ProcessProgram::Worker(_)),
            Self::Container(template) => matches!(template.agent, ContainerAgent::Worker(_)),
            Self::Firecracker(_) | Self::Program(_) | Self::DockerMachine(_) => false,
            Self::Kubernetes(template) => matches!(template.agent, KubernetesAgent::Nobody),
        }
    }
}

/// What a container is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContainerTemplate {
    /// The image.
    pub image: String,
    /// When it is fetched.
    pub image_pull_policy: PullPolicy,
    /// Who runs jobs in it.
    pub agent: ContainerAgent,
    /// Binds, `source:target[:options]`, passed through.
    pub volumes: Vec<String>,
    /// Whether agents get the engine's socket, and with it the whole host.
    pub container_socket: bool,
    /// What agents may reach.
    pub network_policy: Option<NetworkPolicy>,
}

/// Who runs jobs in a container.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum ContainerAgent {
    /// This program's own agent, mounted into the image.
    #[default]
    Mounted,
    /// The image's own.
    Image,
    /// Nobody: this program finds its work by itself. Empty is the image's own program.
    Worker(Vec<String>),
}

/// What a microVM is made of; `None` is what the scaler says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FirecrackerTemplate {
    /// The ext4 image.
    pub rootfs_path: String,
    /// The kernel.
    pub kernel_path: Option<String>,
    /// Virtual CPUs.
    pub vcpu_count: Option<u32>,
    /// Memory, in MiB.
    pub mem_size_mib: Option<u32>,
    /// The writable disk, in MiB.
    pub overlay_drive_size_mib: u32,
    /// What agents may reach.
    pub network_policy: Option<NetworkPolicy>,
}

/// What agents may reach.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NetworkPolicy {
    /// Networks that may be reached in any case. `None` where the file has no list, which
    /// is not the same as an empty one to a reader.
    pub allowlist: Option<Vec<Cidr>>,
    /// Whether everything else is denied.
    pub deny_all: bool,
}
