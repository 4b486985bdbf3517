//! What triggers tell: samples, asked for or not, and who their numbers do not know yet.

use alloc::format;
use alloc::vec::Vec;

use headcount_model::{Answer, PoolName, Reading, Sample, Timestamp, Trouble, TroubleKind};

use super::answered::retry_within;
use crate::world::{Configured, Signal};
use crate::{Effect, Pool, PoolId, Report, World};

/// A sample that nobody asked for. It can only tell of a change sooner than the next one.
pub(super) fn sampled(
    world: &mut World,
    pool: &PoolName,
    sample: Sample,
    now: Timestamp,
) -> Answer {
    let Some(signal) = signal_of(world, pool) else {
        return Answer::Known;
    };
    if misfit(signal, &sample).is_some() || !signal.pushed(sample, now) {
        return Answer::Known;
    }
    again_if_unknown(signal, now);
    Answer::Applied
}

/// The answer to a sample that was asked for.
pub(super) fn answered(
    world: &mut World,
    pool: &PoolName,
    result: Result<Sample, Trouble>,
    now: Timestamp,
) -> Answer {
    let Some(signal) = signal_of(world, pool) else {
        return Answer::Known;
    };
    if !signal.is_answer() {
        return Answer::Known;
    }
    let fits = result.and_then(|sample| match misfit(signal, &sample) {
        Some(trouble) => Err(trouble),
        None => Ok(sample),
    });
    let tried = signal.asking;
    match fits {
        Ok(sample) => {
            let taken = signal.answered(sample);
            if unread(signal) {
                count_unread(signal);
                signal.asking = again(signal, tried, now);
            }
            if taken {
                Answer::Applied
            } else {
                Answer::Known
            }
        }
        Err(trouble) => {
            signal.count_unread(|_| true);
            signal.asking = again(signal, tried, now);
            signal.trouble = Some(trouble.message);
            Answer::Applied
        }
    }
}

/// A sample is asked for.
pub(super) fn asked(world: &mut World, pool: &PoolName, now: Timestamp) {
    if let Some(signal) = signal_of(world, pool) {
        signal.asked(now);
    }
}

/// A plan was made by these samples.
pub(super) fn spend(world: &mut World, report: &Report) {
    for pool in &report.pools {
        let Some(spending) = pool.queue.and_then(|queue| queue.spends) else {
            continue;
        };
        let known = world.pools.get_mut(&pool.pool);
        let signal = known.and_then(|pool| pool.signal.as_mut());
        let Some(signal) = signal else {
            continue;
        };
        if signal.sample.as_ref().map(|sample| sample.number) == Some(spending.sample) {
            signal.spend(spending.left);
        }
    }
}

/// The configuration of a pool holds from now on: with other triggers, nothing that was
/// heard counts.
pub(super) fn configure(pool: &mut Pool) {
    let rule = pool.configured.as_ref().and_then(Configured::queue);
    pool.signal = match (rule, pool.signal.take()) {
        (None, _) => None,
        (Some(rule), None) => Some(Signal::new(rule.clone())),
        (Some(rule), Some(signal)) if signal.rule == *rule => Some(signal),
        (Some(rule), Some(signal)) => Some(signal.anew(rule.clone())),
    };
}

/// What was heard is of a time before a pause.
pub(super) fn begin_anew(pool: &mut Pool) {
    if let Some(signal) = &mut pool.signal {
        *signal = signal.anew(signal.rule.clone());
    }
}

/// Nothing is left of an agent, which ran from then on if it was seen to.
pub(super) fn note_end(
    world: &mut World,
    pool: PoolId,
    ran_from: Option<Timestamp>,
    now: Timestamp,
) {
    if let Some(signal) = signal_at(world, pool) {
        signal.note_end(ran_from, now);
    }
}

/// A worker came for nothing, and is gone.
pub(super) fn note_nothing(world: &mut World, pool: PoolId, now: Timestamp) {
    if let Some(signal) = signal_at(world, pool) {
        signal.note_nothing(now);
    }
}

fn signal_of<'w>(world: &'w mut World, pool: &PoolName) -> Option<&'w mut Signal> {
    let id = *world.pool_ids.get(pool)?;
    signal_at(world, id)
}

fn signal_at(world: &mut World, pool: PoolId) -> Option<&mut Signal> {
    world.pools.get_mut(&pool)?.signal.as_mut()
}

/// Why a sample is not about these triggers, if so.
fn misfit(signal: &Signal, sample: &Sample) -> Option<Trouble> {
    let (readings, triggers) = (sample.readings.len(), signal.rule.triggers.len());
    (readings != triggers).then(|| Trouble {
        kind: TroubleKind::Invalid,
        message: format!("a sample has {readings} readings for {triggers} triggers"),
    })
}

fn unread(signal: &Signal) -> bool {
    let mut readings = signal.sample.iter().flat_map(|sample| &sample.readings);
    readings.any(|reading| matches!(reading, Reading::Unknown(_)))
}

fn count_unread(signal: &mut Signal) {
    let readings = signal.sample.iter().flat_map(|sample| &sample.readings);
    let failed: Vec<bool> = readings
        .map(|reading| matches!(reading, Reading::Unknown(_)))
        .collect();
    signal.count_unread(|place| failed.get(place).copied().unwrap_or(false));
}

fn again_if_unknown(signal: &mut Signal, now: Timestamp) {
    if unread(signal) {
        count_unread(signal);
    }
    if unread(signal) && !signal.asking.is_in_flight() {
        signal.asking = again(signal, signal.asking, now);
    }
}

/// When something that could not be read is read again: with growing delays, and not later
/// than it would be anyway; where only the clock says when, just then.
fn again(signal: &Signal, tried: Effect, now: Timestamp) -> Effect {
    if signal.only_polled() {
        let at = signal.asked_at().after(signal.polling());
        return Effect::RetryAt(at.max(now), tried.tries().saturating_add(1));
    }
    retry_within(tried, signal.polling(), now)
}
