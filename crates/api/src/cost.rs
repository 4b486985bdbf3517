//! What machine time went into and what it cost, as the API shows it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Moment;

/// Machine time between two moments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// From then; later than asked for where nothing older is kept.
    pub from: Moment,
    /// Until then.
    pub until: Moment,
    /// What rows are of.
    pub by: CostBy,
    /// In order of name. An agent of several labels is in the row of each, so that rows by
    /// label do not add up to the total.
    pub rows: Vec<CostRow>,
    /// All pools together.
    pub total: CostSum,
}

/// What rows of costs are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CostBy {
    /// Pools.
    #[default]
    Pool,
    /// Labels that pools declare.
    Label,
}

impl CostBy {
    /// The word in a query.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Label => "label",
        }
    }
}

/// Machine time of one pool or label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostRow {
    /// The pool or the label.
    #[schema(example = "builders/linux")]
    pub name: String,
    /// Its time.
    #[serde(flatten)]
    pub sum: CostSum,
}

/// Machine time by what it went into. The five parts add up to the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostSum {
    /// A job ran; for a worker all of the time it ran.
    pub useful: TimeCost,
    /// Ready, without a job.
    pub idle: TimeCost,
    /// From the order until it was ready.
    pub booting: TimeCost,
    /// Leaving, without a job, until its absence was confirmed.
    pub draining: TimeCost,
    /// Of agents that never became ready, from the order to confirmed absence.
    pub failed: TimeCost,
    /// All of it.
    pub total: TimeCost,
}

/// Some time and what it cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimeCost {
    /// Milliseconds.
    pub time_ms: u64,
    /// Those of them that had no price; they cost nothing here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unpriced_ms: u64,
    /// Money in millionths of a unit: time multiplied by price, added up exactly and rounded
    /// once, so that parts may differ from a total by some millionths.
    pub cost_micros: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(n: &u64) -> bool {
    *n == 0
}
