//! A pool, as the API shows it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Moment, PoolSignal, ResourceCap};

/// Everything shown of one pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    /// Its name.
    #[schema(example = "builders/linux")]
    pub name: String,
    /// Its scaler.
    pub scaler: String,
    /// Where its agents live; absent once it has left the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// Who speaks for its agents: `managed`, `sidecar` or `worker`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How it stands.
    pub state: PoolState,
    /// Labels as declared.
    pub labels: Vec<String>,
    /// Labels added by the house.
    pub system_labels: Vec<String>,
    /// Its agents by what they do.
    pub agents: PoolCounts,
    /// Cap on the agents of its scaler, which its pools share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_agents: Option<u32>,
    /// Agents of its scaler, those of its other pools included.
    pub scaler_agents: u32,
    /// Cap on the summed requests of its scaler's agents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_cap: Option<ResourceCap>,
    /// Agents kept ready without a job.
    pub idle_count: u32,
    /// Jobs one agent runs at once.
    pub slots: u32,
    /// Jobs one agent runs in its life; absent when there is no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_jobs: Option<u32>,
    /// New agents that demand, triggers and idle rule ask for beyond what is on its way.
    pub wanted: u32,
    /// Why they are not made, as a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited_by: Option<String>,
    /// The same as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited_by_text: Option<String>,
    /// The numbers behind it, where there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited_by_detail: Option<String>,
    /// Which of its schedules is in force, if it has any and that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<PoolSchedule>,
    /// What its triggers say, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<PoolSignal>,
    /// The budget shared with other daemons of the host, if its agents are reserved there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_pool: Option<String>,
    /// Launches that failed in a row.
    pub launch_failures: u32,
    /// No launch before this, after failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_launch_at: Option<Moment>,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<Failure>,
    /// The last error of its backend, while that has not answered since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_trouble: Option<String>,
}

/// Which schedule of idle agents is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolSchedule {
    /// Its place in `schedules`, from 0; absent while none is, and the policy's own numbers
    /// hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// Until when; absent when nothing ever changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
}

/// How a pool stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PoolState {
    /// It takes jobs.
    Active,
    /// It takes jobs, but its last launches failed.
    Failing,
    /// An operator drains it.
    Draining,
    /// It has left the configuration; its agents finish what they run.
    Removed,
}

impl PoolState {
    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Failing => "failing",
            Self::Draining => "draining",
            Self::Removed => "removed",
        }
    }
}

/// Agents of a pool by what they do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolCounts {
    /// On their way to being ready.
    pub starting: u32,
    /// Ready without a job.
    pub idle: u32,
    /// Ready with a job.
    pub busy: u32,
    /// Leaving once their jobs have ended.
    pub draining: u32,
    /// Being destroyed or released.
    pub destroying: u32,
    /// Not removed by their backend, again and again.
    #[serde(default)]
    pub quarantined: u32,
    /// All of them: what counts against caps.
    pub total: u32,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// When.
    pub at: Moment,
    /// What, for a person.
    pub message: String,
    /// The last lines that the agent said, oldest first; absent when it said nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
}

/// A wish to drain, or to end a drain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DrainRequest {
    /// Ends the drain instead.
    #[serde(default)]
    pub undo: bool,
}

/// What a drain, or its end, applied to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drained {
    /// Pools that changed, by name.
    pub changed: Vec<String>,
    /// Pools that stood so before, by name.
    pub unchanged: Vec<String>,
}
