//! Agents on machines that `docker-machine` makes.

use super::{PullPolicy, SecretRef};

/// Which `docker-machine`, and which store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DockerMachine {
    /// Its absolute path; unset is the one on the `PATH`.
    pub program: Option<String>,
    /// Where it keeps what it knows of machines; unset is as it finds it itself.
    pub store: Option<String>,
}

/// What a machine is made of, and what runs on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DockerMachineTemplate {
    /// Who makes it.
    pub driver: String,
    /// Its name, with one `%s`.
    pub machine_name: String,
    /// Options of `create`, in order.
    pub options: Vec<MachineOption>,
    /// More of them, each with `%s` for the machine's name.
    pub options_with_name: Vec<String>,
    /// The image of the container in which the agent runs.
    pub image: String,
    /// When it is fetched.
    pub image_pull_policy: PullPolicy,
    /// Whether the image's own agent runs; otherwise ours is copied into the container.
    pub agent_of_image: bool,
    /// Binds of the machine, `source:target[:options]`, passed through.
    pub volumes: Vec<String>,
    /// Variables of the agent whose values stand elsewhere; none is in `env` too.
    pub secret_env: Vec<SecretVariable>,
    /// Whether the container may do everything on its machine.
    pub privileged: bool,
}

/// A variable whose value stands elsewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecretVariable {
    /// Its name.
    pub name: String,
    /// Where its value is.
    pub value: SecretRef,
}

/// An option of `create`, without dashes before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MachineOption {
    /// `name=value`, or a name alone.
    Plain(String),
    /// One whose value stands elsewhere.
    Secret {
        /// Its name.
        name: String,
        /// Where its value is.
        value: SecretRef,
    },
}
