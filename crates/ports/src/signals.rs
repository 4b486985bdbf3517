//! Signals: numbers that stand for demand, read from wherever work waits.

use async_trait::async_trait;
use headcount_model::{PoolName, QueueRule, Sample, Trouble};

/// Reads the triggers of pools, and tells when one of them changed.
///
/// Called by the controller's executor only, which sets the deadlines; every method may be
/// dropped at any await point. It is told the rules of every pool before it is asked for
/// one, and again at every reload.
#[async_trait]
pub trait Signals: Send + Sync {
    /// From now on these pools have these triggers, and no others have any. What a pool
    /// whose rule did not change holds open stays open.
    async fn configure(&self, rules: Vec<(PoolName, std::sync::Arc<QueueRule>)>);

    /// Reads all triggers of a pool. A trigger that cannot be read is
    /// [`Unknown`](headcount_model::Reading::Unknown) in the sample; the others are read all the same.
    ///
    /// # Errors
    /// The pool has no triggers here.
    async fn sample(&self, pool: &PoolName) -> Result<Sample, Trouble>;
}

/// Takes what signals tell without being asked. The controller implements it.
#[async_trait]
pub trait SignalInbox: Send + Sync {
    /// A fresh sample, because something changed. Waits while the inbox is full.
    async fn post(&self, pool: &PoolName, sample: Sample);
}
