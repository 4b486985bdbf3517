//! Which machines there are, as far as anybody can tell.
//!
//! Promise: pure; moments come in as values. A machine is there from the moment it is asked
//! for; it is gone when its program says so twice, some time apart: a list that lacks it for
//! a while proves nothing. What a list says of who changed since the list was begun is not
//! believed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use headcount_model::{
    AgentId, BackendEvent, Exit, Instance, InstanceState, Listing, PoolName, Price,
};

use crate::provisioner::Machine;

/// Agents that are gone, remembered against lists that were begun before.
const REMEMBERED: usize = 1024;

/// All machines.
#[derive(Default)]
pub(crate) struct Census {
    known: BTreeMap<AgentId, Known>,
    gone: VecDeque<(AgentId, Instant)>,
}

/// What is known of one agent's machine.
struct Known {
    pool: PoolName,
    /// Usually one; a program may have made two under one name.
    ids: BTreeSet<String>,
    state: InstanceState,
    message: Option<String>,
    told_price: Option<Price>,
    told_running: bool,
    changed_at: Instant,
    missing_since: Option<Instant>,
}

impl Census {
    /// It may be there from now on. False when that was known.
    pub(crate) fn expect(&mut self, agent: AgentId, pool: &PoolName, now: Instant) -> bool {
        let is_new = !self.known.contains_key(&agent);
        let known = self
            .known
            .entry(agent)
            .or_insert_with(|| Known::new(pool, now));
        known.changed_at = now;
        known.missing_since = None;
        is_new
    }

    /// Its program says that this is it.
    pub(crate) fn made(&mut self, machine: &Machine, now: Instant) -> Vec<BackendEvent> {
        let known = self.known.entry(machine.agent);
        let known = known.or_insert_with(|| Known::new(&machine.pool, now));
        known.changed_at = now;
        let mut events = known.take(machine);
        events.retain(|event| *event != BackendEvent::Missed);
        events
    }

    /// Nothing of it is there.
    pub(crate) fn gone(&mut self, agent: AgentId, now: Instant) {
        self.known.remove(&agent);
        if self.gone.len() >= REMEMBERED {
            self.gone.pop_front();
        }
        self.gone.push_back((agent, now));
    }

    /// Takes in a list that was begun at `begun`. Of those who are `busy` it proves no
    /// absence.
    pub(crate) fn survey(
        &mut self,
        machines: &[Machine],
        begun: Instant,
        confirm: Duration,
        busy: impl Fn(AgentId) -> bool,
    ) -> Vec<BackendEvent> {
        let mut events = Vec::new();
        let mut seen = BTreeSet::new();
        for machine in machines {
            if self
                .gone
                .iter()
                .any(|(agent, at)| *agent == machine.agent && *at >= begun)
            {
                continue;
            }
            seen.insert(machine.agent);
            let known = self.known.entry(machine.agent);
            let known = known.or_insert_with(|| Known::new(&machine.pool, begun));
            events.extend(known.take(machine));
        }
        let mut absent = Vec::new();
        for (agent, known) in &mut self.known {
            if seen.contains(agent) || known.changed_at >= begun || busy(*agent) {
                continue;
            }
            let since = *known.missing_since.get_or_insert(begun);
            if begun.duration_since(since) >= confirm {
                absent.push(*agent);
            }
        }
        for agent in absent {
            self.known.remove(&agent);
            events.push(BackendEvent::Gone(agent, Exit::Unknown));
        }
        // One word is enough to be looked at.
        let missed = events.contains(&BackendEvent::Missed);
        events.retain(|event| *event != BackendEvent::Missed);
        events.extend(missed.then_some(BackendEvent::Missed));
        events
    }

    /// Everybody, in order of agent.
    pub(crate) fn listing(&self) -> Listing {
        let instances = self.known.iter().map(|(agent, known)| Instance {
            agent: *agent,
            pool: known.pool.clone(),
            state: known.state,
        });
        Listing {
            instances: instances.collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whether anybody was missing in the last list and must be looked for again soon.
    pub(crate) fn misses_somebody(&self) -> bool {
        self.known
            .values()
            .any(|known| known.missing_since.is_some())
    }

    pub(crate) fn pool(&self, agent: AgentId) -> Option<PoolName> {
        self.known.get(&agent).map(|known| known.pool.clone())
    }

    /// The program's own names for it.
    pub(crate) fn ids(&self, agent: AgentId) -> Vec<String> {
        let known = self.known.get(&agent);
        known
            .into_iter()
            .flat_map(|known| known.ids.iter().cloned())
            .collect()
    }

    /// What the program said of it last.
    pub(crate) fn message(&self, agent: AgentId) -> Option<String> {
        self.known.get(&agent)?.message.clone()
    }
}

impl Known {
    fn new(pool: &PoolName, now: Instant) -> Self {
        Self {
            pool: pool.clone(),
            ids: BTreeSet::new(),
            state: InstanceState::Starting,
            message: None,
            told_price: None,
            told_running: false,
            changed_at: now,
            missing_since: None,
        }
    }

    /// Believes it, and says what is new: what it costs, that it runs, that somebody must
    /// look.
    fn take(&mut self, machine: &Machine) -> Vec<BackendEvent> {
        if !self.ids.is_empty() && !self.ids.contains(&machine.id) {
            tracing::warn!(
                agent = %machine.agent,
                machine = machine.id,
                "the provisioner shows another machine of this agent; both end together"
            );
        }
        self.ids.insert(machine.id.clone());
        self.missing_since = None;
        self.message.clone_from(&machine.message);
        let mut events = Vec::new();
        if let Some(price) = machine
            .price
            .filter(|price| self.told_price != Some(*price))
        {
            self.told_price = Some(price);
            events.push(BackendEvent::Priced(machine.agent, price));
        }
        let before = std::mem::replace(&mut self.state, machine.state);
        events.extend(match machine.state {
            InstanceState::Running if !self.told_running => {
                self.told_running = true;
                Some(BackendEvent::Running(machine.agent))
            }
            InstanceState::Ended(_) if before != machine.state => Some(BackendEvent::Missed),
            _ => None,
        });
        events
    }
}

#[cfg(test)]
mod tests;
