//! A backend makes, lists and ends instances.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use headcount_model::{
    AgentId, AgentKind, BackendId, Granted, LeasedInstance, Listing, LogPressure, Name, OtherEnd,
    OwnerId, PoolName, Recipe, Secret,
};

/// Something that can make, list and end instances.
///
/// Called by the controller's executor only, which sets the deadlines: every method may
/// be dropped at any await point, and what it had done by then must show in `list`.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Which backend this is.
    fn id(&self) -> BackendId;

    /// What it can promise; `check` prints what a weaker backend weakens.
    fn promises(&self) -> BackendPromises;

    /// Makes one instance, marked with owner, pool and agent from the first moment.
    ///
    /// Idempotent on the agent id: a second call for an agent whose instance exists
    /// succeeds without making another. Cancelled or failed half-way, it either leaves
    /// nothing or leaves something that `list` shows: as ended, unless it will still run.
    ///
    /// # Errors
    /// Anything but [`BackendError::Unknown`] means that nothing was made.
    async fn create(&self, request: CreateRequest) -> Result<(), BackendError>;

    /// Everything under our owner mark, complete as of one moment, ended instances that
    /// still leave something behind included. Reading only; safe to repeat.
    ///
    /// # Errors
    /// An error says nothing about what exists; it is never an empty list.
    async fn list(&self) -> Result<Listing, BackendError>;

    /// Ends one instance: politely first, by force after `grace`, then removes what it
    /// left. Idempotent; an agent without an instance is a success. Returns once the
    /// instance is confirmed absent.
    ///
    /// # Errors
    /// [`BackendError::Unknown`] when it may still exist: look before acting again.
    /// [`BackendError::Throttled`] when nothing was tried.
    async fn destroy(&self, request: DestroyRequest) -> Result<(), BackendError>;

    /// Instances of other owners that carry a lease, as far as this backend knows any: what
    /// is missing here proves nothing. Reading only; safe to repeat. A backend whose
    /// instances carry no leases knows none.
    ///
    /// # Errors
    /// An error says nothing about what exists.
    async fn list_others(&self) -> Result<Vec<LeasedInstance>, BackendError> {
        Ok(Vec::new())
    }

    /// Ends an instance of another owner, if it is still what was seen: looks at it right
    /// before, and leaves alone what was renewed or is marked otherwise. Idempotent; returns
    /// once it is confirmed absent, or spared.
    ///
    /// # Errors
    /// [`BackendError::Invalid`] where instances carry no leases; [`BackendError::Unknown`]
    /// when it may still exist.
    async fn reap_other(&self, request: ReapOtherRequest) -> Result<OtherEnd, BackendError> {
        let LeasedInstance { owner, agent, .. } = request.seen;
        let wrong = format!("{agent} of owner {owner} has no lease here; please report this");
        Err(BackendError::Invalid(wrong))
    }

    /// The last lines of output of an agent, newest last, for a failure's explanation.
    /// Bounded by `max_lines`; empty when there is none.
    async fn last_output(&self, agent: AgentId, max_lines: usize) -> Vec<String>;
}

/// What a backend must say of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BackendPromises {
    /// Instances are named by us, so that create is idempotent.
    pub caller_names: bool,
    /// `list` is complete and shows owner, pool and agent.
    pub complete_marked_list: bool,
    /// A death is reported as an event, without a list.
    pub reports_death: bool,
    /// Granted limits can be enforced.
    pub enforces_limits: bool,
}

/// All that is needed to make one instance.
#[derive(Clone, Debug)]
pub struct CreateRequest {
    /// Marks the instance; also its name.
    pub agent: AgentId,
    /// Marks the instance.
    pub owner: OwnerId,
    /// Marks the instance.
    pub pool: PoolName,
    /// The scaler of the pool.
    pub scaler: Name,
    /// Who speaks for it.
    pub kind: AgentKind,
    /// Comma-joined labels the agent is told it has, system labels included.
    pub labels: String,
    /// What bounds it.
    pub granted: Granted,
    /// Jobs it runs at once.
    pub slots: u32,
    /// What the agent does with output it cannot send.
    pub log_pressure: LogPressure,
    /// How long the caller waits for it; what takes longer is of no use.
    pub deadline: Duration,
    /// What to make.
    pub recipe: Arc<Recipe>,
    /// Good for one registration; absent for workers. Never put into arguments.
    pub token: Option<Secret>,
}

/// All that is needed to end one instance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DestroyRequest {
    /// Whose instance.
    pub agent: AgentId,
    /// Between asking and forcing.
    pub grace: Duration,
}

/// All that is needed to end one instance of another owner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReapOtherRequest {
    /// The instance as it was when that was decided.
    pub seen: LeasedInstance,
    /// Between asking and forcing.
    pub grace: Duration,
}

/// What went wrong, by what the caller should do.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BackendError {
    /// Try again later; the backend is not to blame for long.
    #[error("{0}")]
    Transient(String),
    /// Back off: it has no room for another instance now.
    #[error("no capacity: {message}")]
    Capacity {
        /// What the backend said.
        message: String,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// Leave it alone for a while: it was asked too often, and did nothing.
    #[error("throttled: {message}")]
    Throttled {
        /// What the backend said.
        message: String,
        /// For how long.
        retry_after: Duration,
    },
    /// Fix the request or the configuration: trying the same again cannot help.
    #[error("{0}")]
    Invalid(String),
    /// The outcome is unknown: look before acting again.
    #[error("outcome unknown: {0}")]
    Unknown(String),
}
