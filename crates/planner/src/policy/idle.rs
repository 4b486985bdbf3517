//! The one idle rule: how many stay ready, how long a surplus one stays, when a ready
//! one is renewed. On-demand, warm pool and idle counts are settings of it.

use alloc::vec::Vec;

use headcount_model::{IdleRule, Reason, Timestamp};

/// A pool as the rule sees it, after jobs have been given to its agents.
pub(crate) struct Ready<'a> {
    /// Agents without a job and not meant for one, longest idle first: since when.
    pub(crate) idle_since: &'a [Timestamp],
    /// Agents on their way that no waiting job is meant for.
    pub(crate) starting: u32,
    /// Whether facts allow anybody to be sent away.
    pub(crate) may_leave: bool,
}

/// What the rule wants.
#[derive(PartialEq, Eq, Debug, Default)]
pub(crate) struct Verdict {
    /// New agents.
    pub(crate) add: u32,
    /// One entry per idle agent, in the order given.
    pub(crate) idle: Vec<Fate>,
}

/// What becomes of one idle agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// It stays for this reason, until this moment if time alone changes that.
    Stay(Reason, Option<Timestamp>),
    /// It leaves for this reason.
    Leave(Reason),
}

/// The rule. The longest idle are kept, so that the members of a pool that shrinks leave
/// newest first; a renewal happens only while nothing is missing, so that a fresh agent
/// stands in before the next old one goes, and orders that fresh one at once.
pub(crate) fn verdict(rule: &IdleRule, ready: &Ready<'_>, now: Timestamp) -> Verdict {
    let idle = crate::world_count(ready.idle_since.len());
    let add = rule
        .keep
        .saturating_sub(idle.saturating_add(ready.starting));
    let complete = add == 0 && ready.starting == 0 && ready.may_leave;
    let mut renewing = false;
    let fates = ready.idle_since.iter().enumerate().map(|(n, since)| {
        let kept = crate::world_count(n) < rule.keep;
        if !kept {
            return surplus(rule, *since, now);
        }
        let old_at = rule.max_idle_age.map(|age| since.after(age));
        match old_at {
            Some(at) if at <= now && complete && !renewing => {
                renewing = true;
                Fate::Leave(Reason::IdleTooOld)
            }
            Some(at) if at > now => Fate::Stay(Reason::KeptReady, Some(at)),
            _ => Fate::Stay(Reason::KeptReady, None),
        }
    });
    let idle: Vec<Fate> = fates.collect();
    let renewed = idle.contains(&Fate::Leave(Reason::IdleTooOld));
    Verdict {
        idle,
        add: add + u32::from(renewed),
    }
}

fn surplus(rule: &IdleRule, since: Timestamp, now: Timestamp) -> Fate {
    let over_at = since.after(rule.idle_time);
    if over_at <= now {
        Fate::Leave(Reason::SurplusIdle)
    } else {
        Fate::Stay(Reason::IdleTime, Some(over_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn rule(keep: u32, idle_time: u64, age: Option<u64>) -> IdleRule {
        IdleRule {
            keep,
            idle_time: Duration::from_secs(idle_time),
            max_idle_age: age.map(Duration::from_secs),
        }
    }

    fn fates(rule: &IdleRule, idle: &[u64], starting: u32, now: u64) -> Verdict {
        let idle_since: Vec<_> = idle.iter().map(|s| at(*s)).collect();
        verdict(
            rule,
            &Ready {
                idle_since: &idle_since,
                starting,
                may_leave: true,
            },
            at(now),
        )
    }

    const LEAVE: Fate = Fate::Leave(Reason::SurplusIdle);

    #[test]
    fn on_demand_is_its_zero() {
        assert_eq!(fates(&rule(0, 0, None), &[5, 6], 0, 6).idle, [LEAVE, LEAVE]);
        assert_eq!(fates(&rule(0, 0, None), &[], 0, 6).add, 0);
    }

    #[test]
    fn what_is_missing_is_added_counting_what_starts() {
        assert_eq!(fates(&rule(3, 0, None), &[1], 0, 2).add, 2);
        assert_eq!(fates(&rule(3, 0, None), &[1], 1, 2).add, 1);
        assert_eq!(fates(&rule(2, 0, None), &[1, 1], 0, 2).add, 0);
    }

    #[test]
    fn a_surplus_one_stays_for_its_idle_time() {
        let stay = Fate::Stay(Reason::IdleTime, Some(at(40)));
        let kept = Fate::Stay(Reason::KeptReady, None);
        assert_eq!(
            fates(&rule(1, 30, None), &[5, 10], 0, 39).idle,
            [kept, stay]
        );
        assert_eq!(
            fates(&rule(1, 30, None), &[5, 10], 0, 40).idle,
            [kept, LEAVE]
        );
    }

    #[test]
    fn w4_a_smaller_pool_loses_its_newest() {
        let kept = Fate::Stay(Reason::KeptReady, None);
        let verdict = fates(&rule(2, 0, None), &[1, 2, 3, 4], 0, 9);
        assert_eq!(verdict.idle, [kept, kept, LEAVE, LEAVE]);
    }

    #[test]
    fn old_ones_are_renewed_one_at_a_time() {
        let old = rule(2, 0, Some(60));
        let waits = Fate::Stay(Reason::KeptReady, None);
        let leave = Fate::Leave(Reason::IdleTooOld);
        assert_eq!(fates(&old, &[1, 1], 0, 61).idle, [leave, waits]);
        assert_eq!(
            fates(&old, &[1], 1, 61).idle,
            [waits],
            "its replacement is not ready yet"
        );
        let young = Fate::Stay(Reason::KeptReady, Some(at(65)));
        assert_eq!(fates(&old, &[5, 5], 0, 61).idle, [young, young]);
    }
}
