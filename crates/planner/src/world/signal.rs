//! What the triggers of a pool told, and whom its numbers do not know yet.
//!
//! Promise: a sample is used once; whoever ended after it was begun is still taken off it,
//! as long as no newer one is there. What is noted of agents that took something from a
//! list, and of those that came for nothing, is [`Notes`].

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use headcount_model::{Compat, QueueRule, Reading, Sample, Timestamp, TriggerKind};

use super::notes::Notes;
use crate::Effect;

/// Ends remembered until a sample that knows of them; with more than these a sample that
/// was begun before the oldest of them is not used.
const MOST_ENDED: usize = 4096;

/// Triggers are not read more often without being told of a change.
const SHORTEST_POLLING: Duration = Duration::from_secs(1);

/// Programs begin to read a list within this time.
const SETTLES_WITHIN: Duration = Duration::from_secs(30);

/// What is known of the triggers of a pool.
#[derive(Clone, Debug)]
pub struct Signal {
    /// The rule this is about.
    pub(crate) rule: Arc<QueueRule>,
    /// The last sample.
    pub(crate) sample: Option<Sample>,
    /// Agents that the sample may still ask for; none while no plan was made by it.
    pub(crate) left: Option<u32>,
    /// When reading for the last sample was asked for, or when it came unasked.
    pub(crate) heard_at: Option<Timestamp>,
    /// Samples of which not everything could be read.
    unread: u64,
    /// Of each trigger, the samples in which it could not be read.
    failures: Vec<u64>,
    /// When the oldest of what was told and no plan was made by yet arrived.
    arrived: Option<Timestamp>,
    /// How long reading waited to be begun, when last asked for.
    begun_late: Duration,
    /// Why nothing could be read when last asked.
    pub(crate) trouble: Option<String>,
    /// The sample that is under way or waits for its next try.
    pub(crate) asking: Effect,
    /// When the one under way was asked for.
    asked_at: Timestamp,
    /// The sample under way was asked for under another rule, or before a pause.
    doubted: bool,
    /// Who took something, and who came for nothing.
    notes: Notes,
    /// Who ended, and may be in the numbers of the last sample.
    ended: VecDeque<Ended>,
    /// Numbers ends.
    next_end: u64,
    /// Ends before this one happened before the sample under way was asked for.
    asked_from: u64,
    /// Ends up to this moment are forgotten.
    forgotten: Timestamp,
}

/// An agent that is gone.
#[derive(Clone, Copy, Debug)]
struct Ended {
    number: u64,
    at: Timestamp,
    /// When it began to run, if it was seen to.
    ran_from: Option<Timestamp>,
}

impl Signal {
    pub(crate) fn new(rule: Arc<QueueRule>) -> Self {
        Self {
            failures: vec![0; rule.triggers.len()],
            rule,
            sample: None,
            left: None,
            heard_at: None,
            unread: 0,
            arrived: None,
            begun_late: Duration::ZERO,
            trouble: None,
            asking: Effect::None,
            asked_at: Timestamp::ZERO,
            doubted: false,
            notes: Notes::new(),
            ended: VecDeque::new(),
            next_end: 0,
            asked_from: 0,
            forgotten: Timestamp::ZERO,
        }
    }

    /// Everything is asked anew, under this rule: what was heard is of another time. What
    /// is under way now will not be used.
    pub(crate) fn anew(&self, rule: Arc<QueueRule>) -> Self {
        let in_flight = self.asking.is_in_flight();
        let new = Self::new(rule);
        let same = new.rule.triggers == self.rule.triggers;
        Self {
            failures: if same {
                self.failures.clone()
            } else {
                new.failures.clone()
            },
            asking: if in_flight {
                Effect::InFlight(0)
            } else {
                Effect::None
            },
            doubted: in_flight,
            unread: self.unread,
            ..new
        }
    }

    /// The last sample.
    #[must_use]
    pub const fn sample(&self) -> Option<&Sample> {
        self.sample.as_ref()
    }

    /// The rule this is about.
    #[must_use]
    pub const fn rule(&self) -> &Arc<QueueRule> {
        &self.rule
    }

    /// Samples since the start of which not everything could be read.
    #[must_use]
    pub const fn unread(&self) -> u64 {
        self.unread
    }

    /// The same for each trigger, in order, under this rule.
    #[must_use]
    pub fn failures(&self) -> &[u64] {
        &self.failures
    }

    /// When the oldest of what was told and no plan was made by yet arrived, if that is known.
    #[must_use]
    pub const fn arrived(&self) -> Option<Timestamp> {
        self.arrived
    }

    /// How long the last reading that was asked for waited to be begun.
    #[must_use]
    pub const fn begun_late(&self) -> Duration {
        self.begun_late
    }

    /// Whether a plan was made by the last sample.
    #[must_use]
    pub const fn is_spent(&self) -> bool {
        self.left.is_some()
    }

    /// Why nothing, or not everything, could be read.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        let readings = self.sample.iter().flat_map(|sample| &sample.readings);
        let mut unread = readings.filter_map(|reading| match reading {
            Reading::Unknown(trouble) => Some(trouble.message.as_str()),
            Reading::Known(_) => None,
        });
        self.trouble.as_deref().or_else(|| unread.next())
    }

    /// Whether a trigger asked for somebody when last read.
    pub(crate) fn is_active(&self) -> bool {
        let readings = self.sample.iter().flat_map(|sample| &sample.readings);
        let mut pairs = self.rule.triggers.iter().zip(readings);
        pairs.any(|(trigger, reading)| match reading {
            Reading::Known(measure) => measure.value.0 > trigger.activation.0,
            Reading::Unknown(_) => false,
        })
    }

    /// Whether there was something to take when last read. Windows do not count, and of what
    /// may lie in a stream for ever only that it became less.
    pub(crate) fn had_work(&self) -> bool {
        if self.notes.fell() {
            return true;
        }
        let readings = self.sample.iter().flat_map(|sample| &sample.readings);
        let mut pairs = self.rule.triggers.iter().zip(readings);
        pairs.any(|(trigger, reading)| match (&trigger.kind, reading) {
            (_, Reading::Unknown(_)) => false,
            (kind, Reading::Known(_)) if kind.may_stand_still() => false,
            (_, Reading::Known(measure)) => match measure.backlog {
                Some(backlog) => backlog.waiting > 0 || backlog.claimable > 0,
                None => measure.value.0 > trigger.activation.0,
            },
        })
    }

    /// The sample that agents may be made by.
    pub(crate) fn usable(&self) -> Option<&Sample> {
        self.sample.as_ref().filter(|_| self.trouble.is_none())
    }

    /// Whether only the clock says when to read again.
    pub(crate) fn only_polled(&self) -> bool {
        self.rule.compat == Compat::Keda
    }

    /// The longest time between two samples. Not so short that reading is all there is.
    pub(crate) fn polling(&self) -> Duration {
        self.rule.polling.max(SHORTEST_POLLING)
    }

    /// When the last one was asked for.
    pub(crate) const fn asked_at(&self) -> Timestamp {
        self.asked_at
    }

    /// Whether an end may leave room for somebody at once.
    pub(crate) fn minds_ends(&self) -> bool {
        let mut kinds = self.rule.triggers.iter().map(|trigger| &trigger.kind);
        !self.only_polled() && kinds.any(|kind| kind.follows_ends())
    }

    /// How long after it began to run an agent is taken to hold nothing, unless a list is
    /// seen to fall. Not shorter than the time between two samples, so that the first one
    /// after it needs no alarm of its own.
    pub(crate) fn settles_within(&self) -> Duration {
        self.polling().max(SETTLES_WITHIN)
    }

    /// Of so many agents that ran when the last sample was begun, and began a short time
    /// before, those that were not seen to have taken anything from a list.
    pub(crate) fn untaken(&self, settling: u32) -> u32 {
        let since = self.as_of().before(self.settles_within());
        settling.saturating_sub(self.notes.taken(since))
    }

    /// An agent came for nothing and ended: who stands for the minimum, or for a number that
    /// may stand still, is not made again before the time between two samples is over.
    pub(crate) fn note_nothing(&mut self, now: Timestamp) {
        let mut kinds = self.rule.triggers.iter().map(|trigger| &trigger.kind);
        let still = kinds.any(TriggerKind::may_stand_still);
        if !self.only_polled() && (self.rule.min > 0 || still) {
            self.notes.rest(now.after(self.polling()), now);
        }
    }

    /// How many rest now, and when that changes.
    pub(crate) fn resting(&self, now: Timestamp) -> (u32, Option<Timestamp>) {
        self.notes.resting(now)
    }

    /// How many ended since the last sample was begun; of those, how many were not running
    /// then.
    pub(crate) fn ended(&self) -> (u32, u32) {
        let as_of = self.as_of();
        let late = |ended: &&Ended| ended.ran_from.is_none_or(|from| from >= as_of);
        let late = self.ended.iter().filter(late).count();
        (
            crate::world_count(self.ended.len()),
            crate::world_count(late),
        )
    }

    /// When the last sample was begun.
    pub(crate) fn as_of(&self) -> Timestamp {
        self.sample
            .as_ref()
            .map_or(Timestamp::ZERO, |sample| sample.as_of)
    }

    /// An agent is gone.
    pub(crate) fn note_end(&mut self, ran_from: Option<Timestamp>, now: Timestamp) {
        if self.ended.len() >= MOST_ENDED
            && let Some(oldest) = self.ended.pop_front()
        {
            self.forgotten = oldest.at;
        }
        self.ended.push_back(Ended {
            number: self.next_end,
            at: now,
            ran_from,
        });
        self.notes.gone(ran_from);
        self.next_end += 1;
    }

    /// A sample is asked for now.
    pub(crate) fn asked(&mut self, now: Timestamp) {
        self.asking = self.asking.started();
        self.asked_at = now;
        self.asked_from = self.next_end;
    }

    /// The answer to what was asked begins here. Whether it may be used.
    pub(crate) fn is_answer(&mut self) -> bool {
        if !self.asking.is_in_flight() {
            return false;
        }
        if self.doubted {
            self.doubted = false;
            self.asking = Effect::None;
            return false;
        }
        true
    }

    /// Something could not be read: these triggers.
    pub(crate) fn count_unread(&mut self, failed: impl Fn(usize) -> bool) {
        self.unread += 1;
        for (place, failures) in self.failures.iter_mut().enumerate() {
            *failures += u64::from(failed(place));
        }
    }

    /// A plan was made by the last sample; so many agents it may still ask for.
    pub(crate) fn spend(&mut self, left: u32) {
        if self.left.is_none() {
            self.arrived = None;
        }
        self.left = Some(left);
    }

    /// What arrived is waited for until a plan is made by it, also when the sample that
    /// told of it is not used.
    fn note_arrival(&mut self, sample: &Sample) {
        let known = self.arrived.into_iter();
        self.arrived = known.chain(sample.timing.arrived).min();
    }

    /// A sample that was asked for. Whatever its clock says, it was begun after that.
    pub(crate) fn answered(&mut self, sample: Sample) -> bool {
        let (from, asked_at) = (self.asked_from, self.asked_at);
        self.asking = Effect::None;
        self.note_arrival(&sample);
        self.begun_late = sample.as_of.since(asked_at);
        if asked_at <= self.forgotten {
            return false;
        }
        self.ended.retain(|ended| ended.number >= from);
        self.heard_at = Some(asked_at);
        self.take_in(sample)
    }

    /// A sample that came unasked. It counts once one was answered under this rule.
    pub(crate) fn pushed(&mut self, sample: Sample, now: Timestamp) -> bool {
        self.note_arrival(&sample);
        let early = self.heard_at.is_none() || sample.as_of <= self.forgotten;
        if early || self.only_polled() || !self.take_in(sample) {
            return false;
        }
        self.heard_at = Some(now);
        if !self.asking.is_in_flight() {
            self.asking = Effect::None;
        }
        true
    }

    fn take_in(&mut self, sample: Sample) -> bool {
        self.trouble = None;
        let known = self.sample.as_ref();
        if known.is_some_and(|known| known.number >= sample.number) {
            return false;
        }
        self.ended.retain(|ended| ended.at >= sample.as_of);
        let since = sample.as_of.before(self.settles_within());
        let before = self.sample.as_ref();
        self.notes.heard(&self.rule, before, &sample, since);
        self.sample = Some(sample);
        self.left = None;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headcount_model::{Combine, Timing};

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn sample(number: u64, as_of: u64) -> Sample {
        Sample {
            number,
            as_of: at(as_of),
            readings: Vec::new(),
            next_change: None,
            timing: Timing::default(),
        }
    }

    fn signal() -> Signal {
        Signal::new(Arc::new(QueueRule {
            triggers: Vec::new(),
            strategy: headcount_model::Strategy::Default,
            combine: Combine::Max,
            min: 0,
            max: None,
            compat: Compat::Headcount,
            polling: Duration::from_secs(30),
        }))
    }

    fn answer(signal: &mut Signal, now: u64, sample: Sample) -> bool {
        signal.asked(at(now));
        assert!(signal.is_answer());
        signal.answered(sample)
    }

    #[test]
    fn ends_are_remembered_until_a_sample_knows_of_them() {
        let mut signal = signal();
        assert!(answer(&mut signal, 100, sample(1, 101)));
        signal.note_end(Some(at(50)), at(150));
        signal.note_end(Some(at(120)), at(160));
        assert_eq!(signal.ended(), (2, 1));
        assert!(signal.pushed(sample(2, 155), at(170)));
        assert_eq!(signal.ended(), (1, 0), "the first is in it");
        // A clock that is behind does not keep them for ever.
        assert!(answer(&mut signal, 200, sample(3, 90)));
        assert_eq!(signal.ended(), (0, 0));
    }

    #[test]
    fn what_arrived_is_waited_for_until_a_plan_is_made_by_it() {
        let told = |number, as_of, arrived| Sample {
            timing: Timing {
                arrived: Some(at(arrived)),
                ..Timing::default()
            },
            ..sample(number, as_of)
        };
        let mut signal = signal();
        assert!(!signal.pushed(told(1, 10, 8), at(11)), "before any answer");
        assert!(answer(&mut signal, 12, sample(2, 13)));
        assert_eq!(signal.arrived(), Some(at(8)));
        assert_eq!(signal.begun_late(), Duration::from_millis(1));
        assert!(signal.pushed(told(3, 20, 15), at(21)));
        signal.spend(2);
        assert_eq!(signal.arrived(), None);
        // The rest of a sample is no first plan by what came later.
        assert!(!signal.pushed(told(3, 30, 28), at(31)), "known");
        signal.spend(1);
        assert_eq!(signal.arrived(), Some(at(28)));
    }

    #[test]
    fn who_ends_while_a_sample_is_read_may_be_in_it() {
        let mut signal = signal();
        signal.asked(at(100));
        signal.note_end(None, at(110));
        signal.note_end(None, at(130));
        assert!(signal.is_answer() && signal.answered(sample(1, 120)));
        assert_eq!(signal.ended(), (1, 1));
    }

    #[test]
    fn an_older_sample_is_known_and_one_under_another_rule_is_not_used() {
        let mut signal = signal();
        assert!(!signal.pushed(sample(7, 10), at(10)), "before any answer");
        assert!(answer(&mut signal, 100, sample(5, 100)));
        assert!(!signal.pushed(sample(5, 110), at(110)));
        assert!(signal.pushed(sample(6, 110), at(110)));
        signal.asked(at(120));
        let mut next = signal.anew(signal.rule.clone());
        assert!(!next.is_answer());
        assert_eq!(next.asking, Effect::None);
    }

    #[test]
    fn with_too_many_ends_older_samples_are_not_used() {
        let mut signal = signal();
        assert!(answer(&mut signal, 1, sample(1, 1)));
        for n in 0..=MOST_ENDED as u64 {
            signal.note_end(None, at(10 + n));
        }
        assert!(!signal.pushed(sample(2, 10), at(90_000)));
        assert!(signal.pushed(sample(3, 11), at(90_000)));
        assert_eq!(signal.ended().0, MOST_ENDED as u32);
    }
}
