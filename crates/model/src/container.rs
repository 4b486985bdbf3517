//! What a container engine is told to make, and where that engine is.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::{BackendId, NetworkPolicy};

/// One container: what runs in it, and what it may have of the host and the network.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ContainerRecipe {
    /// Who makes it.
    pub engine: EngineAddress,
    /// The image, as written.
    pub image: String,
    /// When the image is fetched.
    pub pull: PullPolicy,
    /// What runs in it.
    pub program: ContainerProgram,
    /// Set in it on top of what is forwarded to every agent.
    pub env: BTreeMap<String, String>,
    /// Binds, `source:target[:options]`, passed through.
    pub volumes: Vec<String>,
    /// Whether it gets the engine's socket, and with it the engine's host.
    pub engine_socket: bool,
    /// `name:ip` or `name:host-gateway`, passed through.
    pub extra_hosts: Vec<String>,
    /// What it may reach.
    pub network: ContainerNetwork,
}

/// What runs in a container.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ContainerProgram {
    /// The running binary's own `agent` command, mounted into the image.
    OwnAgent,
    /// The image's own agent, started as the image says.
    ImageAgent {
        /// Where it calls back; `None` is what the daemon's environment says.
        orchestrator_url: Option<String>,
    },
    /// A worker: program and arguments, run as they are; empty is the image's own program.
    Worker(Vec<String>),
}

/// When an image is fetched.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum PullPolicy {
    /// For every agent.
    #[default]
    Always,
    /// When the engine does not have it.
    IfNotPresent,
    /// Never.
    Never,
}

/// What a container may reach.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ContainerNetwork {
    /// The engine's default network, without rules.
    Open,
    /// A network of this daemon's agents, behind these rules.
    Isolated(NetworkPolicy),
}

/// Which container engine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum EngineKind {
    /// The first that is found.
    #[default]
    Any,
    /// Docker.
    Docker,
    /// Podman.
    Podman,
}

/// Where a container engine is. Each is a backend of its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EngineAddress {
    /// The one of this host: the first of this kind that has a socket.
    Detected(EngineKind),
    /// One of this host, by the path of its socket.
    Socket(String),
    /// Another host's, as written: `tcp://host:port`.
    Remote(String),
}

/// What every container backend's id starts with.
const BACKEND: &str = "container";

impl EngineAddress {
    /// The backend that speaks to it: `container` for whichever is detected, otherwise
    /// `container:docker`, `container:/path` or `container:tcp://host:port`.
    #[must_use]
    pub fn backend_id(&self) -> BackendId {
        let place = match self {
            Self::Detected(EngineKind::Any) => return BackendId::new(BACKEND),
            Self::Detected(EngineKind::Docker) => "docker",
            Self::Detected(EngineKind::Podman) => "podman",
            Self::Socket(path) => path,
            Self::Remote(host) => host,
        };
        BackendId::new(&format!("{BACKEND}:{place}"))
    }

    /// The engine of a backend whose configuration may be gone; `None` for other backends.
    #[must_use]
    pub fn of_backend(id: &BackendId) -> Option<Self> {
        let rest = id.as_str().strip_prefix(BACKEND)?;
        if rest.is_empty() {
            return Some(Self::Detected(EngineKind::Any));
        }
        match rest.strip_prefix(':')? {
            "docker" => Some(Self::Detected(EngineKind::Docker)),
            "podman" => Some(Self::Detected(EngineKind::Podman)),
            "" => None,
            path if path.starts_with('/') => Some(Self::Socket(path.into())),
            host => Some(Self::Remote(host.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backends_id_says_where_its_engine_is() {
        for (address, id) in [
            (EngineAddress::Detected(EngineKind::Any), "container"),
            (
                EngineAddress::Detected(EngineKind::Docker),
                "container:docker",
            ),
            (
                EngineAddress::Detected(EngineKind::Podman),
                "container:podman",
            ),
            (
                EngineAddress::Socket("/run/x.sock".into()),
                "container:/run/x.sock",
            ),
            (
                EngineAddress::Remote("tcp://h:1".into()),
                "container:tcp://h:1",
            ),
        ] {
            assert_eq!(address.backend_id().as_str(), id);
            assert_eq!(
                EngineAddress::of_backend(&BackendId::new(id)),
                Some(address)
            );
        }
        for other in ["bare-metal", "containers", "container:"] {
            assert_eq!(
                EngineAddress::of_backend(&BackendId::new(other)),
                None,
                "{other}"
            );
        }
    }
}
