//! The house's arithmetic: the numbers are of the pool as it is, in whatever order its
//! agents are looked at.
//!
//! - What is on its way counts as what it will be: a spare one, or one in use if a job is
//!   meant for it.
//! - A scale ([`headcount_model::IdleScale`]) takes all agents in use, not those met so far.
//! - Who has been idle for longest is kept; what is over waits for its idle time, and where
//!   machines are paid for in periods ([`IdleRule::paid_period`]), for the end of one.

use alloc::vec::Vec;

use headcount_model::{IdleRule, Reason, Timestamp};

use super::{Fate, Ready, Verdict, paid};

/// Parts of an agent are dropped, and this much is the noise of a multiplication.
const NOISE: f64 = 1e-9;

/// The rule. The longest idle are kept, so that the members of a pool that shrinks leave
/// newest first; but who is too old leaves first of all, and whoever was too many stands in.
pub(crate) fn verdict(rule: &IdleRule, ready: &Ready<'_>, now: Timestamp) -> Verdict {
    let idle = crate::world_count(ready.idle_since.len());
    let keep = target(rule, ready.in_use);
    let add = keep.saturating_sub(idle.saturating_add(ready.starting));
    let too_many = idle.saturating_sub(keep);
    let complete = add == 0 && ready.starting == 0;
    let stand_ins = too_many.saturating_add(u32::from(complete));
    let renewed = match ready.may_leave {
        true => too_old(rule, ready, keep, now).min(stand_ins),
        false => 0,
    };
    let rest = ready.without_oldest(renewed as usize);
    let too_many_still = too_many.saturating_sub(renewed);
    let renewals = core::iter::repeat_n(Fate::Leave(Reason::IdleTooOld), renewed as usize);
    let fates = fates(rule, &rest, keep, too_many_still, now);
    Verdict {
        idle: renewals.chain(fates).collect(),
        // For the last of them nobody is there yet, and a fresh one is ordered at once.
        add: add + renewed.saturating_sub(too_many),
    }
}

/// How many have been idle for too long: the first so many, as each that goes makes the
/// next one the oldest that is kept. They leave while others stand in for them; beyond
/// those one at a time, and only while nothing is missing, so that a fresh one is there
/// before the next old one goes. Where none are kept, nobody is renewed.
fn too_old(rule: &IdleRule, ready: &Ready<'_>, keep: u32, now: Timestamp) -> u32 {
    let Some(age) = rule.max_idle_age.filter(|_| keep > 0) else {
        return 0;
    };
    let idle = ready.idle_since.iter();
    let old = idle.take_while(|since| since.after(age) <= now);
    crate::world_count(old.count())
}

/// What becomes of those that are not too old, or for whom nobody stands in.
fn fates(
    rule: &IdleRule,
    ready: &Ready<'_>,
    keep: u32,
    too_many: u32,
    now: Timestamp,
) -> Vec<Fate> {
    let leaves = leavers(rule, ready, too_many, now);
    let leaving = crate::world_count(leaves.iter().filter(|leaves| **leaves).count());
    let still_too_many = too_many > leaving;
    let mut stayed = 0;
    let paid = ready.idle_since.iter().zip(ready.paid_from).zip(leaves);
    let fates = paid.map(|((since, paid_from), leaves)| {
        if leaves {
            return Fate::Leave(Reason::SurplusIdle);
        }
        let chance = rule
            .paid_period
            .map(|period| paid::chance(rule, period, *since, *paid_from, now));
        stayed += 1;
        if stayed > keep {
            return surplus(rule, *since, chance, now);
        }
        let old_at = rule.max_idle_age.map(|age| since.after(age));
        let old_at = old_at.filter(|at| *at > now);
        // The hour of one that is kept may end before that of one too many.
        let instead = chance.filter(|_| still_too_many);
        let until = [old_at, instead].into_iter().flatten().min();
        Fate::Stay(Reason::KeptReady, until)
    });
    fates.collect()
}

/// Which of them leave for being too many, in the order given.
fn leavers(rule: &IdleRule, ready: &Ready<'_>, too_many: u32, now: Timestamp) -> Vec<bool> {
    if let Some(period) = rule.paid_period {
        return paid::leavers(rule, period, ready, too_many, now);
    }
    let keep = ready.idle_since.len() - too_many as usize;
    let idle = ready.idle_since.iter().enumerate();
    idle.map(|(n, since)| n >= keep && since.after(rule.idle_time) <= now)
        .collect()
}

/// How many are to be ready while so many are in use: `keep`, or what the scale makes of
/// those in use where that is less.
fn target(rule: &IdleRule, in_use: u32) -> u32 {
    let Some(scale) = rule.scale else {
        return rule.keep;
    };
    let scaled = libm::floor(f64::from(in_use) * scale.factor.0 + NOISE);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, and a cast stops at the ends of its range"
    )]
    let scaled = scaled as u32;
    scaled.max(scale.min.max(1)).min(rule.keep)
}

/// Why one that is too many stays for now.
fn surplus(rule: &IdleRule, since: Timestamp, chance: Option<Timestamp>, now: Timestamp) -> Fate {
    let over_at = since.after(rule.idle_time);
    match chance {
        Some(chance) if over_at <= now => Fate::Stay(Reason::PaidPeriod, Some(chance)),
        _ => Fate::Stay(Reason::IdleTime, Some(over_at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use core::time::Duration;
    use headcount_model::{IdleScale, Level};

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn rule(keep: u32, idle_time: u64, age: Option<u64>) -> IdleRule {
        IdleRule {
            keep,
            idle_time: Duration::from_secs(idle_time),
            max_idle_age: age.map(Duration::from_secs),
            ..IdleRule::default()
        }
    }

    fn fates(rule: &IdleRule, idle: &[u64], starting: u32, now: u64) -> Verdict {
        let idle_since: Vec<_> = idle.iter().map(|s| at(*s)).collect();
        verdict(
            rule,
            &Ready {
                idle_since: &idle_since,
                paid_from: &idle_since,
                starting,
                in_use: 0,
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

    #[test]
    fn whoever_is_too_many_stands_in_for_old_ones() {
        let old = rule(2, 600, Some(60));
        let leave = Fate::Leave(Reason::IdleTooOld);
        let kept = Fate::Stay(Reason::KeptReady, Some(at(90)));
        let over = Fate::Stay(Reason::IdleTime, Some(at(630)));
        let waits = Fate::Stay(Reason::KeptReady, None);
        for (idle, fates_of, add) in [
            (&[1, 30, 30][..], vec![leave, kept, kept], 0),
            (&[1, 1, 30], vec![leave, leave, kept], 1),
            (&[1, 1, 30, 30], vec![leave, leave, kept, kept], 0),
            (&[1, 30, 30, 30], vec![leave, kept, kept, over], 0),
            (&[1, 1, 1, 1], vec![leave, leave, leave, waits], 1),
        ] {
            let verdict = fates(&old, idle, 0, 61);
            assert_eq!((verdict.idle, verdict.add), (fates_of, add), "{idle:?}");
        }
        let starting = fates(&old, &[1, 1, 30], 1, 61);
        let stays = Fate::Stay(Reason::KeptReady, None);
        assert_eq!(
            starting.idle,
            [leave, stays, kept],
            "who starts is no stand-in"
        );
        assert_eq!(starting.add, 0);
    }

    /// The worked example of the autoscale documentation, and its bounds.
    #[test]
    fn a_scale_follows_what_is_in_use_between_its_bounds() {
        let scaled = |keep, factor: f64, min, in_use| {
            let scale = Some(IdleScale {
                factor: Level(factor),
                min,
            });
            let rule = IdleRule {
                scale,
                ..rule(keep, 0, None)
            };
            target(&rule, in_use)
        };
        let example = [0, 10, 20, 50, 100, u32::MAX].map(|n| scaled(100, 1.1, 10, n));
        assert_eq!(example, [10, 11, 22, 55, 100, 100]);
        assert_eq!(scaled(100, 0.29, 0, 100), 29, "not 28.999");
        assert_eq!(scaled(10, 0.5, 0, 0), 1, "or no job would ever find one");
        assert_eq!(scaled(0, 0.5, 0, 9), 0, "on demand stays on demand");
        assert_eq!(scaled(5, 1.0, 10, 0), 5, "the count is the cap");
    }
}
