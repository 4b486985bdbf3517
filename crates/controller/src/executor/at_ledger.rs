//! Orders to the shared ledger of machine pools, each with its deadline.

use std::time::Duration;

use headcount_model::{AgentId, Name, Trouble, Unreserved};
use headcount_planner::{Action, Answered, CreateOrder};
use headcount_ports::Booking;
use tokio::time::timeout;

use super::{Executor, late};
use crate::answers;

/// A ledger waits for its lock for a few seconds and writes one small file; a creation may
/// have far longer.
const LONGEST_RESERVE: Duration = Duration::from_secs(30);

impl Executor {
    /// Absent when the order is not one to the shared ledger.
    pub(super) async fn at_ledger(&self, action: Action) -> Option<Answered> {
        Some(match action {
            Action::Reserve(order) => Answered::Reserve(order.agent, self.reserve(&order).await),
            Action::Release {
                agent,
                machine_pool,
                deadline,
            } => Answered::Release(agent, self.release(&machine_pool, agent, deadline).await),
            _ => return None,
        })
    }

    async fn reserve(&self, order: &CreateOrder) -> Result<(), Unreserved> {
        // A plan that reserves names the pool; without one there is nothing to book.
        let Some(pool) = order.machine_pool.clone() else {
            return Ok(());
        };
        let booking = Booking {
            pool,
            agent: order.agent,
            amount: order.granted.requests.times(u64::from(order.slots)),
        };
        let deadline = order.deadline.min(LONGEST_RESERVE);
        match timeout(deadline, self.machine_pools.reserve(booking)).await {
            Ok(result) => result.map_err(answers::unreserved),
            Err(_) => Err(Unreserved {
                trouble: answers::too_late("reserve", deadline),
                others: None,
            }),
        }
    }

    async fn release(
        &self,
        pool: &Name,
        agent: AgentId,
        deadline: Duration,
    ) -> Result<(), Trouble> {
        match timeout(deadline, self.machine_pools.release(pool, agent)).await {
            Ok(result) => result.map_err(answers::machine_pool),
            Err(_) => late("release", deadline),
        }
    }
}
