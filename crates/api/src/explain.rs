//! Why a job waits, or would wait: one screen.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Class, Job, Moment, PoolSchedule, ProvisioningEvent, Resources};

/// Why a job, or jobs like it, wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// When it was made.
    pub at: Moment,
    /// The job; absent when only labels were asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
    /// Its class: what is asked for, how many wait for the same and why.
    pub class: Class,
    /// Where the job stands among those of its class, while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The one reason, as a code; absent when jobs like that would not wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_text: Option<String>,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// Candidates first, best first; then all other pools.
    pub pools: Vec<PoolAnswer>,
    /// Patterns asked for that match no label of any pool.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmatched: Vec<String>,
    /// For each label that no pool has, and each pattern with `*` or `?` that matches none,
    /// the nearest one that some pool has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nearest: Vec<NearestLabel>,
    /// The cap that refuses such jobs for ever, if every candidate does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impossible: Option<Impossible>,
    /// For a job: how its agent came up, and launches for such jobs that failed while it
    /// waited. For labels: launches for such jobs that failed within the last five minutes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provisioning: Vec<ProvisioningEvent>,
}

/// Where a waiting job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// Jobs of its class that are served before it.
    pub ahead: u64,
}

/// One pool's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolAnswer {
    /// Which.
    pub pool: String,
    /// Its labels as declared.
    pub labels: Vec<String>,
    /// Which schedule of idle agents is in force, where it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<PoolSchedule>,
    /// What it says.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What a pool says to a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(
    tag = "verdict",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Verdict {
    /// It can serve it.
    Candidate {
        /// What an agent made for it is granted.
        #[serde(default)]
        granted: Resources,
        /// What stands in the way, as a code; absent when nothing does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blocked_by: Option<String>,
        /// The same as a sentence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blocked_by_text: Option<String>,
        /// The numbers behind it, where there are some.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blocked_by_detail: Option<String>,
        /// Since when it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Moment>,
        /// When a launch is tried again, if failed ones stand in the way.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next_launch_at: Option<Moment>,
    },
    /// It cannot.
    Unfit {
        /// Labels and patterns asked for of which it has none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        missing: Vec<String>,
        /// Labels excluded, by name or by pattern, that it has.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        excluded: Vec<String>,
        /// Labels it insists on that were not asked for by name.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        mandatory: Vec<String>,
        /// It runs workers, which feed themselves.
        #[serde(default)]
        worker: bool,
    },
}

/// A label that no pool has, or a pattern that matches none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NearestLabel {
    /// As asked for.
    pub asked: String,
    /// The nearest one that some pool has.
    pub nearest: String,
}

/// A request that no waiting will ever satisfy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Impossible {
    /// The cap that refuses it, as a code.
    #[schema(example = "scaler_memory_cap")]
    pub cap: String,
    /// The best candidate; absent in an explanation, where it is the first pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// What an agent for it would reserve: `6g`, `12 CPUs`.
    pub asked: String,
    /// What the cap allows.
    pub allowed: String,
}
