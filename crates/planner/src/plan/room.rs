//! Idle agents make room: what the idle rule would keep leaves where jobs wait behind a
//! cap that it fills, or where a cap was lowered. Jobs go before spares.
//!
//! Room that leaving agents will free is counted first, so that nobody is sent away
//! twice for the same job, and nobody leaves whose room would not be enough.

use alloc::vec::Vec;

use headcount_model::{AgentId, AgentPhase, Reason, Resources, Timestamp};

use super::Round;
use crate::guard::resources::counts_against;
use crate::guard::{Headroom, stale};
use crate::{Action, Agent, Link};

/// Jobs of one class that found no place, and where only caps stand in the way.
#[derive(Clone, Debug)]
pub(crate) struct Shortage {
    pub(crate) jobs: u64,
    /// Best candidate first.
    pub(crate) places: Vec<Place>,
}

/// A pool that would take jobs if caps had room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) scaler: usize,
    /// What one agent reserves.
    pub(crate) reserved: Resources,
    /// How many more agents nothing but caps keeps away.
    pub(crate) agents: u32,
    /// Jobs one agent takes at once.
    pub(crate) each: u64,
    /// The cap in the way.
    pub(crate) cap: Reason,
}

pub(super) fn make(round: &mut Round<'_>) {
    // Whoever leaves only makes more room, so who is within all caps now is so then.
    let mut scalers = 0..round.world.fleet.scalers.len();
    let within = scalers.all(|scaler| round.headroom.over(scaler).next().is_none());
    if within && round.shortages.is_empty() {
        return;
    }
    let mut spares = Spares::of(round);
    if spares.is_empty() {
        return;
    }
    let mut headroom = once_gone(round);
    let mut leaving: Vec<AgentId> = Vec::new();
    for scaler in 0..round.world.fleet.scalers.len() {
        while let Some(spare) = headroom
            .over(scaler)
            .find_map(|cap| spares.next(cap, scope_of(&headroom, cap, scaler)))
        {
            headroom.free(Some(spare.scaler), spare.machine_pool, spare.reserved);
            leaving.push(spare.agent);
        }
    }
    let lowered = leaving.iter().copied().collect();
    for shortage in core::mem::take(&mut round.shortages) {
        let mut jobs = shortage.jobs;
        for place in shortage.places {
            let agents = u32::try_from(jobs.div_ceil(place.each)).unwrap_or(u32::MAX);
            let wanted = agents.min(place.agents);
            let fits = serve(&mut headroom, &mut spares, place, wanted, &mut leaving);
            jobs = jobs.saturating_sub(u64::from(fits) * place.each);
        }
    }
    for agent in &leaving {
        if let Some(agent) = round.world.agents.get(agent) {
            super::idle::leave(round, agent, Reason::RoomWanted);
        }
    }
    super::idle::fill_up(round, &lowered);
}

/// Picks spares for up to `wanted` agents of this place, and no more than bring it
/// further. Returns how many agents there will be room for.
fn serve(
    headroom: &mut Headroom<'_>,
    spares: &mut Spares,
    place: Place,
    wanted: u32,
    leaving: &mut Vec<AgentId>,
) -> u32 {
    let mut tried: Vec<Spare> = Vec::new();
    let (mut fits, mut cap) = headroom.fits(place.scaler, place.reserved);
    while fits < wanted {
        let scope = scope_of(headroom, cap, place.scaler);
        let Some(spare) = spares.next(cap, scope) else {
            break;
        };
        headroom.free(Some(spare.scaler), spare.machine_pool, spare.reserved);
        tried.push(spare);
        let now_fits;
        (now_fits, cap) = headroom.fits(place.scaler, place.reserved);
        if now_fits > fits {
            fits = now_fits;
            leaving.extend(tried.drain(..).map(|spare| spare.agent));
        }
    }
    for spare in tried.into_iter().rev() {
        headroom.put_back(spare.scaler, spare.machine_pool, spare.reserved);
        spares.put_back(spare);
    }
    let fits = fits.min(wanted);
    headroom.spend(place.scaler, place.reserved, fits);
    fits
}

/// The room as it will be once everybody who leaves is gone.
fn once_gone<'w>(round: &Round<'w>) -> Headroom<'w> {
    let mut headroom = round.headroom.clone();
    let sent = round.actions.iter().filter_map(|action| match action {
        // Only idle agents are asked to leave; one that works may be told so again.
        Action::Drain { agent, .. } => Some(*agent).filter(|id| !drains(round, *id)),
        Action::Destroy { agent, .. } => Some(*agent),
        _ => None,
    });
    let sent: alloc::collections::BTreeSet<AgentId> = sent.collect();
    for agent in round.world.agents.values() {
        if agent.leaves_soon() || sent.contains(&agent.record.id) {
            let shared = machine_pool_of(round, agent);
            headroom.free(scaler_of(round, agent), shared, reserved(agent));
        }
    }
    headroom
}

fn drains(round: &Round<'_>, id: AgentId) -> bool {
    let agent = round.world.agents.get(&id);
    agent.is_some_and(|agent| agent.record.phase == AgentPhase::Draining)
}

fn reserved(agent: &Agent) -> Resources {
    crate::fit::reserved(&agent.record.granted, agent.record.slots)
}

fn scaler_of(round: &Round<'_>, agent: &Agent) -> Option<usize> {
    round
        .scaler_of
        .get(agent.pool.0 as usize)
        .copied()
        .flatten()
}

fn machine_pool_of(round: &Round<'_>, agent: &Agent) -> Option<usize> {
    let shared = round.headroom.machine_pools();
    shared.named(agent.record.machine_pool.as_ref())
}

/// Whose spares can help against a cap.
#[derive(Clone, Copy)]
enum Scope {
    /// Anybody's.
    Fleet,
    /// The scaler's own.
    Scaler(usize),
    /// Those that are reserved in this machine pool.
    MachinePool(Option<usize>),
}

fn scope_of(headroom: &Headroom<'_>, reason: Reason, scaler: usize) -> Scope {
    use Reason as R;
    match reason {
        R::FleetAtMaxAgents | R::FleetCpuCap | R::FleetMemoryCap => Scope::Fleet,
        R::MachinePoolCpuCap | R::MachinePoolMemoryCap => {
            Scope::MachinePool(headroom.machine_pools().of_scaler(scaler))
        }
        _ => Scope::Scaler(scaler),
    }
}

#[derive(Clone, Copy)]
struct Spare {
    idle_since: Timestamp,
    agent: AgentId,
    scaler: usize,
    machine_pool: Option<usize>,
    reserved: Resources,
}

/// Idle agents that would stay and may be asked to leave, per scaler, newest last.
struct Spares {
    by_scaler: Vec<Vec<Spare>>,
    /// Scalers in the order in which they give: lowest priority first.
    order: Vec<usize>,
}

impl Spares {
    fn of(round: &Round<'_>) -> Self {
        let scalers = &round.world.fleet.scalers;
        let mut by_scaler = alloc::vec![Vec::new(); scalers.len()];
        let mut order: Vec<usize> = (0..scalers.len()).rev().collect();
        order.sort_by_key(|scaler| scalers[*scaler].priority);
        let stays = round.stays.clone().settled().into_iter();
        let stays =
            stays.filter(|(_, reason)| matches!(reason, Reason::KeptReady | Reason::IdleTime));
        for (id, _) in stays {
            let Some(agent) = round.world.agents.get(&id) else {
                continue;
            };
            let Some(scaler) = scaler_of(round, agent).filter(|_| may_leave(round, agent)) else {
                continue;
            };
            by_scaler[scaler].push(Spare {
                idle_since: agent.idle_since,
                agent: id,
                scaler,
                machine_pool: machine_pool_of(round, agent),
                reserved: reserved(agent),
            });
        }
        for spares in &mut by_scaler {
            spares.sort_by_key(|spare| (spare.idle_since, spare.agent));
        }
        Self { by_scaler, order }
    }

    fn is_empty(&self) -> bool {
        self.by_scaler.iter().all(Vec::is_empty)
    }

    /// The newest of this scaler, or of the scaler that is the first to give, that takes
    /// from what this cap bounds: others would leave for nothing, and come back.
    fn next(&mut self, cap: Reason, scope: Scope) -> Option<Spare> {
        let takes = |spare: &Spare| counts_against(cap, spare.reserved);
        let within = |spare: &Spare| match scope {
            Scope::MachinePool(pool) => takes(spare) && spare.machine_pool == pool,
            Scope::Fleet | Scope::Scaler(_) => takes(spare),
        };
        if let Scope::Scaler(scaler) = scope {
            return newest(self.by_scaler.get_mut(scaler)?, within);
        }
        let order = self.order.iter();
        order
            .into_iter()
            .find_map(|scaler| newest(&mut self.by_scaler[*scaler], within))
    }

    fn put_back(&mut self, spare: Spare) {
        let spares = &mut self.by_scaler[spare.scaler];
        let key = (spare.idle_since, spare.agent);
        let at = spares.partition_point(|other| (other.idle_since, other.agent) < key);
        spares.insert(at, spare);
    }
}

fn newest(spares: &mut Vec<Spare>, helps: impl Fn(&Spare) -> bool) -> Option<Spare> {
    let at = spares.iter().rposition(helps)?;
    Some(spares.remove(at))
}

fn may_leave(round: &Round<'_>, agent: &Agent) -> bool {
    agent.link == Link::Up
        && agent.record.kind != headcount_model::AgentKind::Worker
        && stale::may_remove(round.world, &agent.record.backend)
}
