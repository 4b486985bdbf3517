//! Arguments of `explain`.

use clap::{ArgGroup, Args};
use headcount_api::LabelList;
use headcount_model::JobId;

use super::{ResourceArgs, value};

/// Arguments of `explain`.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("which").required(true).multiple(true).args(["job", "runs_on"]))]
pub(crate) struct ExplainArgs {
    /// The job, as `headcount submit` printed it
    #[arg(conflicts_with_all = ["runs_on", "exclude", "ResourceArgs"])]
    pub(crate) job: Option<JobId>,
    /// Instead of a job: what would happen to one that asks for these labels or patterns
    #[arg(long, visible_alias = "labels", value_name = "LABELS", value_parser = value::labels)]
    pub(crate) runs_on: Vec<LabelList>,
    /// Labels its agent must not have, or patterns that none may match; several with commas
    #[arg(long, value_name = "LABELS", value_parser = value::labels)]
    pub(crate) exclude: Vec<LabelList>,
    /// What it would reserve and might use.
    #[command(flatten)]
    pub(crate) resources: ResourceArgs,
}
