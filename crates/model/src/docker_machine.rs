//! Machines that `docker-machine` makes, and where its store is.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use crate::{BackendId, PullPolicy, Secret};

/// One machine, and the container on it in which its agent runs.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct DockerMachineRecipe {
    /// Who makes it, and where that is noted.
    pub tool: DockerMachineAddress,
    /// The driver, as `--driver` takes it.
    pub driver: String,
    /// The machine's name, with [`MACHINE_NAME_PLACE`] where owner and agent stand.
    pub name: String,
    /// Options of `create`, in order.
    pub options: Vec<MachineOption>,
    /// More of them, each with `%s` in its place for the machine's whole name.
    pub options_with_name: Vec<String>,
    /// The image of the container, as written.
    pub image: String,
    /// When the image is fetched.
    pub pull: PullPolicy,
    /// Whether the image's own agent runs; otherwise ours is put into the container.
    pub agent_of_image: bool,
    /// Set in the container on top of what is forwarded to every agent.
    pub env: BTreeMap<String, String>,
    /// The same, of those whose values nobody may see; no name is in both.
    pub secret_env: Vec<SecretVariable>,
    /// Binds, `source:target[:options]`, passed through; sources are of the machine.
    pub volumes: Vec<String>,
    /// Whether the container may do everything on its machine.
    pub privileged: bool,
    /// Where its agent calls back; `None` is what the daemon says.
    pub agent_url: Option<String>,
}

/// What stands in a name for what makes it unique.
pub const MACHINE_NAME_PLACE: &str = "%s";
/// The longest host name of one label (RFC 1123, section 2.1).
pub const MAX_MACHINE_NAME: usize = 63;
/// Bytes that stand for [`MACHINE_NAME_PLACE`]: eight digits of the owner, of the agent's
/// epoch and of its number, with `-` between.
pub const UNIQUE_BYTES: usize = 26;

/// An option of `create`, without its leading dashes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MachineOption {
    /// `name=value`, or a name alone.
    Plain(String),
    /// One whose value nobody may see.
    Secret {
        /// Its name.
        name: String,
        /// Its value.
        value: Secret,
    },
}

/// A secret's value is left out: a machine is made with it and does not keep it, so a new
/// one makes no living agent outdated.
impl Hash for MachineOption {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Plain(text) => (0_u8, text).hash(state),
            Self::Secret { name, .. } => (1_u8, name).hash(state),
        }
    }
}

/// A variable of an agent whose value nobody may see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecretVariable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Secret,
}

/// The value is left out, as what is hashed is written down: a new one reaches agents that
/// are made from then on.
impl Hash for SecretVariable {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// Which `docker-machine`, and which store. Each is a backend of its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct DockerMachineAddress {
    /// The program's absolute path, without `?`; `None` is the one on the `PATH`.
    pub program: Option<String>,
    /// The store's absolute path; `None` is `MACHINE_STORAGE_PATH`, else
    /// `$HOME/.docker/machine`.
    pub store: Option<String>,
}

/// What every such backend's id starts with.
const BACKEND: &str = "docker-machine";
const STORE: &str = "?store=";

impl DockerMachineAddress {
    /// The backend that drives it: `docker-machine`, then `:/path` of another program and
    /// `?store=/path` of another store; `docker-machine:?store=/path` has only the latter.
    #[must_use]
    pub fn backend_id(&self) -> BackendId {
        let program = self.program.as_deref().unwrap_or_default();
        BackendId::new(&match (&self.program, &self.store) {
            (None, None) => return BackendId::new(BACKEND),
            (_, None) => format!("{BACKEND}:{program}"),
            (_, Some(store)) => format!("{BACKEND}:{program}{STORE}{store}"),
        })
    }

    /// The tool of a backend whose configuration may be gone; `None` for other backends.
    #[must_use]
    pub fn of_backend(id: &BackendId) -> Option<Self> {
        let rest = id.as_str().strip_prefix(BACKEND)?;
        if rest.is_empty() {
            return Some(Self::default());
        }
        let rest = rest.strip_prefix(':')?;
        let (program, store) = match rest.split_once('?') {
            None => (rest, None),
            Some((program, _)) => (program, Some(rest.get(program.len()..)?)),
        };
        let store = match store {
            None => None,
            Some(part) => Some(part.strip_prefix(STORE)?),
        };
        let is_path = |path: &str| path.starts_with('/');
        let program = Some(program).filter(|program| !program.is_empty());
        let whole = program.is_none_or(is_path) && store.is_none_or(is_path);
        (whole && (program.is_some() || store.is_some())).then(|| Self {
            program: program.map(Into::into),
            store: store.map(Into::into),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    #[test]
    fn a_backends_id_says_which_tool_and_which_store() {
        for (program, store, id) in [
            (None, None, "docker-machine"),
            (Some("/opt/m"), None, "docker-machine:/opt/m"),
            (None, Some("/srv/s"), "docker-machine:?store=/srv/s"),
            (
                Some("/opt/m"),
                Some("/srv/a?store=/b&c"),
                "docker-machine:/opt/m?store=/srv/a?store=/b&c",
            ),
        ] {
            let address = DockerMachineAddress {
                program: program.map(Into::into),
                store: store.map(Into::into),
            };
            assert_eq!(address.backend_id().as_str(), id);
            assert_eq!(
                DockerMachineAddress::of_backend(&BackendId::new(id)),
                Some(address)
            );
        }
        for other in [
            "bare-metal",
            "docker-machines",
            "docker-machine:",
            "docker-machine:m",
            "docker-machine:/m?x",
            "docker-machine:/m?store=",
        ] {
            let id = BackendId::new(other);
            assert_eq!(DockerMachineAddress::of_backend(&id), None, "{other}");
        }
    }

    #[test]
    fn a_secret_is_neither_shown_nor_part_of_what_machines_are_made_from() {
        let made_from = |value: &str| {
            let (name, value) = ("x-token".to_string(), Secret::new(value.to_string()));
            let variable = SecretVariable {
                name: name.clone(),
                value: value.clone(),
            };
            (vec![MachineOption::Secret { name, value }], vec![variable])
        };
        let (old, new) = (made_from("hunter1"), made_from("hunter2"));
        assert_ne!(old, new);
        assert_eq!(crate::fingerprint(&old), crate::fingerprint(&new));
        assert!(!format!("{old:?}").contains("hunter"));
    }
}
