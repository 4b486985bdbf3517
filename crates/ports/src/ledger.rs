//! The ledger: what must survive a crash of the daemon.

use async_trait::async_trait;
use headcount_model::{AgentRecord, AttemptRecord, Changes, OwnerId, PoolName, Timestamp};

/// Keeps what the controller decided, durably.
///
/// Called by the controller only. Every write that returns `Ok` survives `kill -9` and a
/// power cut.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// All that was kept. Called once, at start, before anything else.
    ///
    /// # Errors
    /// The daemon must not start.
    async fn load(&self) -> Result<Recovered, StoreError>;

    /// Writes one round in one transaction: all of it or nothing. Idempotent (rows are
    /// absolute), so a caller that does not know the outcome writes it again. An attempt
    /// that is both settled and given as it is now was assigned anew: it is unsettled.
    ///
    /// # Errors
    /// Nothing is known to be written; nothing that depends on it may happen.
    async fn commit(
        &self,
        changes: Changes,
        decision: Option<DecisionRow>,
    ) -> Result<(), StoreError>;

    /// Removes what its retention no longer keeps, a bounded piece of it per call.
    ///
    /// # Errors
    /// Nothing more is removed this time.
    async fn prune(&self, now: Timestamp) -> Result<(), StoreError>;

    /// The last decisions, newest first, at most `limit`.
    ///
    /// # Errors
    /// The ledger cannot be read.
    async fn decisions(&self, limit: usize) -> Result<Vec<DecisionRow>, StoreError>;
}

/// What a start finds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recovered {
    /// The mark of this state directory, made at its first start.
    pub owner: OwnerId,
    /// New at each load: larger than any before, and not below the clock.
    pub epoch: u64,
    /// Agents that are not gone.
    pub agents: Vec<AgentRecord>,
    /// Attempts that are not settled.
    pub attempts: Vec<AttemptRecord>,
    /// Pools that an operator drains.
    pub drained_pools: Vec<PoolName>,
}

/// One plan that did something, for `headcount` to show later.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecisionRow {
    /// When it was made.
    pub at: Timestamp,
    /// One line per action, as text.
    pub lines: Vec<String>,
}

/// What went wrong, by what the caller should do.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing is written and nothing can be until there is room: refuse new work, keep
    /// what is there, try again later.
    #[error("state disk is full: {0}")]
    Full(String),
    /// Try again soon.
    #[error("ledger is busy: {0}")]
    Busy(String),
    /// The request is at fault, not the ledger.
    #[error("{0}")]
    Conflict(String),
    /// The file cannot be used; a person must look.
    #[error("{0}")]
    Broken(String),
}
