//! The machine pools of the host: what is really booked in them, by us and by another
//! daemon.
//!
//! Promise: as the port asks, a booking is made once and within the cap, and what is
//! adopted is booked whatever the cap says. Rows of a daemon that is dead count until its
//! lease is over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use headcount_model::{AgentId, Cap, MachinePool, Name, Resources, Timestamp};
use headcount_model::{Trouble, TroubleKind, Unreserved};
use headcount_ports::Booking;

const LEASE: Duration = Duration::from_secs(30);

/// All pools of the host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pools {
    /// As the daemon of now was told.
    caps: BTreeMap<Name, Cap>,
    ours: BTreeMap<(Name, AgentId), Resources>,
    peers: BTreeMap<Name, Resources>,
    /// When our rows no longer count, while no daemon of ours lives.
    lapse_at: Option<Timestamp>,
}

impl Pools {
    pub(crate) fn configure(&mut self, pools: &[MachinePool]) {
        let caps = pools.iter().map(|pool| (pool.name.clone(), pool.cap));
        self.caps = caps.collect();
    }

    /// Our daemon is dead.
    pub(crate) fn daemon_died(&mut self, now: Timestamp) {
        self.lapse_at.get_or_insert(now.after(LEASE));
    }

    /// Our daemon starts and knows of these.
    pub(crate) fn adopt(&mut self, bookings: Vec<Booking>) {
        self.lapse_at = None;
        let rows = bookings.into_iter();
        self.ours = rows.map(|it| ((it.pool, it.agent), it.amount)).collect();
    }

    pub(crate) fn reserve(
        &mut self,
        pool: &Name,
        agent: AgentId,
        amount: Resources,
    ) -> Result<(), Unreserved> {
        let Some(cap) = self.caps.get(pool).copied() else {
            return Err(refused(TroubleKind::Invalid, None));
        };
        let before = self.ours.remove(&(pool.clone(), agent));
        let others = self.peer(pool);
        if fits(self.own(pool).plus(others), amount, cap) {
            self.ours.insert((pool.clone(), agent), amount);
            return Ok(());
        }
        if let Some(before) = before {
            self.ours.insert((pool.clone(), agent), before);
        }
        Err(refused(TroubleKind::NoCapacity(None), Some(others)))
    }

    pub(crate) fn release(&mut self, pool: &Name, agent: AgentId) {
        self.ours.remove(&(pool.clone(), agent));
    }

    /// Another daemon wants to hold this much from now on; it gets what is free of it.
    pub(crate) fn peer_wants(&mut self, pool: &Name, wish: Resources, now: Timestamp) {
        let lapsed = self.lapse_at.is_some_and(|at| at <= now);
        let own = if lapsed {
            Resources::ZERO
        } else {
            self.own(pool)
        };
        let cap = self.caps.get(pool).copied().unwrap_or_default();
        let free = |cap: Option<u64>, own: u64| cap.map_or(u64::MAX, |cap| cap.saturating_sub(own));
        let held = Resources {
            cpu_millis: wish
                .cpu_millis
                .min(free(cap.max_cpu_millis, own.cpu_millis)),
            memory_bytes: wish
                .memory_bytes
                .min(free(cap.max_memory_bytes, own.memory_bytes)),
        };
        self.peers.insert(pool.clone(), held);
    }

    /// The other daemon gives everything back.
    pub(crate) fn peers_leave(&mut self) {
        self.peers.clear();
    }

    /// Whether we have a row for this agent there.
    pub(crate) fn has(&self, pool: &Name, agent: AgentId) -> bool {
        self.ours.contains_key(&(pool.clone(), agent))
    }

    /// Agents we have rows for.
    pub(crate) fn agents(&self) -> BTreeSet<AgentId> {
        self.ours.keys().map(|(_, agent)| *agent).collect()
    }

    fn own(&self, pool: &Name) -> Resources {
        let rows = self.ours.iter().filter(|((of, _), _)| of == pool);
        rows.fold(Resources::ZERO, |sum, (_, row)| sum.plus(*row))
    }

    fn peer(&self, pool: &Name) -> Resources {
        self.peers.get(pool).copied().unwrap_or_default()
    }
}

fn fits(held: Resources, asked: Resources, cap: Cap) -> bool {
    let side = |held: u64, asked: u64, cap: Option<u64>| {
        asked == 0 || cap.is_none_or(|cap| held.saturating_add(asked) <= cap)
    };
    side(held.cpu_millis, asked.cpu_millis, cap.max_cpu_millis)
        && side(held.memory_bytes, asked.memory_bytes, cap.max_memory_bytes)
}

fn refused(kind: TroubleKind, others: Option<Resources>) -> Unreserved {
    let trouble = Trouble {
        kind,
        message: "the machine pool has no room".into(),
    };
    Unreserved { trouble, others }
}
