//! Instances of other owners, and how long these vouch for them.

use alloc::string::String;
use core::time::Duration;

use crate::{AgentId, InstanceState, OwnerId, PoolName, Timestamp};

/// An instance that another owner made and renews its lease on. Whoever does not renew has
/// none of these: its instances are nobody's business but its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeasedInstance {
    /// Whose instance.
    pub owner: OwnerId,
    /// The agent that its mark names; unique within the owner alone.
    pub agent: AgentId,
    /// The pool that its mark names.
    pub pool: PoolName,
    /// Its name, which agrees with owner and agent.
    pub name: String,
    /// Up to when its owner vouches for it, by the owner's clock.
    pub lease_until: Timestamp,
    /// How long a lease of it lasts: it is renewed several times within that.
    pub lease_for: Duration,
    /// How it stands.
    pub state: InstanceState,
}

/// What became of an instance of another owner that was to be removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OtherEnd {
    /// Nothing is left of it.
    Gone,
    /// Its lease was renewed, or its marks are no longer what they were; nothing was done.
    Spared,
}
