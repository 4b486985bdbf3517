//! Metrics: what is counted as it happens, and what is read off the view when asked.
//!
//! Promise: names begin with `headcount_`; labels are bounded by the configuration (pool,
//! scaler, backend, source) or by a closed list (state, reason, code, route).

mod count;
mod scrape;

pub(crate) use count::Metrics;
pub(crate) use scrape::{Snapshot, text};
