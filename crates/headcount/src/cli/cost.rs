//! Arguments of `cost`.

use clap::{Args, ValueEnum};
use headcount_api::CostBy;

use super::value;

/// Arguments of `cost`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CostArgs {
    /// One row for each pool, or for each label that pools declare
    #[arg(long, value_enum, default_value_t = By::Pool, value_name = "WHAT")]
    pub(crate) by: By,
    /// Only the time since so long ago, such as 24h; else everything that is kept
    #[arg(long, value_name = "SPAN", value_parser = value::span)]
    pub(crate) since: Option<String>,
}

/// What rows are of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum By {
    /// Pools
    Pool,
    /// Labels; an agent of several is in the row of each
    Label,
}

impl From<By> for CostBy {
    fn from(by: By) -> Self {
        match by {
            By::Pool => Self::Pool,
            By::Label => Self::Label,
        }
    }
}
