//! Metrics: what is counted as it happens, and what is read off the view when asked.
//!
//! Promise: names begin with `headcount_`, except those of another system that were asked
//! for; labels are bounded by the configuration (pool,
//! scaler, backend, source, trigger) or by a closed list (state, reason, code, route).

mod count;
mod gauges;
mod gitlab;
mod keda;
mod kici;
mod orphans;
mod scrape;
mod signals;
mod streams;
mod time;

pub(crate) use count::Metrics;
pub(crate) use gitlab::Happened;
pub(crate) use scrape::{Names, Snapshot, text};
