//! What this daemon holds and what it was told of the caps: the one truth about its own
//! rows. The file only repeats it for the others.

use std::collections::BTreeMap;

use headcount_model::{AgentId, Cap, Name, Resources};
use headcount_ports::Booking;

/// What is ours.
#[derive(Clone, Default, Debug)]
pub(crate) struct Own {
    pools: BTreeMap<Name, OwnPool>,
}

/// One pool.
#[derive(Clone, Default, Debug)]
pub(crate) struct OwnPool {
    /// Absent once the pool has left the configuration.
    pub(crate) cap: Option<Cap>,
    pub(crate) rows: BTreeMap<AgentId, Resources>,
    /// When the last lease that was written ends: after that nobody reads a row of ours
    /// in the file any more, whatever it says.
    pub(crate) written_until: u64,
}

impl OwnPool {
    pub(crate) fn sum(&self) -> Resources {
        let rows = self.rows.values();
        rows.fold(Resources::ZERO, |sum, row| sum.plus(*row))
    }
}

impl Own {
    pub(crate) fn configure(&mut self, caps: BTreeMap<Name, Cap>) {
        for (name, pool) in &mut self.pools {
            pool.cap = caps.get(name).copied();
        }
        for (name, cap) in caps {
            self.pools.entry(name).or_default().cap = Some(cap);
        }
    }

    /// These rows and no others.
    pub(crate) fn adopt(&mut self, bookings: Vec<Booking>) {
        for pool in self.pools.values_mut() {
            pool.rows.clear();
        }
        for booking in bookings {
            let pool = self.pools.entry(booking.pool).or_default();
            pool.rows.insert(booking.agent, booking.amount);
        }
    }

    pub(crate) fn pool(&mut self, name: &Name) -> &mut OwnPool {
        self.pools.entry(name.clone()).or_default()
    }

    /// Pools that are configured or in which something is held.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        self.pools.keys()
    }

    /// Pools in which something is held.
    pub(crate) fn in_use(&self) -> impl Iterator<Item = &Name> {
        let pools = self.pools.iter();
        pools
            .filter(|(_, pool)| !pool.rows.is_empty())
            .map(|(name, _)| name)
    }

    pub(crate) fn bookings(&self) -> Vec<Booking> {
        let pools = self.pools.iter();
        let rows = pools.flat_map(|(name, pool)| pool.rows.iter().map(move |row| (name, row)));
        rows.map(|(name, (agent, amount))| Booking {
            pool: name.clone(),
            agent: *agent,
            amount: *amount,
        })
        .collect()
    }

    /// Forgets pools that are neither configured nor in use.
    pub(crate) fn tidy(&mut self) {
        self.pools
            .retain(|_, pool| pool.cap.is_some() || !pool.rows.is_empty());
    }
}
