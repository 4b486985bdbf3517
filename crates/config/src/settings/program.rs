//! Agents on machines that a program of the user makes.

use std::time::Duration;

use headcount_model::{CreateBatch, ProvisionerContract};

/// A provisioner, and how it is spoken to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// Its absolute path.
    pub program: String,
    /// What it understands.
    pub contract: ProvisionerContract,
    /// A file or folder of its own, handed to each call.
    pub config: Option<String>,
    /// Variables of the daemon that reach it: names, or prefixes that end in `_`.
    pub environment: Vec<String>,
    /// How many machines one of its calls may ask for.
    pub create_batch: CreateBatch,
    /// How long leases of its machines last; `None` is without.
    pub lease_time: Option<Duration>,
    /// When machines of others are removed, after their leases; `None` is never.
    pub reap_others_after: Option<Duration>,
}

/// What a machine is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProgramTemplate {
    /// For the provisioner alone: an object.
    pub options: serde_json::Value,
    /// The agent program as the machine finds it; `None` is `headcount` on its `PATH`.
    pub agent_binary: Option<String>,
}
