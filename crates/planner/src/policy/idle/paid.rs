//! Paid periods: a machine that is paid for in whole hours is of use until the hour is over,
//! so one that is too many leaves only shortly before.
//!
//! Promise: pure; who leaves is in the last part of a period and has been idle for the idle
//! time; no more leave than are too many. A period counts from the order of the machine,
//! which is not later than the provider's own count begins, so that none is begun anew.

use alloc::vec::Vec;
use core::time::Duration;

use headcount_model::{IdleRule, Timestamp};

use super::Ready;

/// The last part of a period, in which machines leave: long enough to end one.
const PART: u32 = 12;
/// And not longer than this, however long the period is.
const LONGEST: Duration = Duration::from_secs(300);

/// Which idle agents leave, of whom so many are too many: the newest idle first, as
/// everywhere. In the order given.
pub(super) fn leavers(
    rule: &IdleRule,
    period: Duration,
    ready: &Ready<'_>,
    too_many: u32,
    now: Timestamp,
) -> Vec<bool> {
    let mut left = too_many;
    let paid = ready.idle_since.iter().zip(ready.paid_from);
    let newest_first = paid.rev().map(|(idle_since, paid_from)| {
        let leaves = left > 0 && chance(rule, period, *idle_since, *paid_from, now) == now;
        left -= u32::from(leaves);
        leaves
    });
    let mut leavers: Vec<bool> = newest_first.collect();
    leavers.reverse();
    leavers
}

/// The first moment, not before `now`, at which an agent could leave for being too many.
pub(super) fn chance(
    rule: &IdleRule,
    period: Duration,
    idle_since: Timestamp,
    paid_from: Timestamp,
    now: Timestamp,
) -> Timestamp {
    let earliest = now.max(idle_since.after(rule.idle_time));
    let period_millis = period.as_millis().max(1);
    let into = earliest.since(paid_from).as_millis() % period_millis;
    let margin = (period / PART).min(LONGEST).as_millis().max(1);
    let opens = period_millis.saturating_sub(margin);
    let wait = opens.saturating_sub(into);
    let wait = u64::try_from(wait).unwrap_or(u64::MAX);
    earliest.after(Duration::from_millis(wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn rule(idle_time: u64) -> IdleRule {
        IdleRule {
            idle_time: Duration::from_secs(idle_time),
            ..IdleRule::default()
        }
    }

    fn first(idle_time: u64, idle_since: u64, paid_from: u64, now: u64) -> u64 {
        let rule = rule(idle_time);
        let chance = chance(&rule, HOUR, at(idle_since), at(paid_from), at(now));
        chance.as_millis() / 1000
    }

    #[test]
    fn the_chance_is_the_last_five_minutes_of_each_paid_hour() {
        assert_eq!(first(0, 100, 0, 100), 3300);
        assert_eq!(first(0, 100, 0, 3299), 3300);
        assert_eq!(first(0, 100, 0, 3300), 3300, "it is there");
        assert_eq!(first(0, 100, 0, 3599), 3599, "to the end");
        assert_eq!(first(0, 100, 0, 3600), 6900, "the next hour has begun");
        assert_eq!(
            first(0, 100, 50, 3600),
            3600,
            "its own hour, not the clock's"
        );
    }

    #[test]
    fn the_idle_time_must_be_over_as_well() {
        assert_eq!(
            first(1800, 2000, 0, 2000),
            6900,
            "too late for the first hour"
        );
        assert_eq!(first(1800, 1600, 0, 2000), 3400, "within its last minutes");
        assert_eq!(first(1800, 1000, 0, 2000), 3300);
    }

    #[test]
    fn the_margin_is_a_part_of_a_short_period() {
        let minute = Duration::from_secs(60);
        let chance = chance(&rule(0), minute, at(0), at(0), at(0));
        assert_eq!(chance, at(55));
    }

    #[test]
    fn whose_hour_ends_leaves_and_no_more_than_are_too_many() {
        let leave = |too_many| {
            let ready = Ready {
                idle_since: &[at(10), at(20), at(30), at(40)],
                paid_from: &[at(0), at(3000), at(0), at(0)],
                starting: 0,
                in_use: 0,
                may_leave: true,
            };
            leavers(&rule(0), HOUR, &ready, too_many, at(3400))
        };
        assert_eq!(leave(0), [false; 4]);
        assert_eq!(leave(1), [false, false, false, true]);
        assert_eq!(leave(2), [false, false, true, true]);
        assert_eq!(leave(4), [true, false, true, true], "one hour is young");
    }
}
