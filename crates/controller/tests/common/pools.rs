//! A ledger of machine pools in memory that remembers what it was asked.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use headcount_model::{AgentId, MachinePool, Name, Resources};
use headcount_ports::{Booking, MachinePoolError, MachinePools};

#[derive(Default)]
pub struct TestPools {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: BTreeMap<(Name, AgentId), Resources>,
    said: Vec<String>,
    refuses: Option<MachinePoolError>,
}

impl TestPools {
    /// One line an order, in order: `reserve a-1-1 in host`.
    pub fn said(&self) -> Vec<String> {
        self.state.lock().unwrap().said.clone()
    }

    /// From now on every reservation is answered like this; `None` ends it.
    pub fn refuse(&self, with: Option<MachinePoolError>) {
        self.state.lock().unwrap().refuses = with;
    }
}

#[async_trait]
impl MachinePools for TestPools {
    async fn configure(&self, _: Vec<MachinePool>) -> Result<(), MachinePoolError> {
        Ok(())
    }

    async fn adopt(&self, bookings: Vec<Booking>) -> Result<(), MachinePoolError> {
        let mut state = self.state.lock().unwrap();
        let agents: Vec<String> = bookings.iter().map(|it| it.agent.to_string()).collect();
        state.said.push(format!("adopt [{}]", agents.join(", ")));
        let rows = bookings.into_iter();
        state.held = rows.map(|it| ((it.pool, it.agent), it.amount)).collect();
        Ok(())
    }

    async fn reserve(&self, booking: Booking) -> Result<(), MachinePoolError> {
        let mut state = self.state.lock().unwrap();
        let line = format!("reserve {} in {}", booking.agent, booking.pool);
        state.said.push(line);
        if let Some(error) = &state.refuses {
            return Err(error.clone());
        }
        let key = (booking.pool, booking.agent);
        state.held.insert(key, booking.amount);
        Ok(())
    }

    async fn release(&self, pool: &Name, agent: AgentId) -> Result<(), MachinePoolError> {
        let mut state = self.state.lock().unwrap();
        state.said.push(format!("release {agent} in {pool}"));
        state.held.remove(&(pool.clone(), agent));
        Ok(())
    }

    async fn held(&self) -> Vec<Booking> {
        let state = self.state.lock().unwrap();
        let rows = state.held.iter();
        rows.map(|((pool, agent), amount)| Booking {
            pool: pool.clone(),
            agent: *agent,
            amount: *amount,
        })
        .collect()
    }
}
