//! What of a ledger's agents is booked in machine pools.
//!
//! Promise: whatever may exist is booked. An agent that was only about to be reserved is
//! not: it asks again, as if for the first time; one that is known to be absent gives back
//! what it may have had.

use headcount_model::{AgentPhase, AgentRecord};
use headcount_ports::Booking;

/// The bookings a daemon starts with.
#[must_use]
pub fn bookings(agents: &[AgentRecord]) -> Vec<Booking> {
    agents.iter().filter_map(booking).collect()
}

fn booking(agent: &AgentRecord) -> Option<Booking> {
    match agent.phase {
        AgentPhase::Reserving | AgentPhase::Releasing => return None,
        AgentPhase::Creating
        | AgentPhase::Starting
        | AgentPhase::Ready
        | AgentPhase::Draining
        | AgentPhase::Destroying
        | AgentPhase::Quarantined => {}
    }
    Some(Booking {
        pool: agent.machine_pool.clone()?,
        agent: agent.id,
        amount: agent.granted.requests.times(u64::from(agent.slots)),
    })
}
