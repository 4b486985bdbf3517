//! What the backend is told when it is built.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use headcount_engines::Credentials;
use headcount_model::{EngineAddress, OwnerId};
use headcount_network::Nft;
use headcount_ports::agent_env::CallBack;

/// Everything the backend needs to know. Made by the binary, once for each engine.
#[derive(Clone)]
pub struct ContainerOptions {
    /// Which engine.
    pub engine: EngineAddress,
    /// Whose instances these are.
    pub owner: OwnerId,
    /// The daemon's state directory; one-time tokens are below it, each while its container
    /// is being made.
    pub state_dir: PathBuf,
    /// The running binary: mounted into containers, where it runs as `agent`. It needs no
    /// file of the image, so it must be linked statically.
    pub own_binary: PathBuf,
    /// The agents' Unix socket. The directory it is in is mounted, so that a socket made
    /// anew by the next daemon is found; nothing else may be in it.
    pub agent_socket: PathBuf,
    /// Where the images' own agents call back, unless their scaler says otherwise.
    pub call_back: CallBack,
    /// Set in every container: `HEADCOUNT_AGENT_ENV_*` with the prefix removed.
    pub forwarded: BTreeMap<String, String>,
    /// `XDG_RUNTIME_DIR` of the daemon, where a user's own Podman has its socket.
    pub runtime_dir: Option<PathBuf>,
    /// How the rules of isolated containers are put into the kernel.
    pub nft: Nft,
    /// Who knows the passwords of registries.
    pub credentials: Arc<dyn Credentials>,
}
