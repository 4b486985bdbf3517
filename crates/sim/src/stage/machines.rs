//! Machines of a provisioner, seen as `backends/program` sees them: through lists that may
//! lie, with the house's own census between.
//!
//! Promise: what the census holds dies with the daemon; a new one expects whom the ledger
//! knows. A death is seen by looking, within half a minute where nothing stands in the way.

use std::collections::BTreeMap;
use std::time::Duration;

use headcount_model::{AgentId, BackendEvent, BackendId, Listing, Timestamp, Trouble, TroubleKind};
use headcount_planner::{Action, CreateOrder, News};
use headcount_ports::census::Census;

use super::Stage;
use super::event::Event;
use crate::fake::Backend;
use crate::sabotage::Sabotage;
use crate::scenario::Weather;

/// Between the two lists that show that somebody is missing, as in `backends/program`.
const CONFIRM: Duration = Duration::from_secs(3);
/// Between two looks while there are machines, in milliseconds.
pub(super) const WATCH: u64 = 30_000;
/// The longest time between two looks in vain.
const LONGEST_WATCH: u64 = 300_000;

/// What a daemon knows of one provisioner's machines.
#[derive(Default)]
pub(super) struct Front {
    census: Census<Timestamp>,
    /// Calls for these are under way until then.
    busy: BTreeMap<AgentId, Timestamp>,
    look_at: Option<Timestamp>,
    failures: u32,
}

impl Stage {
    /// Whether a provisioner makes this story's machines.
    pub(super) const fn has_provisioner(&self) -> bool {
        self.scenario.machines.is_some()
    }

    /// The daemon starts: whoever the ledger knows counts as there.
    pub(super) fn expect_machines(&mut self) {
        if !self.has_provisioner() {
            return;
        }
        for row in self.ledger.agents.values() {
            let front = self.daemon.fronts.entry(row.backend.clone()).or_default();
            front.census.expect(row.id, &row.pool, self.now);
        }
        let backends: Vec<BackendId> = self.daemon.fronts.keys().cloned().collect();
        for backend in backends {
            self.look_within(&backend, WATCH);
        }
    }

    /// A call for a machine begins; lists prove no absence until it is over.
    pub(super) fn note_call(&mut self, action: &Action, answer_at: Timestamp) {
        if !self.has_provisioner() {
            return;
        }
        let (agent, backend) = match action {
            Action::Create(order) => (order.agent, &order.backend),
            Action::Destroy { agent, backend, .. } | Action::Reap { agent, backend, .. } => {
                (*agent, backend)
            }
            _ => return,
        };
        let now = self.now;
        let front = self.daemon.fronts.entry(backend.clone()).or_default();
        front.busy.retain(|_, until| *until > now);
        front.busy.insert(agent, answer_at);
        if let Action::Create(order) = action {
            front.census.expect(agent, &order.pool, now);
        }
    }

    /// A provisioner that makes nothing, and says why.
    pub(super) fn refuses_create(&mut self, order: &CreateOrder) -> Option<Trouble> {
        let random = &mut self.random;
        self.sky.refuses_create(&order.backend, self.now, random)
    }

    /// How slow a call is while the cloud is slow: as one that may miss its deadline.
    pub(super) fn is_slow(&self, action: &Action) -> bool {
        let Action::Create(order) = action else {
            return false;
        };
        self.sky.is(Weather::Slow, &order.backend, self.now)
    }

    /// It says that it made this machine.
    pub(super) fn note_made(&mut self, order: &CreateOrder) {
        let owner = self.owner().clone();
        let place = self.backends.entry(order.backend.clone()).or_default();
        let answer = self
            .sky
            .status((&order.backend, place), &owner, order.agent, self.now);
        let front = self.daemon.fronts.entry(order.backend.clone()).or_default();
        let machine = answer.flatten();
        let events = machine.map(|machine| front.census.made(&machine, self.now));
        self.tell_events(&order.backend, events.into_iter().flatten());
    }

    /// It says that nothing was made.
    pub(super) fn note_not_made(&mut self, agent: AgentId) {
        let Some(birth) = self.births.get(&agent).filter(|_| self.has_provisioner()) else {
            return;
        };
        if let Some(front) = self.daemon.fronts.get_mut(&birth.backend) {
            front.census.gone(agent, self.now);
        }
    }

    /// Tells a machine to go, and asks whether it has.
    pub(super) fn destroy_machine(
        &mut self,
        agent: AgentId,
        backend: &BackendId,
    ) -> Result<(), Trouble> {
        if self.sky.refuses_destroy(backend, self.now) {
            return Err(unknown("the machine is still there"));
        }
        let mark = (self.owner().clone(), agent);
        let front = self.daemon.fronts.entry(backend.clone()).or_default();
        let named = front.census.ids(agent);
        let place = self.backends.entry(backend.clone()).or_default();
        if self.sabotage != Some(Sabotage::DestroyLies) {
            end_named(place, &mark, &named);
            self.end_process(agent);
        }
        let place = self.backends.entry(backend.clone()).or_default();
        let lies = self.sabotage == Some(Sabotage::DestroyLies);
        let answer = self.sky.status((backend, place), &mark.0, agent, self.now);
        match answer {
            Some(Some(_)) if !lies => Err(unknown("the machine is still there")),
            None => Err(unknown("the cloud does not say")),
            _ => {
                let front = self.daemon.fronts.entry(backend.clone()).or_default();
                front.census.gone(agent, self.now);
                Ok(())
            }
        }
    }

    /// A list that was begun at `asked`, with what it makes of the census.
    pub(super) fn list_machines(
        &mut self,
        backend: &BackendId,
        asked: Timestamp,
    ) -> Result<Listing, Trouble> {
        let owner = self.owner().clone();
        let place = self.backends.entry(backend.clone()).or_default();
        let random = &mut self.random;
        let shown = self.sky.list((backend, place), &owner, self.now, random);
        let Some(shown) = shown else {
            return Err(Trouble {
                kind: TroubleKind::Transient,
                message: "the cloud does not list".into(),
            });
        };
        let front = self.daemon.fronts.entry(backend.clone()).or_default();
        let busy = &front.busy;
        let is_busy = |agent: AgentId| busy.get(&agent).is_some_and(|until| *until > asked);
        let mut events = front.census.survey(&shown, asked, CONFIRM, is_busy);
        for agent in front.census.unseen(usize::MAX) {
            // Sabotage: nobody asks for whom a list does not show.
            let answer = if self.sabotage == Some(Sabotage::ListsBelieved) {
                Some(None)
            } else {
                self.sky.status((backend, place), &owner, agent, self.now)
            };
            match answer {
                Some(Some(machine)) => events.extend(front.census.shown(&machine, self.now)),
                Some(None) => events.extend(front.census.absent(agent, self.now, self.now)),
                None => {}
            }
        }
        let listing = front.census.listing();
        let missing = front.census.misses_somebody();
        self.tell_events(backend, events);
        if missing {
            let soon = super::duration_millis(CONFIRM);
            self.look_within(backend, soon);
        }
        Ok(listing)
    }

    /// Somebody looks within so many milliseconds, unless somebody will look before.
    pub(super) fn look_within(&mut self, backend: &BackendId, longest: u64) {
        let at = self.within(longest.min(1 + super::duration_millis(CONFIRM)), longest);
        let front = self.daemon.fronts.entry(backend.clone()).or_default();
        if front.look_at.is_none_or(|known| at < known) {
            front.look_at = Some(at);
            let look = Event::Look(self.daemon.life, backend.clone());
            self.queue.push(at, look);
        }
    }

    pub(super) fn look(&mut self, backend: &BackendId) {
        let front = self.daemon.fronts.entry(backend.clone()).or_default();
        if front.look_at.is_none_or(|at| at > self.now) {
            return;
        }
        front.look_at = None;
        let listed = self.list_machines(backend, self.now);
        let front = self.daemon.fronts.entry(backend.clone()).or_default();
        if listed.is_ok() {
            front.failures = 0;
            return;
        }
        let first = front.failures == 0;
        front.failures = front.failures.saturating_add(1);
        let pause = (WATCH << front.failures.min(4)).min(LONGEST_WATCH);
        self.tell_events(backend, first.then_some(BackendEvent::Missed));
        self.look_within(backend, pause);
    }

    fn tell_events(&mut self, backend: &BackendId, events: impl IntoIterator<Item = BackendEvent>) {
        for event in events {
            let at = self.soon();
            self.tell(at, News::Backend(backend.clone(), event));
        }
    }
}

/// Ends the machines that the backend knows of under this mark; with none known, all that
/// have its name.
fn end_named(place: &mut Backend, mark: &crate::fake::Mark, named: &[String]) {
    let Some(made) = place.get_mut(mark) else {
        return;
    };
    made.ids
        .retain(|id| !named.is_empty() && !named.contains(id));
    if made.ids.is_empty() {
        place.destroy(mark);
    }
}

/// What a machine is called by whoever makes it; two where it makes two.
pub(super) fn names(agent: AgentId, twins: bool) -> Vec<String> {
    let letters = if twins { &["a", "b"][..] } else { &["a"] };
    let names = letters.iter().map(|letter| format!("i-{agent}-{letter}"));
    names.collect()
}

fn unknown(message: &str) -> Trouble {
    Trouble {
        kind: TroubleKind::Unknown,
        message: message.into(),
    }
}
