//! A program that makes machines, and the cloud behind it: what it answers when all is well,
//! and in bad weather.
//!
//! Promise: as `docs/provisioners.md` says of the native contract: a machine has its marks
//! from the call that makes it; whoever says that nothing was made has made nothing; asked for
//! by name it says what is true, or that it cannot tell. It lies in what real ones lie in:
//! lists. Leaves to others: when it is asked.

use std::collections::BTreeMap;
use std::time::Duration;

use headcount_model::{AgentId, BackendId, OwnerId, Timestamp, Trouble, TroubleKind};
use headcount_ports::census::Machine;

use super::Backend;
use crate::random::Random;
use crate::scenario::Weather;

/// What a list in bad weather does not show, in thousandths.
const LOST: u32 = 400;
/// What one says who is throttled.
const THROTTLED_REST: Duration = Duration::from_secs(30);
/// As `backends/program` has it for a quota.
const QUOTA_REST: Duration = Duration::from_secs(300);

/// The weather over all provisioners.
#[derive(Debug, Default)]
pub(crate) struct Sky {
    spells: BTreeMap<BackendId, Vec<Spell>>,
}

/// Something that goes wrong for a while.
#[derive(Debug)]
struct Spell {
    weather: Weather,
    until: Timestamp,
    /// What there was when it began.
    before: Vec<Machine>,
}

impl Sky {
    /// From now on, and until then.
    pub(crate) fn worsen(
        &mut self,
        (backend, place): (&BackendId, &Backend),
        owner: &OwnerId,
        weather: Weather,
        until: Timestamp,
    ) {
        let spell = Spell {
            weather,
            until,
            before: machines(place, owner),
        };
        self.spells.entry(backend.clone()).or_default().push(spell);
    }

    /// Nothing goes wrong any more.
    pub(crate) fn clear(&mut self) {
        self.spells.clear();
    }

    pub(crate) fn is(&self, weather: Weather, backend: &BackendId, now: Timestamp) -> bool {
        self.spell(weather, backend, now).is_some()
    }

    /// Why no machine can be made; whether anything was is told truthfully, or not at all.
    pub(crate) fn refuses_create(
        &self,
        backend: &BackendId,
        now: Timestamp,
        random: &mut Random,
    ) -> Option<Trouble> {
        let is = |weather| self.is(weather, backend, now);
        let kind = if is(Weather::Outage) {
            let kinds = [TroubleKind::Transient, TroubleKind::Unknown];
            random.pick(&kinds).unwrap_or(TroubleKind::Transient)
        } else if is(Weather::Full) {
            TroubleKind::NoCapacity(None)
        } else if is(Weather::Quota) {
            TroubleKind::NoCapacity(Some(QUOTA_REST))
        } else if is(Weather::Throttled) {
            TroubleKind::NoCapacity(Some(THROTTLED_REST))
        } else {
            return None;
        };
        let message = "the cloud says no".into();
        Some(Trouble { kind, message })
    }

    /// Whether machines can be destroyed.
    pub(crate) fn refuses_destroy(&self, backend: &BackendId, now: Timestamp) -> bool {
        [Weather::Outage, Weather::DestroyRefused]
            .into_iter()
            .any(|weather| self.is(weather, backend, now))
    }

    /// All machines of our owner, as a list has them; nothing when it cannot tell.
    pub(crate) fn list(
        &self,
        (backend, place): (&BackendId, &Backend),
        owner: &OwnerId,
        now: Timestamp,
        random: &mut Random,
    ) -> Option<Vec<Machine>> {
        let blind = [Weather::Outage, Weather::ListFails, Weather::Throttled];
        if blind
            .into_iter()
            .any(|weather| self.is(weather, backend, now))
        {
            return None;
        }
        let stale = self.spell(Weather::ListStale, backend, now);
        let mut shown = stale.map_or_else(|| machines(place, owner), |spell| spell.before.clone());
        if self.is(Weather::ListLoses, backend, now) {
            shown.retain(|_| !random.chance(LOST));
        }
        Some(shown)
    }

    /// One machine by its name: it, or that there is none; nothing when it cannot tell.
    pub(crate) fn status(
        &self,
        (backend, place): (&BackendId, &Backend),
        owner: &OwnerId,
        agent: AgentId,
        now: Timestamp,
    ) -> Option<Option<Machine>> {
        let blind = [Weather::Outage, Weather::Throttled];
        if blind
            .into_iter()
            .any(|weather| self.is(weather, backend, now))
        {
            return None;
        }
        let mut all = machines(place, owner).into_iter();
        Some(all.find(|machine| machine.agent == agent))
    }

    fn spell(&self, weather: Weather, backend: &BackendId, now: Timestamp) -> Option<&Spell> {
        let spells = self.spells.get(backend)?.iter();
        let mut now_on = spells.filter(|spell| spell.until > now);
        now_on.find(|spell| spell.weather == weather)
    }
}

/// What there really is, each machine under its own name.
fn machines(place: &Backend, owner: &OwnerId) -> Vec<Machine> {
    let ours = place.of(owner);
    let each = ours.flat_map(|(agent, made)| {
        made.ids.iter().map(move |id| Machine {
            id: id.clone(),
            name: agent.to_string(),
            agent,
            pool: made.pool.clone(),
            state: made.state,
            message: None,
            price: None,
            lease: None,
        })
    });
    each.collect()
}
