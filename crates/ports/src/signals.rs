//! Signals: numbers that stand for demand, read from wherever work waits.

use std::sync::Arc;

use async_trait::async_trait;
use headcount_model::{PoolName, QueueRule, Sample, Trouble, TroubleKind};

/// The triggers of every pool that has some.
pub type TriggersOf = Vec<(PoolName, Arc<QueueRule>)>;

/// Reads the triggers of pools, and tells when one of them changed.
///
/// Called by the controller's executor only, which sets the deadlines; every method may be
/// dropped at any await point. It is told the rules of every pool before it is asked for
/// one, and again at every reload.
#[async_trait]
pub trait Signals: Send + Sync {
    /// From now on these pools have these triggers, and no others have any. What a pool
    /// whose rule did not change holds open stays open. Returns soon: whatever must be
    /// connected to is connected to later. Idempotent; called again if it takes too long.
    async fn configure(&self, rules: TriggersOf);

    /// Reads all triggers of a pool. A trigger that cannot be read is
    /// [`Unknown`](headcount_model::Reading::Unknown) in the sample; the others are read all the same.
    /// Numbers of samples follow the order in which reading began, told ones included.
    ///
    /// # Errors
    /// The pool has no triggers here, or none of them could even be tried.
    async fn sample(&self, pool: &PoolName) -> Result<Sample, Trouble>;
}

/// Takes what signals tell without being asked. The controller implements it.
#[async_trait]
pub trait SignalInbox: Send + Sync {
    /// A fresh sample, because something changed. Waits while the inbox is full.
    async fn post(&self, pool: &PoolName, sample: Sample);
}

/// The signals of a daemon that reads none: every trigger is unknown.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSignals;

#[async_trait]
impl Signals for NoSignals {
    async fn configure(&self, _: TriggersOf) {}

    async fn sample(&self, pool: &PoolName) -> Result<Sample, Trouble> {
        Err(Trouble {
            kind: TroubleKind::Invalid,
            message: format!("the triggers of pool `{pool}` cannot be read by this daemon"),
        })
    }
}
