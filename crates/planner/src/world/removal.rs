//! Removals that do not work: how often and how soon they are tried again, and when an
//! absence is believed.
//!
//! Promise: what could not be removed is never given up, never forgotten, and tried at a
//! bounded pace. Leaves to others: phases (`lifecycle`), and who is removed (`plan`).

use alloc::string::String;
use core::time::Duration;

use headcount_model::{Timestamp, Trouble, TroubleKind};

use super::{Agent, Effect, delay_after};

/// After so many failures in a row it is quarantined: somewhat less than two minutes, and
/// what the backend takes to fail.
pub(crate) const GIVE_UP_AFTER: u32 = 10;
/// The pace from then on.
const SELDOM: Duration = Duration::from_secs(300);
/// Between two words that something quarantined is gone, the second of which is believed.
pub(crate) const CONFIRM_ABSENCE: Duration = Duration::from_secs(10);
const FIRST_RETRY: Duration = Duration::from_millis(200);
const LONGEST_RETRY: Duration = Duration::from_secs(60);
/// A backend that wants to be left alone is, so long at least.
const SHORTEST_REST: Duration = Duration::from_secs(1);

/// It was not removed. A backend that says that it did nothing and wants to be left alone for
/// some time is, and that is no failure.
fn refused(effect: Effect, trouble: &Trouble, now: Timestamp) -> Effect {
    match trouble.kind {
        TroubleKind::NoCapacity(Some(rest)) => {
            Effect::RetryAt(now.after(rest.max(SHORTEST_REST)), effect.tries())
        }
        _ => failed(effect, now),
    }
}

fn failed(effect: Effect, now: Timestamp) -> Effect {
    let tries = effect.tries().saturating_add(1);
    let pause = match tries < GIVE_UP_AFTER {
        true => delay_after(tries - 1, FIRST_RETRY, LONGEST_RETRY),
        false => SELDOM,
    };
    Effect::RetryAt(now.after(pause), tries)
}

/// What is known of an absence that must be said twice.
struct Doubt<'a> {
    since: &'a mut Option<Timestamp>,
    effect: &'a mut Effect,
}

impl Doubt<'_> {
    /// It is said to be gone, now. Whether that is the second time; until then it is asked
    /// for again.
    fn resolve(self, now: Timestamp) -> bool {
        let since = *self.since.get_or_insert(now);
        if now.since(since) >= CONFIRM_ABSENCE {
            return true;
        }
        if !self.effect.is_in_flight() {
            *self.effect = Effect::RetryAt(since.after(CONFIRM_ABSENCE), self.effect.tries());
        }
        false
    }
}

impl Agent {
    /// Its backend did not remove it. Says whether it is given up for now.
    pub(crate) fn not_removed(&mut self, trouble: Trouble, now: Timestamp) -> bool {
        let known = self.record.phase == headcount_model::AgentPhase::Quarantined;
        let effect = match known {
            true => Effect::RetryAt(now, GIVE_UP_AFTER),
            false => self.effect,
        };
        self.effect = refused(effect, &trouble, now);
        self.stays_for = Some(trouble.message);
        self.absent_since = None;
        self.effect.tries() >= GIVE_UP_AFTER
    }

    /// Whether a word that it is gone is believed: of a quarantined one the second.
    pub(crate) fn is_gone(&mut self, now: Timestamp) -> bool {
        let doubt = Doubt {
            since: &mut self.absent_since,
            effect: &mut self.effect,
        };
        self.record.phase != headcount_model::AgentPhase::Quarantined || doubt.resolve(now)
    }
}

/// How the removal of something goes that has no record of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Removal {
    /// What was asked of its backend.
    pub effect: Effect,
    /// Whether a person wants it gone now.
    pub wanted: bool,
    /// Why it was not removed when that was tried last.
    pub stays_for: Option<String>,
    /// Since when it is said, again and again, that it is gone, although it was not removed
    /// for long.
    absent_since: Option<Timestamp>,
}

impl Default for Removal {
    fn default() -> Self {
        Self {
            effect: Effect::None,
            wanted: false,
            stays_for: None,
            absent_since: None,
        }
    }
}

impl Removal {
    /// Whether its backend did not remove it, again and again.
    #[must_use]
    pub const fn is_quarantined(&self) -> bool {
        self.effect.tries() >= GIVE_UP_AFTER
    }

    /// Whether it has begun, or is wanted at once.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.wanted || self.effect != Effect::None
    }

    /// Its backend shows it.
    pub(crate) const fn shown(&mut self) {
        self.absent_since = None;
    }

    /// What it was to be removed for no longer holds. What is under way is still answered.
    pub(crate) fn begun_anew(&self) -> Self {
        let effect = match self.effect.is_in_flight() {
            true => Effect::InFlight(0),
            false => Effect::None,
        };
        Self {
            effect,
            ..Self::default()
        }
    }

    /// It was tried. Says whether nothing is left to remove.
    pub(crate) fn answered(&mut self, result: Result<(), Trouble>, now: Timestamp) -> bool {
        match result {
            Ok(()) => {
                self.effect = Effect::RetryAt(now, self.effect.tries());
                self.is_gone(now)
            }
            Err(trouble) => {
                self.effect = refused(self.effect, &trouble, now);
                self.stays_for = Some(trouble.message);
                self.absent_since = None;
                false
            }
        }
    }

    /// Whether a word that it is gone is believed: of a quarantined one the second.
    pub(crate) fn is_gone(&mut self, now: Timestamp) -> bool {
        let quarantined = self.is_quarantined();
        let doubt = Doubt {
            since: &mut self.absent_since,
            effect: &mut self.effect,
        };
        !quarantined || doubt.resolve(now)
    }
}
