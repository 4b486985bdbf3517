//! Pools with triggers: their triggers are read when something may have changed, and
//! agents are made by what they say, within headroom. Nobody leaves by it: workers end by
//! themselves.

use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;

use headcount_model::{Reading, Reason, Sample, Timestamp};

use super::Round;
use super::facts::may_start;
use super::idle::own_shape;
use crate::guard::Permit;
use crate::policy::queue::{Crew, Proposal, propose};
use crate::world::{Configured, Signal};
use crate::{Action, Effect, Pool, QueueReport, Spending, WakeReason};

/// Servers answer in milliseconds, or are asked again.
const SAMPLE_DEADLINE: Duration = Duration::from_secs(15);

/// Pools with triggers that take new work, higher priority of their scaler first.
fn pools<'w>(round: &Round<'w>) -> Vec<(&'w Pool, &'w Configured, &'w Signal)> {
    let world = round.world;
    let mut pools: Vec<_> = world
        .pools
        .values()
        .filter_map(|pool| Some((pool, pool.open()?, pool.signal.as_ref()?)))
        .collect();
    pools.sort_by_key(|(pool, open, _)| {
        let scaler = world.fleet.scalers.get(open.scaler_index);
        (Reverse(scaler.map_or(0, |scaler| scaler.priority)), pool.id)
    });
    pools
}

/// Triggers are read where what they said may not be so any more.
pub(super) fn ask(round: &mut Round<'_>) {
    if round.world.stopping {
        return;
    }
    for (pool, _, signal) in pools(round) {
        if let Some(reason) = to_ask(round, signal) {
            round.actions.push(Action::Sample {
                pool: pool.name.clone(),
                reason,
                deadline: SAMPLE_DEADLINE,
            });
        }
    }
}

/// Why the triggers are read now, if they are. What could not be read is tried again in
/// its own time, whatever happens meanwhile.
fn to_ask(round: &mut Round<'_>, signal: &Signal) -> Option<Reason> {
    match signal.asking {
        Effect::InFlight(_) | Effect::Unknown => None,
        retry @ Effect::RetryAt(..) => may_start(round, retry).then_some(Reason::SignalUnknown),
        Effect::None => changed(round, signal),
    }
}

fn changed(round: &mut Round<'_>, signal: &Signal) -> Option<Reason> {
    let Some(heard_at) = signal.heard_at else {
        return Some(Reason::FactsMissing);
    };
    if !signal.only_polled() {
        if signal.ended().0 > 0 && signal.minds_ends() {
            return Some(Reason::AgentEnded);
        }
        let change = signal.sample().and_then(next_change);
        if change.is_some_and(|at| round.wakes.due(at, WakeReason::TriggerChange)) {
            return Some(Reason::TriggerChange);
        }
    }
    let due = heard_at.after(signal.polling());
    let due = round.wakes.due(due, WakeReason::Polling);
    due.then_some(Reason::PollingInterval)
}

/// A change that lies before the sample is in it.
fn next_change(sample: &Sample) -> Option<Timestamp> {
    sample.next_change.filter(|at| *at > sample.as_of)
}

/// Agents are made by what the triggers say.
pub(super) fn serve(round: &mut Round<'_>) {
    for (pool, open, signal) in pools(round) {
        let crew = round.crews.get(pool.id, signal);
        if let (_, Some(rested)) = signal.resting(round.now) {
            round.wakes.at(rested, WakeReason::Polling);
        }
        let asked = asked_for(signal, crew);
        let permit = if asked.create == 0 {
            Permit::NOTHING
        } else {
            let shape = own_shape(open);
            round.grow(pool, shape, asked.create, Reason::QueueDemand).0
        };
        tell_limits(round, pool, signal, asked);
        let report = report(signal, crew, asked, permit.allowed);
        if let Some(growth) = round.growth.get_mut(pool.id.0 as usize) {
            growth.queue = Some(report);
        }
    }
}

/// What is asked for now.
#[derive(Clone, Copy)]
struct Asked {
    /// New agents: those of a sample that was used are only what the guards left of it.
    create: u32,
    /// What the sample itself proposes.
    proposal: Proposal,
}

fn asked_for(signal: &Signal, crew: Crew) -> Asked {
    let proposal = propose(&signal.rule, signal.usable(), crew);
    let left = signal.left.unwrap_or(u32::MAX);
    // Where only the clock says when, the minimum is looked at when triggers are read.
    let minimum = if signal.only_polled() && signal.usable().is_some() {
        0
    } else {
        proposal.minimum
    };
    Asked {
        create: proposal.create.min(left).max(minimum),
        proposal,
    }
}

/// Names what the caps of the fleet do not know of: the rule's own maximum, and triggers
/// that could not be read.
fn tell_limits(round: &mut Round<'_>, pool: &Pool, signal: &Signal, asked: Asked) {
    let beyond = asked.proposal.wanted - asked.proposal.create;
    if beyond > 0 {
        round.count_growth(pool, beyond, Permit::none(Reason::QueueAtMax));
    }
    if signal.trouble().is_some() {
        round.count_growth(pool, 0, Permit::none(Reason::SignalUnknown));
    }
}

fn report(signal: &Signal, crew: Crew, asked: Asked, allowed: u32) -> QueueReport {
    let usable = signal.usable();
    let unused = usable.filter(|_| signal.left != Some(0));
    let left = match signal.left {
        _ if signal.only_polled() => 0,
        None => asked.create.saturating_sub(allowed),
        Some(left) => left.saturating_sub(allowed),
    };
    let changes = signal.left != Some(left);
    // Where nothing at all could be read, nobody can say.
    let heard = usable.filter(|sample| {
        let known = |reading: &Reading| matches!(reading, Reading::Known(_));
        sample.readings.is_empty() || sample.readings.iter().any(known)
    });
    QueueReport {
        alive: crew.alive,
        pending: crew.pending,
        desired: heard.map(|_| crew.alive.saturating_add(asked.proposal.wanted)),
        spends: unused.filter(|_| changes).map(|sample| Spending {
            sample: sample.number,
            left,
        }),
    }
}
