//! Wire types: the agent protocol and the HTTP API with its OpenAPI document.
//!
//! Promise: what is here is all that other programs see, and nothing else of ours is
//! serialised. Depends on nothing of ours; the edges convert.
//!
//! JSON keys are camelCase and `state` words lower case; moments are RFC 3339 in UTC;
//! spans of time end in `Ms`, amounts of memory in `Bytes`. What is absent is left out.
//! A reason is its code, with its sentence beside it where a person reads it.

mod agents;
mod cost;
mod event;
mod explain;
mod health;
mod job;
mod logs;
mod moment;
mod orphan;
mod plan;
mod pool;
mod problem;
mod provisioning;
mod resources;
mod signal;
mod submit;

pub mod agent;

pub use agents::{Agent, AgentState, CordonRequest, Cordoned};
pub use cost::{Cost, CostBy, CostRow, CostSum, TimeCost};
pub use event::Event;
pub use explain::{Explanation, Impossible, NearestLabel, PoolAnswer, Position, Verdict};
pub use health::{Health, Readiness};
pub use job::{Attempt, CancelledJob, Job, JobState, Outcome};
pub use logs::{LogLine, LogText, Stream};
pub use moment::Moment;
pub use orphan::{Looked, Orphan, OrphanState, Orphans, OtherOrphan, Reaping};
pub use plan::{
    Backend, Change, Class, ConfigText, Decision, Plan, PlanPreview, PlanRequest, PoolChange,
    Reload, Share, Source, Wake,
};
pub use pool::{DrainRequest, Drained, Failure, Pool, PoolCounts, PoolSchedule, PoolState};
pub use problem::{Place, Problem, ProblemItem, Severity};
pub use provisioning::{ProvisioningEvent, ProvisioningStep};
pub use resources::{Amount, ResourceCap, Resources};
pub use signal::{PoolSignal, TriggerReading};
pub use submit::{
    AskedAmount, AskedResources, LabelList, LogPressure, Quantity, SubmitJob, SubmittedJob,
};

/// Where the API begins.
pub const PREFIX: &str = "/api/v1";
/// The most jobs one submission may hold.
pub const MAX_BATCH: usize = 10_000;
/// The largest body of a request, in bytes.
pub const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;
/// Jobs that a list holds when no limit is asked for.
pub const DEFAULT_LIMIT: usize = 100;
/// The most jobs that a list holds.
pub const MAX_LIMIT: usize = 1000;
/// The media type of errors.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// The media type of a log as one JSON object a line.
pub const NDJSON: &str = "application/x-ndjson";
