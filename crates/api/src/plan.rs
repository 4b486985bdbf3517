//! What the planner sees and wants, and what another configuration would change.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Moment, Pool, ProblemItem, ResourceCap, Resources};

/// The current report: what is wanted, what stands in the way, when time alone changes
/// something, and what was decided last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// When it was made.
    pub at: Moment,
    /// Whether the daemon is stopping.
    pub stopping: bool,
    /// Why nothing can be written at present, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger_trouble: Option<String>,
    /// Cap on agents over all scalers.
    pub max_agents: u32,
    /// Cap on summed requests over all scalers.
    pub resource_cap: ResourceCap,
    /// In order of name.
    pub pools: Vec<Pool>,
    /// Waiting jobs by what they want, in the order they are served.
    pub classes: Vec<Class>,
    /// What is known of each backend.
    pub backends: Vec<Backend>,
    /// What is known of each source.
    pub sources: Vec<Source>,
    /// When the planner looks again although nothing is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<Wake>,
    /// The last decisions, newest first.
    pub decisions: Vec<Decision>,
}

/// Waiting jobs that want the same thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Class {
    /// Where they wait.
    pub source: String,
    /// Labels an agent must have, by name or by pattern.
    pub runs_on: Vec<String>,
    /// Labels an agent must not have, by name or by pattern.
    pub exclude: Vec<String>,
    /// As written.
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    pub resources: Resources,
    /// Higher goes first.
    pub priority: i32,
    /// How many wait.
    pub waiting: u64,
    /// When the oldest was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_at: Option<Moment>,
    /// When the first of them expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_expiry_at: Option<Moment>,
    /// Why they wait, oldest first; the shares add up to the number that waits.
    pub shares: Vec<Share>,
}

/// Some jobs of a class with the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// How many.
    pub jobs: u64,
    /// Why they wait, as a code.
    pub reason: String,
    /// The same as a sentence.
    pub reason_text: String,
    /// In which pool, where one is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
}

/// What is known of a backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backend {
    /// Which.
    pub id: String,
    /// Whether it has listed everything and nothing was missed since.
    pub fresh: bool,
    /// Its last error, while it has not answered since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Instances of ours that the ledger does not know.
    pub strangers: u64,
}

/// What is known of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Which.
    pub id: String,
    /// Whether it has answered and not fallen silent since.
    pub fresh: bool,
    /// Its last error, while it has not answered since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// When the planner looks again although nothing is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Wake {
    /// Then.
    pub at: Moment,
    /// Because of this, as a code.
    pub reason: String,
}

/// One plan that did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// When it was made.
    pub at: Moment,
    /// One line per action.
    pub lines: Vec<String>,
}

/// A configuration to be tried out: its texts, so that the daemon need not see the
/// client's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanRequest {
    /// The main file.
    pub config: ConfigText,
    /// Files of its drop-in directory, in the order of their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop_ins: Vec<ConfigText>,
}

/// One text of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigText {
    /// What a problem calls it, such as its path.
    #[schema(example = "scalers.yaml")]
    pub name: String,
    /// Its content.
    pub text: String,
}

/// What another configuration would change. Nothing was changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanPreview {
    /// Pools that differ, in order of name; a change of the whole fleet comes first.
    pub changes: Vec<PoolChange>,
    /// What would be done at once, one line each.
    pub actions: Vec<String>,
    /// What has no effect in the configuration.
    #[serde(default)]
    pub warnings: Vec<ProblemItem>,
}

/// How one pool, or the whole fleet, differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolChange {
    /// Which pool; absent for the whole fleet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// What happens to it.
    pub change: Change,
    /// Each difference, such as `maxAgents: 4 -> 8`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

/// What happens to a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is new.
    Added,
    /// It goes: its agents finish what they run and leave.
    Removed,
    /// It changes.
    Changed,
}

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reload {
    /// Pools that changed, in order of name; a change of the whole fleet comes first.
    pub changes: Vec<PoolChange>,
    /// What has no effect in the configuration.
    #[serde(default)]
    pub warnings: Vec<ProblemItem>,
}
