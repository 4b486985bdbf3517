//! A machine pool as we believe it to be: what its shared ledger said last, and when it is
//! asked again. What we hold in it ourselves is counted from our agents.

use alloc::string::String;
use core::time::Duration;

use headcount_model::{Resources, Timestamp, Unreserved};

use super::delay_after;

/// A refused reservation is tried again after this, then after twice as long, and so on.
const FIRST_DELAY: Duration = Duration::from_millis(500);
/// Nobody tells when another daemon gives room back, so it is asked for so often at least.
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// What a shared ledger said last.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MachinePoolFacts {
    /// Times in a row that it gave nothing; refusals of one wave count once.
    pub(crate) refusals: u32,
    /// Until then it is believed to stand as it said last.
    pub(crate) until: Timestamp,
    /// What the other daemons held then, if it could tell.
    pub(crate) others: Option<Resources>,
    /// Why it gave nothing last, and when.
    pub last: Option<(Timestamp, String)>,
}

impl MachinePoolFacts {
    /// It booked nothing.
    pub(crate) fn refused(&mut self, why: Unreserved, now: Timestamp) {
        self.others = why.others;
        self.last = Some((now, why.trouble.message));
        if now < self.until {
            return;
        }
        self.until = now.after(delay_after(self.refusals, FIRST_DELAY, LONGEST_DELAY));
        self.refusals = self.refusals.saturating_add(1);
    }

    /// It booked something. What was too large a moment ago still is.
    pub(crate) fn granted(&mut self, now: Timestamp) {
        if now >= self.until {
            *self = Self::default();
        }
    }

    /// Whether it is only tried out, by one launch at a time, whether it has room again.
    pub(crate) fn is_probed(&self, now: Timestamp) -> bool {
        self.refusals > 0 && now >= self.until
    }

    /// When it is asked again for what it refused, if that lies ahead.
    pub(crate) fn asked_again_at(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.until).filter(|until| now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use headcount_model::{Trouble, TroubleKind};

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn why() -> Unreserved {
        let trouble = Trouble {
            kind: TroubleKind::NoCapacity(None),
            message: "full".into(),
        };
        Unreserved {
            trouble,
            others: Some(Resources::ZERO),
        }
    }

    #[test]
    fn waits_double_up_to_the_longest_and_one_wave_counts_once() {
        let mut facts = MachinePoolFacts::default();
        let mut now = at(0);
        let mut waits = Vec::new();
        for _ in 0..8 {
            facts.refused(why(), now);
            facts.refused(why(), now);
            waits.push(facts.until.since(now).as_millis());
            now = facts.until;
            assert!(facts.is_probed(now));
        }
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        facts.granted(now);
        assert_eq!(facts, MachinePoolFacts::default());
    }

    #[test]
    fn something_small_that_was_given_says_nothing_of_what_was_too_large() {
        let mut facts = MachinePoolFacts::default();
        facts.refused(why(), at(0));
        let before = facts.clone();
        facts.granted(at(100));
        assert_eq!(facts, before);
    }
}
