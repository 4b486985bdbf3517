//! The agents of pools with triggers, as the queue policy counts them.

use alloc::vec::Vec;

use headcount_model::{AgentPhase, Timestamp};

use crate::policy::queue::Crew;
use crate::world::Signal;
use crate::{Agent, Pool, PoolId, World};

/// By pool id; pools without triggers have none.
#[derive(Default)]
pub(crate) struct Crews(Vec<Option<Counted>>);

#[derive(Clone, Copy)]
struct Counted {
    /// When the sample was begun.
    as_of: Timestamp,
    /// Who began after this may not have taken anything when it was.
    settles: Timestamp,
    crew: Crew,
}

impl Crews {
    /// Nobody yet but those who ended since the sample.
    pub(super) fn of(world: &World, now: Timestamp) -> Self {
        let mut crews = alloc::vec![None; world.next_pool as usize];
        for pool in world.pools.values() {
            crews[pool.id.0 as usize] = counted(pool, now);
        }
        Self(crews)
    }

    /// Whoever is not gone is alive, until that is confirmed.
    pub(super) fn add(&mut self, agent: &Agent) {
        let counted = self.0.get_mut(agent.pool.0 as usize);
        let Some(counted) = counted.and_then(Option::as_mut) else {
            return;
        };
        let (record, crew) = (&agent.record, &mut counted.crew);
        let ready = record.phase == AgentPhase::Ready;
        let began = ready && record.phase_since >= counted.as_of;
        let settles = ready && !began && record.phase_since > counted.settles;
        match record.phase {
            AgentPhase::Releasing => return,
            AgentPhase::Reserving | AgentPhase::Creating | AgentPhase::Starting => {
                crew.pending += 1;
                crew.pending_then += 1;
            }
            AgentPhase::Ready
            | AgentPhase::Draining
            | AgentPhase::Destroying
            | AgentPhase::Quarantined => {
                crew.pending_then += u32::from(began);
                // Whether it took something is seen when all are known.
                crew.empty += u32::from(settles);
            }
        }
        crew.alive += 1;
    }

    /// An instance that the ledger does not know works all the same.
    pub(super) fn add_stranger(&mut self, pool: PoolId) {
        if let Some(Some(counted)) = self.0.get_mut(pool.0 as usize) {
            counted.crew.alive += 1;
        }
    }

    /// Those of this pool, which tells this; nobody where it has no triggers.
    pub(super) fn get(&self, pool: PoolId, signal: &Signal) -> Crew {
        let counted = self.0.get(pool.0 as usize).copied().flatten();
        let crew = counted.map(|counted| counted.crew).unwrap_or_default();
        Crew {
            empty: crew.pending_then.saturating_add(signal.untaken(crew.empty)),
            ..crew
        }
    }
}

fn counted(pool: &Pool, now: Timestamp) -> Option<Counted> {
    let signal = pool.signal.as_ref()?;
    let (ended, late) = signal.ended();
    let as_of = signal.as_of();
    Some(Counted {
        as_of,
        settles: as_of.before(signal.settles_within()),
        crew: Crew {
            ended,
            pending_then: late,
            resting: signal.resting(now).0,
            ..Crew::default()
        },
    })
}
