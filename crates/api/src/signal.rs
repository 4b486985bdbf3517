//! What the triggers of a pool say, as the API shows it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Moment;

/// What the triggers of a pool say, and what is made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolSignal {
    /// Agents that there should be; absent while nothing could be read, and while the pool
    /// takes no new work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<u32>,
    /// Agents that exist whatever the triggers say.
    pub min: u32,
    /// Agents that exist at most; absent for the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// Whose arithmetic holds: `headcount` or `keda`.
    pub compat: String,
    /// When reading last began; absent before the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Moment>,
    /// Whether agents were decided by that reading: each is used once.
    pub used: bool,
    /// Why nothing, or not everything, could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Readings since the start of the daemon of which not everything could be read.
    pub unread: u64,
    /// One for each trigger, in the order of the configuration.
    pub triggers: Vec<TriggerReading>,
}

/// What one trigger said last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TriggerReading {
    /// Its name.
    pub name: String,
    /// How much of the value one agent is for.
    pub target: f64,
    /// Its number; absent when it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Entries that nobody has read, where it can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u64>,
    /// Entries that somebody read and has not acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u64>,
    /// Entries whose reader is silent for so long that another may claim them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimable: Option<u64>,
    /// Why it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}
