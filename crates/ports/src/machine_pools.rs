//! Machine pools: budgets of CPU and memory that several daemons of one host share.

use async_trait::async_trait;
use headcount_model::{AgentId, MachinePool, Name, Resources};

/// The shared ledger of a host's machine pools.
///
/// Called by the controller's executor and, at start and at reload, by whoever holds the
/// configuration. Every method may be dropped at any await point; orders of one caller
/// take effect in the order in which they were given. While anything is booked the
/// implementation keeps the bookings alive by itself; while nothing is, it sleeps.
#[async_trait]
pub trait MachinePools: Send + Sync {
    /// From now on these pools have these caps. Pools that are left out take no bookings
    /// any more; what is booked in them stays until it is released. Idempotent.
    ///
    /// # Errors
    /// The caps hold for this daemon all the same; the others hear of it later.
    async fn configure(&self, pools: Vec<MachinePool>) -> Result<(), MachinePoolError>;

    /// What this daemon holds is exactly this, whatever an earlier life of it booked:
    /// agents that are there are booked even beyond the cap, because they exist. Called
    /// once, at start, before the first reservation.
    ///
    /// # Errors
    /// It holds all the same; the others hear of it later.
    async fn adopt(&self, bookings: Vec<Booking>) -> Result<(), MachinePoolError>;

    /// Books room for an agent. Idempotent on the agent: booked again with another amount,
    /// the last one counts.
    ///
    /// # Errors
    /// Anything but [`MachinePoolError::Unknown`] means that nothing is booked.
    async fn reserve(&self, booking: Booking) -> Result<(), MachinePoolError>;

    /// Gives an agent's room back. Idempotent; touches nothing of other daemons.
    ///
    /// # Errors
    /// The others may still see it booked: release it again.
    async fn release(&self, pool: &Name, agent: AgentId) -> Result<(), MachinePoolError>;

    /// What this daemon holds now, by pool and agent.
    async fn held(&self) -> Vec<Booking>;
}

/// The ledger of a daemon that is in no machine pool: it books nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMachinePools;

#[async_trait]
impl MachinePools for NoMachinePools {
    async fn configure(&self, _: Vec<MachinePool>) -> Result<(), MachinePoolError> {
        Ok(())
    }

    async fn adopt(&self, _: Vec<Booking>) -> Result<(), MachinePoolError> {
        Ok(())
    }

    async fn reserve(&self, booking: Booking) -> Result<(), MachinePoolError> {
        Err(MachinePoolError::Invalid(format!(
            "machine pool `{}` cannot be reserved in: this daemon is in none",
            booking.pool
        )))
    }

    async fn release(&self, _: &Name, _: AgentId) -> Result<(), MachinePoolError> {
        Ok(())
    }

    async fn held(&self) -> Vec<Booking> {
        Vec::new()
    }
}

/// Room for one agent in one pool.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Booking {
    /// Which pool.
    pub pool: Name,
    /// For whom.
    pub agent: AgentId,
    /// How much.
    pub amount: Resources,
}

/// What went wrong, by what the caller should do.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MachinePoolError {
    /// Back off: there is no room now, and this is what the other daemons hold.
    #[error("{message}")]
    Full {
        /// With the numbers.
        message: String,
        /// What all other daemons hold together.
        others: Resources,
    },
    /// Try again later: what is free could not be told, and that is never read as room.
    #[error("{0}")]
    Unavailable(String),
    /// A person must mend something; trying the same again cannot help before that.
    #[error("{0}")]
    Invalid(String),
    /// The outcome is unknown: release before asking again.
    #[error("outcome unknown: {0}")]
    Unknown(String),
}
