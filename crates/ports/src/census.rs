//! Which machines there are, as far as anybody can tell: for backends whose machines somebody
//! else makes and lists.
//!
//! Promise: pure; moments come in as values. A machine is there from the moment it is asked
//! for. A list that lacks it for a while proves nothing: who is missing in two lists some time
//! apart is to be asked for by name ([`Census::unseen`]), and is gone only when that says so
//! too ([`Census::absent`]). Of one that nobody has shown since it was asked for the lists may
//! have to be further apart ([`Patience`]): it may be too new for them. What a list says of who
//! changed since the list was begun is not believed. Leaves the asking to the backend.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use headcount_model::{
    AgentId, BackendEvent, Exit, Instance, InstanceState, Listing, PoolName, Price, Timestamp,
};

/// Agents that are gone, remembered against lists that were begun before.
const REMEMBERED: usize = 1024;

/// A moment of some clock.
pub trait Moment: Copy + Ord {
    /// How long ago `earlier` was; zero when it lies ahead.
    fn since(self, earlier: Self) -> Duration;
}

impl Moment for Instant {
    fn since(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

impl Moment for Timestamp {
    fn since(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

/// A machine that its maker says there is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Machine {
    /// The maker's own name for it.
    pub id: String,
    /// Ours.
    pub name: String,
    /// Whose machine.
    pub agent: AgentId,
    /// The pool it was made for.
    pub pool: PoolName,
    /// How it stands.
    pub state: InstanceState,
    /// What the maker has to say of it, one line.
    pub message: Option<String>,
    /// What the maker says it costs.
    pub price: Option<Price>,
    /// How long a lease of it lasts, where it has one that is renewed.
    pub lease: Option<Duration>,
}

/// How far apart two lists that lack a machine must be before it is asked for, at least.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// For one that a list or a look has shown.
    pub shown: Duration,
    /// For one that nobody has shown since it was asked for: so long lists may lag behind what
    /// was made.
    pub unshown: Duration,
}

impl Patience {
    const fn of(self, shown: bool) -> Duration {
        match shown {
            true => self.shown,
            false => self.unshown,
        }
    }
}

impl From<Duration> for Patience {
    /// Of a maker whose lists show at once what there is.
    fn from(both: Duration) -> Self {
        Self {
            shown: both,
            unshown: both,
        }
    }
}

/// All machines.
pub struct Census<M = Instant> {
    known: BTreeMap<AgentId, Known<M>>,
    gone: VecDeque<(AgentId, M)>,
}

impl<M> Default for Census<M> {
    fn default() -> Self {
        Self {
            known: BTreeMap::new(),
            gone: VecDeque::new(),
        }
    }
}

/// What is known of one agent's machine.
struct Known<M> {
    pool: PoolName,
    /// Usually one; a maker may have made two under one name.
    ids: BTreeSet<String>,
    state: InstanceState,
    message: Option<String>,
    told_price: Option<Price>,
    told_running: bool,
    lease: Option<Duration>,
    changed_at: M,
    /// A list or a look has shown it since it was asked for.
    shown: bool,
    missing_since: Option<M>,
    /// Missing for long enough: it is to be asked for by name.
    unseen: bool,
}

impl<M: Moment> Census<M> {
    /// It may be there from now on. False when that was known.
    pub fn expect(&mut self, agent: AgentId, pool: &PoolName, now: M) -> bool {
        let is_new = !self.known.contains_key(&agent);
        let known = self
            .known
            .entry(agent)
            .or_insert_with(|| Known::new(pool, now));
        known.changed_at = now;
        known.shown = false;
        known.missing_since = None;
        known.unseen = false;
        is_new
    }

    /// It is made with a lease of this length.
    pub fn leased(&mut self, agent: AgentId, lease: Duration) {
        if let Some(known) = self.known.get_mut(&agent) {
            known.lease = Some(lease);
        }
    }

    /// The shortest of all leases that are to be renewed.
    #[must_use]
    pub fn shortest_lease(&self) -> Option<Duration> {
        self.known.values().filter_map(|known| known.lease).min()
    }

    /// Its maker says that this is it.
    pub fn made(&mut self, machine: &Machine, now: M) -> Vec<BackendEvent> {
        let known = self.known.entry(machine.agent);
        let known = known.or_insert_with(|| Known::new(&machine.pool, now));
        known.changed_at = now;
        let mut events = known.take(machine);
        events.retain(|event| *event != BackendEvent::Missed);
        events
    }

    /// It was asked for by name, and this is it.
    pub fn shown(&mut self, machine: &Machine, now: M) -> Vec<BackendEvent> {
        let ended = matches!(machine.state, InstanceState::Ended(_));
        let mut events = self.made(machine, now);
        if let Some(known) = self.known.get_mut(&machine.agent) {
            known.shown = true;
        }
        events.extend(ended.then_some(BackendEvent::Missed));
        events
    }

    /// Nothing of it is there.
    pub fn gone(&mut self, agent: AgentId, now: M) {
        self.known.remove(&agent);
        if self.gone.len() >= REMEMBERED {
            self.gone.pop_front();
        }
        self.gone.push_back((agent, now));
    }

    /// Takes in a list that was begun at `begun`. Of those who are `busy` it proves no
    /// absence.
    pub fn survey(
        &mut self,
        machines: &[Machine],
        begun: M,
        patience: impl Into<Patience>,
        busy: impl Fn(AgentId) -> bool,
    ) -> Vec<BackendEvent> {
        let patience = patience.into();
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
            known.shown = true;
        }
        for (agent, known) in &mut self.known {
            if seen.contains(agent) || known.changed_at >= begun || busy(*agent) {
                continue;
            }
            let since = *known.missing_since.get_or_insert(begun);
            known.unseen = begun.since(since) >= patience.of(known.shown);
        }
        // One word is enough to be looked at.
        let missed = events.contains(&BackendEvent::Missed);
        events.retain(|event| *event != BackendEvent::Missed);
        events.extend(missed.then_some(BackendEvent::Missed));
        events
    }

    /// Whom no list has shown for long enough, at most so many: they are to be asked for by
    /// name, and then told of by [`Census::shown`] or [`Census::absent`].
    #[must_use]
    pub fn unseen(&self, most: usize) -> Vec<AgentId> {
        let unseen = self.known.iter().filter(|(_, known)| known.unseen);
        unseen.map(|(agent, _)| *agent).take(most).collect()
    }

    /// Who was asked for by name at `asked` is not there. Not believed of one that was seen
    /// or has changed since.
    pub fn absent(&mut self, agent: AgentId, asked: M, now: M) -> Option<BackendEvent> {
        let known = self.known.get(&agent)?;
        if !known.unseen || known.changed_at >= asked {
            return None;
        }
        self.gone(agent, now);
        Some(BackendEvent::Gone(agent, Exit::Unknown))
    }

    /// Everybody, in order of agent.
    #[must_use]
    pub fn listing(&self) -> Listing {
        let instances = self.known.iter().map(|(agent, known)| Instance {
            agent: *agent,
            pool: known.pool.clone(),
            state: known.state,
        });
        Listing {
            instances: instances.collect(),
        }
    }

    /// Whether nobody is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whether anybody was missing in the last list and must be looked for again soon.
    #[must_use]
    pub fn misses_somebody(&self) -> bool {
        self.known
            .values()
            .any(|known| known.missing_since.is_some())
    }

    /// Whether one of those is missing whom a list or a look has shown before.
    #[must_use]
    pub fn misses_one_shown(&self) -> bool {
        let mut all = self.known.values();
        all.any(|known| known.shown && known.missing_since.is_some())
    }

    /// Whether it may be there.
    #[must_use]
    pub fn expects(&self, agent: AgentId) -> bool {
        self.known.contains_key(&agent)
    }

    /// Whether a list or a look has shown it since it was asked for.
    #[must_use]
    pub fn is_shown(&self, agent: AgentId) -> bool {
        self.known.get(&agent).is_some_and(|known| known.shown)
    }

    /// The pool of this agent's machine.
    #[must_use]
    pub fn pool(&self, agent: AgentId) -> Option<PoolName> {
        self.known.get(&agent).map(|known| known.pool.clone())
    }

    /// The maker's own names for it.
    #[must_use]
    pub fn ids(&self, agent: AgentId) -> Vec<String> {
        let known = self.known.get(&agent);
        known
            .into_iter()
            .flat_map(|known| known.ids.iter().cloned())
            .collect()
    }

    /// What its maker said of it last.
    #[must_use]
    pub fn message(&self, agent: AgentId) -> Option<String> {
        self.known.get(&agent)?.message.clone()
    }
}

impl<M: Moment> Known<M> {
    fn new(pool: &PoolName, now: M) -> Self {
        Self {
            pool: pool.clone(),
            ids: BTreeSet::new(),
            state: InstanceState::Starting,
            message: None,
            told_price: None,
            told_running: false,
            lease: None,
            changed_at: now,
            shown: false,
            missing_since: None,
            unseen: false,
        }
    }

    /// Believes it, and says what is new: what it costs, that it runs, that somebody must
    /// look.
    fn take(&mut self, machine: &Machine) -> Vec<BackendEvent> {
        if !self.ids.is_empty() && !self.ids.contains(&machine.id) {
            tracing::warn!(
                agent = %machine.agent,
                machine = machine.id,
                "its maker shows another machine of this agent; both end together"
            );
        }
        self.ids.insert(machine.id.clone());
        self.missing_since = None;
        self.unseen = false;
        self.message.clone_from(&machine.message);
        // What has a lease once is renewed as long as it is there.
        self.lease = machine.lease.or(self.lease);
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
