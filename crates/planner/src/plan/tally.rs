//! The world added up: recomputed for every plan, so no counter can drift.
//!
//! All that a plan must know of every agent is found in this one walk: with a hundred
//! thousand of them their records no longer fit the caches, and a walk is what costs.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use headcount_model::{
    AgentId, AgentKind, AgentPhase, BackendId, Name, Reason, Resources, Timestamp,
};

use super::crews::Crews;
use super::duties::Duties;
use super::reasons;
use super::slots::{Slot, Slots, Turn};
use crate::world::Configured;
use crate::{Agent, Effect, Link, PoolCounts, World};

/// Everything a plan counts.
pub(crate) struct Tally<'w> {
    /// Agents and unknown instances of ours.
    pub(crate) fleet_agents: u32,
    pub(crate) fleet_reserved: Resources,
    /// By index in the fleet.
    pub(crate) scaler_agents: Vec<u32>,
    pub(crate) scaler_reserved: Vec<Resources>,
    /// By machine pool: what our agents reserve in it, and how many just ask for it.
    pub(crate) machine_pools: BTreeMap<&'w Name, (Resources, u32)>,
    /// By pool id.
    pub(crate) counts: Vec<PoolCounts>,
    pub(crate) launching: Vec<u32>,
    /// By pool id: agents as triggers count them.
    pub(crate) crews: Crews,
    /// By pool id: ready agents that have a free slot or nothing to do.
    pub(crate) ready: Vec<Slots>,
    /// By pool id: agents on their way.
    pub(crate) coming: Vec<Slots>,
    /// By pool id: the scaler it counts against.
    pub(crate) scaler_of: Vec<Option<usize>>,
    /// Backends that must say whether an agent exists.
    pub(crate) doubtful: BTreeSet<BackendId>,
    /// Agents that time or a repeated order may move on, in order of id. One that is
    /// ready and can be spoken to moves on for what it owes alone.
    pub(crate) restless: Vec<&'w Agent>,
    /// Why every agent is as it is, in order of id, before this plan decides anything.
    pub(crate) reasons: Vec<(AgentId, Reason)>,
    /// Agents that are out of sight while they have jobs.
    pub(crate) away: BTreeSet<AgentId>,
}

impl<'w> Tally<'w> {
    pub(crate) fn of(world: &'w World, duties: &Duties, now: Timestamp) -> Self {
        let pools = world.next_pool as usize;
        let scalers = world.fleet.scalers.len();
        let mut tally = Self {
            fleet_agents: 0,
            fleet_reserved: Resources::ZERO,
            scaler_agents: alloc::vec![0; scalers],
            scaler_reserved: alloc::vec![Resources::ZERO; scalers],
            machine_pools: BTreeMap::new(),
            counts: alloc::vec![PoolCounts::default(); pools],
            launching: alloc::vec![0; pools],
            crews: Crews::of(world, now),
            ready: alloc::vec![Slots::default(); pools],
            coming: alloc::vec![Slots::default(); pools],
            scaler_of: Vec::new(),
            doubtful: BTreeSet::new(),
            restless: Vec::new(),
            reasons: Vec::with_capacity(world.agents.len()),
            away: BTreeSet::new(),
        };
        let index = scaler_index(world);
        let scaler_of = pool_scalers(world, &index);
        let open = open_pools(world);
        let mut taking = taking(world).into_iter().peekable();
        for (id, agent) in &world.agents {
            let pool = agent.pool.0 as usize;
            // What is being taken for agents that are gone meanwhile is passed over.
            while taking.next_if(|(taker, _)| taker < id).is_some() {}
            let taken = taking
                .next_if(|(taker, _)| taker == id)
                .map_or(0, |(_, n)| n);
            let open = open[pool].filter(|open| !open.is_outlived_by(&agent.record, now));
            tally.add(agent, scaler_of[pool], open, taken);
            tally.note(agent, duties);
        }
        tally.add_strangers(world, &index);
        tally.bring_in_order(world, now);
        tally.scaler_of = scaler_of;
        tally
    }

    /// Whose turn it is, pool by pool.
    fn bring_in_order(&mut self, world: &World, now: Timestamp) {
        let mut turns = alloc::vec![Turn::default(); self.ready.len()];
        for pool in world.pools.values() {
            turns[pool.id.0 as usize] = Turn::of(pool, now);
        }
        for (slots, turn) in self.ready.iter_mut().zip(turns) {
            slots.sort(turn);
        }
        for slots in &mut self.coming {
            slots.sort(Turn::LongestIdle);
        }
    }

    fn add(
        &mut self,
        agent: &'w Agent,
        scaler: Option<usize>,
        open: Option<&Configured>,
        taking: u32,
    ) {
        let reserved = crate::fit::reserved(&agent.record.granted, agent.record.slots);
        self.fleet_agents += 1;
        self.fleet_reserved = self.fleet_reserved.plus(reserved);
        if let Some(scaler) = scaler {
            self.scaler_agents[scaler] += 1;
            self.scaler_reserved[scaler] = self.scaler_reserved[scaler].plus(reserved);
        }
        self.add_shared(agent, reserved);
        let pool = agent.pool.0 as usize;
        let counts = &mut self.counts[pool];
        let idle = agent.jobs.is_empty() && taking == 0;
        match agent.record.phase {
            AgentPhase::Reserving | AgentPhase::Creating | AgentPhase::Starting => {
                counts.starting += 1;
                self.launching[pool] += 1;
            }
            AgentPhase::Ready if idle => counts.idle += 1,
            AgentPhase::Ready => counts.busy += 1,
            AgentPhase::Draining => counts.draining += 1,
            AgentPhase::Destroying | AgentPhase::Releasing => counts.destroying += 1,
            AgentPhase::Quarantined => counts.quarantined += 1,
        }
        if agent.effect == Effect::Unknown {
            self.doubtful.insert(agent.record.backend.clone());
        }
        let free = usable(agent, open, taking);
        let slot = Slot {
            idle_since: agent.idle_since,
            agent: agent.record.id,
            granted: agent.record.granted,
            free,
            idle,
        };
        if agent.record.phase == AgentPhase::Ready && (free > 0 || idle) {
            self.ready[pool].push(slot);
        } else if agent.is_launching() {
            self.coming[pool].push(slot);
        }
    }

    fn note(&mut self, agent: &'w Agent, duties: &Duties) {
        let id = agent.record.id;
        let down = matches!(agent.link, Link::Down(_));
        if agent.record.phase != AgentPhase::Ready || down {
            self.restless.push(agent);
        }
        if down && !agent.jobs.is_empty() {
            self.away.insert(id);
        }
        self.crews.add(agent);
        self.reasons.push((id, reasons::of(agent, duties)));
    }

    /// Room in a shared ledger counts from the asking to the confirmed giving back.
    fn add_shared(&mut self, agent: &'w Agent, reserved: Resources) {
        let Some(name) = &agent.record.machine_pool else {
            return;
        };
        let (held, asking) = self.machine_pools.entry(name).or_default();
        *held = held.plus(reserved);
        *asking += u32::from(agent.record.phase == AgentPhase::Reserving);
    }

    /// What is ours but unknown exists and counts: in the fleet, and in the scaler whose
    /// pool its mark names.
    fn add_strangers(&mut self, world: &World, index: &BTreeMap<&Name, usize>) {
        for stranger in world
            .backends
            .values()
            .flat_map(|backend| backend.strangers.values())
        {
            self.fleet_agents += 1;
            if let Some(pool) = world.pool_ids.get(&stranger.pool) {
                self.crews.add_stranger(*pool);
            }
            let scaler = stranger.pool.as_str().split('/').next().unwrap_or_default();
            if let Some(scaler) = index.get(&Name::new(scaler)) {
                self.scaler_agents[*scaler] += 1;
            }
        }
    }
}

fn scaler_index(world: &World) -> BTreeMap<&Name, usize> {
    world
        .fleet
        .scalers
        .iter()
        .enumerate()
        .map(|(n, scaler)| (&scaler.name, n))
        .collect()
}

/// The scaler each pool counts against. A pool that left the configuration still counts
/// against the scaler of its name, if there is one.
fn pool_scalers(world: &World, index: &BTreeMap<&Name, usize>) -> Vec<Option<usize>> {
    let mut scalers = alloc::vec![None; world.next_pool as usize];
    for pool in world.pools.values() {
        scalers[pool.id.0 as usize] = index.get(&pool.scaler).copied();
    }
    scalers
}

/// What each pool is, by its id, while it takes new work.
fn open_pools(world: &World) -> Vec<Option<&Configured>> {
    let mut open = alloc::vec![None; world.next_pool as usize];
    for pool in world.pools.values() {
        open[pool.id.0 as usize] = pool.open();
    }
    open
}

/// Jobs being taken for each agent.
fn taking(world: &World) -> BTreeMap<AgentId, u32> {
    let mut taking = BTreeMap::new();
    for agent in world.takes.values().flat_map(|take| &take.agents) {
        *taking.entry(*agent).or_insert(0) += 1;
    }
    taking
}

/// Jobs this agent may take beyond those it has: within its slots, within the number of
/// jobs of its life, and none once what it was made from is outdated, it has lived for long
/// enough, it was cordoned, or it cannot hear.
fn usable(agent: &Agent, open: Option<&Configured>, taking: u32) -> u32 {
    if agent.record.kind == AgentKind::Worker || agent.record.cordoned {
        return 0;
    }
    let Some(open) = open.filter(|open| open.is_current(&agent.record)) else {
        return 0;
    };
    if matches!(agent.link, crate::Link::Down(_)) {
        return 0;
    }
    let given = crate::world_count(agent.jobs.len()).saturating_add(taking);
    let free = agent.free_slots().saturating_sub(taking);
    match open.spec.max_jobs {
        Some(max) => free.min(max.saturating_sub(agent.record.jobs_done.saturating_add(given))),
        None => free,
    }
}
