//! How agents came up for a job, or failed to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Moment;

/// One step of one agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProvisioningEvent {
    /// When.
    pub at: Moment,
    /// Which step.
    pub event: ProvisioningStep,
    /// Which agent.
    #[schema(example = "a-65f1c2a0-7")]
    pub agent: String,
    /// Its pool.
    pub pool: String,
    /// What went wrong, where something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The last lines the agent said before it failed, at most 50, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
}

/// A step on an agent's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ProvisioningStep {
    /// It was decided to make it.
    Provisioning,
    /// What it may reach is settled, before it runs; only where a network policy holds.
    Network,
    /// Its instance runs.
    Started,
    /// It can take jobs.
    Ready,
    /// It ended before that.
    Failed,
}

impl ProvisioningStep {
    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Network => "network",
            Self::Started => "started",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }
}
