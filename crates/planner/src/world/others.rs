//! Instances of other owners that carry a lease: what is known of them, and for how long
//! their leases were seen to stand still.
//!
//! Promise: an instance is to be removed only when its lease is over by our clock, and when
//! this daemon has itself seen that nobody renews it: no clock that is wrong or jumps, ours
//! or theirs, is enough. Leaves to others: when lists are asked for, and who is removed
//! (`plan`).

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::time::Duration;

use headcount_model::{AgentId, BackendId, LeasedInstance, OwnerId, PoolName, Timestamp};

use super::{Removal, World};
use crate::Effect;

/// Lists that begin are so far apart, whatever the policies say.
const SHORTEST_PERIOD: Duration = Duration::from_secs(5);
const LONGEST_PERIOD: Duration = Duration::from_secs(5 * 60);
/// So often an instance is looked at within the shortest of the policies.
const LOOKS: u32 = 4;

/// What a backend has said of instances of other owners.
#[derive(Clone, Debug)]
pub struct Others {
    /// The list that is under way or waits for its next try.
    pub(crate) listing: Effect,
    /// Whether the last list was answered, and nobody has asked for another since.
    pub fresh: bool,
    /// Somebody asked for another since the list under way was begun.
    pub(crate) doubted: bool,
    /// When the last list was begun.
    pub(crate) asked_at: Timestamp,
    /// When the last list arrived.
    pub(crate) listed_at: Option<Timestamp>,
    /// Why the last list failed, while none has arrived since.
    pub trouble: Option<String>,
    /// In pools whose policy says what becomes of them.
    pub known: BTreeMap<(OwnerId, AgentId), Other>,
}

/// An instance of another owner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Other {
    /// As it was listed last.
    pub instance: LeasedInstance,
    /// When it was first listed with this lease.
    pub seen_at: Timestamp,
    /// For how long its lease was seen to stand still, at least.
    pub(crate) watched: Duration,
    /// Its removal.
    pub removal: Removal,
}

impl Others {
    pub(crate) const fn new() -> Self {
        Self {
            listing: Effect::None,
            fresh: false,
            doubted: false,
            asked_at: Timestamp::ZERO,
            listed_at: None,
            trouble: None,
            known: BTreeMap::new(),
        }
    }

    /// When the last list arrived.
    #[must_use]
    pub const fn listed_at(&self) -> Option<Timestamp> {
        self.listed_at
    }

    /// Somebody wants to know what there is now.
    pub(crate) fn doubt(&mut self) {
        self.fresh = false;
        match self.listing.is_in_flight() {
            true => self.doubted = true,
            false => self.listing = Effect::None,
        }
    }

    /// What was seen counts for those alone whom a policy still names. The answer of a list
    /// that is under way is still to come.
    pub(crate) fn keep(&mut self, rules: &Rules<'_>) {
        self.known
            .retain(|_, other| rules.after(&other.instance.pool).is_some());
        if rules.period().is_none() {
            let listing = core::mem::replace(self, Self::new()).listing;
            self.listing = match listing.is_in_flight() {
                true => listing,
                false => Effect::None,
            };
        }
    }
}

impl Other {
    /// The same instance, listed again `step` after it was listed last; or, where its lease
    /// or its marks are no longer what they were, one of which nothing was seen yet.
    pub(crate) fn met(
        before: Option<Self>,
        instance: LeasedInstance,
        step: Duration,
        now: Timestamp,
    ) -> Self {
        let same = before.as_ref().is_some_and(|it| it.is_still(&instance));
        match before {
            Some(mut other) if same => {
                other.watched = other.watched.saturating_add(step);
                other.instance = instance;
                other.removal.shown();
                other
            }
            before => Self {
                instance,
                seen_at: now,
                watched: Duration::ZERO,
                removal: before.map_or_else(Removal::default, |it| it.removal.begun_anew()),
            },
        }
    }

    fn is_still(&self, listed: &LeasedInstance) -> bool {
        let marks = |it: &LeasedInstance| (it.lease_until, it.lease_for, it.pool.clone());
        marks(&self.instance) == marks(listed) && self.instance.name == listed.name
    }

    /// When its lease has been over for as long as the policy says, by our clock.
    #[must_use]
    pub fn left_until(&self, after: Duration) -> Timestamp {
        self.instance.lease_until.after(after)
    }

    /// For how much longer this daemon must see that nobody renews it: a whole lease and as
    /// long as the policy says, less what it has seen.
    #[must_use]
    pub fn to_watch(&self, after: Duration) -> Duration {
        let long = self.instance.lease_for.saturating_add(after);
        long.saturating_sub(self.watched)
    }
}

/// What policies say of others at one backend.
pub(crate) struct Rules<'f>(BTreeMap<&'f PoolName, Duration>);

impl<'f> Rules<'f> {
    pub(crate) fn of(fleet: &'f headcount_model::Fleet, backend: &BackendId) -> Self {
        let ruled = fleet.scalers.iter().filter_map(|scaler| {
            let after = scaler.reap_others_after?;
            (scaler.backend == *backend).then_some((scaler, after))
        });
        let pools = ruled.flat_map(|(scaler, after)| {
            let pools = scaler.pools.iter();
            pools.map(move |pool| (&pool.name, after))
        });
        Self(pools.collect())
    }

    /// How long after the end of its lease an instance of this pool is removed.
    pub(crate) fn after(&self, pool: &PoolName) -> Option<Duration> {
        self.0.get(pool).copied()
    }

    /// How far lists that are begun are apart; `None` when nothing is to be listed.
    pub(crate) fn period(&self) -> Option<Duration> {
        let shortest = self.0.values().min()?;
        Some((*shortest / LOOKS).clamp(SHORTEST_PERIOD, LONGEST_PERIOD))
    }
}

impl World {
    /// How long after the end of its lease an instance of another owner in this pool is
    /// removed from this backend; `None` is never.
    #[must_use]
    pub fn reaps_others_after(&self, backend: &BackendId, pool: &PoolName) -> Option<Duration> {
        Rules::of(&self.fleet, backend).after(pool)
    }

    /// Whether instances of other owners are watched at this backend.
    #[must_use]
    pub fn watches_others(&self, backend: &BackendId) -> bool {
        Rules::of(&self.fleet, backend).period().is_some()
    }
}
