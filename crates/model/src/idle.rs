//! The idle rule as configured, and the times at which another one is in force.
//!
//! Source of idle counts, scale factor and periods: the machine autoscaling reference,
//! sections 2, 7 and 8.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::{Level, Timestamp};

/// The one idle rule: on-demand, warm pool and idle counts are settings of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IdleRule {
    /// Agents kept ready without a job; 0 is on-demand. With `scale` at most so many.
    pub keep: u32,
    /// Fewer than `keep` while little is in use; `None` is `keep` whatever is in use.
    pub scale: Option<IdleScale>,
    /// How long a ready agent above that stays.
    pub idle_time: Duration,
    /// When a ready agent is replaced by a fresh one; `None` is never.
    pub max_idle_age: Option<Duration>,
    /// An agent is paid for in whole spans of this, counted from its order, and leaves for
    /// being too many only shortly before the end of one; `None` is at any time. Above zero.
    pub paid_period: Option<Duration>,
    /// Whose arithmetic holds.
    pub compat: IdleCompat,
}

/// How many ready agents there are for those in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IdleScale {
    /// Ready agents for each one in use, above zero; parts of one are dropped.
    pub factor: Level,
    /// Ready agents at least; 0 counts as 1, so that a first job finds one.
    pub min: u32,
}

/// Whose arithmetic holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum IdleCompat {
    /// Ours: the rule's intent, whatever order agents are looked at.
    #[default]
    Headcount,
    /// GitLab Runner's for `docker+machine`, bit for bit. The guards still apply to what
    /// is done.
    Gitlab,
}

/// One entry of `schedules:`: the idle rule of some times.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Schedule {
    /// Patterns of time, at least one; it holds when any of them matches.
    pub periods: Vec<String>,
    /// IANA name, or `local` for the zone of this host.
    pub timezone: String,
    /// The rule while it is in force.
    pub rule: IdleRule,
}

/// Which schedule is in force when, worked out for a while ahead: a plan knows no
/// calendars.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Timetable {
    /// From when on which schedule is in force, by its place in the list; `None` is the
    /// pool's own rule. In order of time, at least one; nothing is known of what lies
    /// before the first.
    pub turns: Vec<(Timestamp, Option<usize>)>,
    /// Nothing is known from here on; [`Timestamp::MAX`] if nothing ever changes again.
    pub ends: Timestamp,
}

/// What a timetable says of one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InForce {
    /// The schedule, by its place in the list; `None` is the pool's own rule.
    pub schedule: Option<usize>,
    /// Until then nothing changes.
    pub until: Timestamp,
}

impl Timetable {
    /// What is in force at `now`; `None` where that is not known.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Option<InForce> {
        let next = self.turns.partition_point(|(from, _)| *from <= now);
        let (_, schedule) = *self.turns.get(next.checked_sub(1)?)?;
        let until = self.turns.get(next).map_or(self.ends, |(from, _)| *from);
        (now < self.ends).then_some(InForce { schedule, until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_timetable_tells_of_its_own_time_alone() {
        let at = |seconds: u64| Timestamp::from_millis(seconds * 1000);
        let table = Timetable {
            turns: vec![(at(10), None), (at(20), Some(1))],
            ends: at(30),
        };
        let told = |seconds| table.at(at(seconds)).map(|it| (it.schedule, it.until));
        assert_eq!(told(9), None);
        assert_eq!(told(10), Some((None, at(20))));
        assert_eq!(told(19), Some((None, at(20))));
        assert_eq!(told(20), Some((Some(1), at(30))));
        assert_eq!(told(30), None);
        let empty = Timetable {
            turns: vec![],
            ends: at(30),
        };
        assert_eq!(empty.at(at(20)), None);
    }
}
