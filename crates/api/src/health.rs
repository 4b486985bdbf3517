//! Whether the daemon lives, and whether it is ready.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The daemon lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Always `ok`.
    pub status: String,
    /// Version of the daemon.
    pub version: String,
}

/// Whether the daemon can do its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// `ready` or `not_ready`.
    pub status: String,
    /// Why it is not ready, one sentence each.
    #[serde(default)]
    pub reasons: Vec<String>,
}
