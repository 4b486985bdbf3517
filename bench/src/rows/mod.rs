//! The rows, one file each.

mod plan;

use anyhow::Result;

use crate::table::Line;

/// A row's name and what measures it.
pub(crate) type Row = (&'static str, fn() -> Result<Vec<Line>>);

/// All rows, in the order of the budgets.
pub(crate) const ALL: &[Row] = &[("plan", plan::measure)];
