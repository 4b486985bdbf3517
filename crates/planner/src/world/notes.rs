//! What is noted between the samples of a pool: who took something from a list, as far as
//! that can be seen, and who came for nothing.
//!
//! A list does not say who took what. But its number falls when somebody does, so a fall
//! is taken for one of those who began a short time ago. Falls that additions hide leave an
//! agent taken for empty-handed too long, never too short: somebody then comes late, not
//! twice.

use alloc::collections::VecDeque;

use headcount_model::{QueueRule, Reading, Sample, Timestamp, Trigger};

/// Notes of one kind; the oldest are forgotten.
const MOST: usize = 4096;

#[derive(Clone, Debug)]
pub(super) struct Notes {
    /// When numbers of what waits alone fell, and by how many agents' work.
    falls: VecDeque<(Timestamp, u32)>,
    /// When agents began that are gone: a fall may have been theirs.
    gone: VecDeque<Timestamp>,
    /// Until when agents that came for nothing rest.
    resting: VecDeque<Timestamp>,
    /// Whether the length of a stream was less in the last sample than in the one before.
    fell: bool,
}

impl Notes {
    pub(super) const fn new() -> Self {
        Self {
            falls: VecDeque::new(),
            gone: VecDeque::new(),
            resting: VecDeque::new(),
            fell: false,
        }
    }

    /// A sample came. What happened before `since` is over.
    pub(super) fn heard(
        &mut self,
        rule: &QueueRule,
        before: Option<&Sample>,
        now: &Sample,
        since: Timestamp,
    ) {
        self.falls.retain(|(at, _)| *at >= since);
        self.gone.retain(|from| *from >= since);
        let of_lists = |trigger: &Trigger| !trigger.kind.counts_work();
        let of_lengths = |trigger: &Trigger| trigger.kind.may_stand_still();
        let fall = before.map_or(0, |before| fallen(rule, before, now, of_lists));
        if fall > 0 {
            note(&mut self.falls, (now.as_of, fall));
        }
        self.fell = before.is_some_and(|before| fallen(rule, before, now, of_lengths) > 0);
    }

    /// Whether the length of a stream became less between the last two samples.
    pub(super) const fn fell(&self) -> bool {
        self.fell
    }

    /// An agent is gone, which ran from then on if it was seen to.
    pub(super) fn gone(&mut self, ran_from: Option<Timestamp>) {
        if let Some(from) = ran_from {
            note(&mut self.gone, from);
        }
    }

    /// How many who began since then and live were seen to have taken something.
    pub(super) fn taken(&self, since: Timestamp) -> u32 {
        let falls = self.falls.iter().filter(|(at, _)| *at >= since);
        let falls = falls.fold(0_u32, |sum, (_, n)| sum.saturating_add(*n));
        let gone = self.gone.iter().filter(|from| **from >= since).count();
        falls.saturating_sub(crate::world_count(gone))
    }

    /// Somebody rests until then.
    pub(super) fn rest(&mut self, until: Timestamp, now: Timestamp) {
        self.resting.retain(|until| *until > now);
        note(&mut self.resting, until);
    }

    /// How many rest, and when the first of them has rested.
    pub(super) fn resting(&self, now: Timestamp) -> (u32, Option<Timestamp>) {
        let resting = self.resting.iter().copied().filter(|until| *until > now);
        let first = resting.clone().min();
        (crate::world_count(resting.count()), first)
    }
}

fn note<T>(notes: &mut VecDeque<T>, it: T) {
    if notes.len() >= MOST {
        notes.pop_front();
    }
    notes.push_back(it);
}

/// For how many agents' work these numbers fell, where nothing more is known of them.
fn fallen(rule: &QueueRule, before: &Sample, now: &Sample, of: impl Fn(&Trigger) -> bool) -> u32 {
    let readings = before.readings.iter().zip(&now.readings);
    let pairs = rule.triggers.iter().zip(readings);
    let pairs = pairs.filter(|(trigger, _)| of(trigger));
    let falls = pairs.map(|(trigger, pair)| match pair {
        (Reading::Known(before), Reading::Known(now)) if now.backlog.is_none() => {
            // An agent may take as many at once as it is for. A cast saturates, and what is
            // not a number becomes zero.
            let fell = (before.value.0 - now.value.0).max(0.0);
            libm::ceil(fell / trigger.target.0.max(1.0)) as u32
        }
        _ => 0,
    });
    falls.fold(0, u32::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn those_who_rest_do_so_until_their_time_is_over() {
        let mut notes = Notes::new();
        assert_eq!(notes.resting(at(5)), (0, None));
        notes.rest(at(10), at(0));
        notes.rest(at(20), at(0));
        assert_eq!(notes.resting(at(5)), (2, Some(at(10))));
        assert_eq!(notes.resting(at(10)), (1, Some(at(20))));
        assert_eq!(notes.resting(at(20)), (0, None));
    }

    #[test]
    fn a_fall_is_not_also_that_of_one_who_is_gone() {
        let mut notes = Notes::new();
        notes.falls.extend([(at(3), 2), (at(8), 1)]);
        assert_eq!((notes.taken(at(0)), notes.taken(at(5))), (3, 1));
        notes.gone(Some(at(2)));
        notes.gone(None);
        assert_eq!((notes.taken(at(0)), notes.taken(at(5))), (2, 1));
    }

    #[test]
    fn no_more_is_noted_than_there_is_room_for() {
        let mut notes = Notes::new();
        for n in 0..=MOST as u64 {
            notes.gone(Some(at(n)));
        }
        assert_eq!((notes.gone.len(), notes.gone[0]), (MOST, at(1)));
    }
}
