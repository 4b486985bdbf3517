//! The house's arithmetic: what each strategy is for, without counting anything twice.
//!
//! - The minimum stays ready beside those that demand asks for; both lie within the
//!   maximum, which nothing passes.
//! - Several triggers are compared by the agents they ask for, not by raw values.
//! - A stream that tells who holds what ([`Backlog`]) needs no guess about agents that
//!   run and have not read yet: with it `accurate` and `eager` count as `default` does,
//!   and entries of dead agents ask for nobody before another may claim them.
//! - Where nothing is counted twice, all that `eager` adds to `accurate` is agents that
//!   find nothing; so they are one.
//! - `custom` takes its deduction off the demand, before any cap, and agents on their way
//!   count whole; those that fill the minimum are no answer to demand, here as elsewhere.

use headcount_model::{Backlog, Combine, Level, Measure, QueueRule, Reading, Strategy, Trigger};

use super::{Crew, DEFAULT_MAX, Proposal, whole};

/// Agents are rounded up, and this much is the noise of a division.
const NOISE: f64 = 1e-9;

pub(super) fn propose(rule: &QueueRule, readings: &[Reading], crew: Crew) -> Proposal {
    let max = rule.max.unwrap_or(DEFAULT_MAX);
    let min = rule.min.min(max);
    let minimum = min.saturating_sub(crew.alive);
    let wanted = demand(rule, readings, crew)
        .map_or(0, |demand| beyond(rule.strategy, demand, min, crew))
        .max(minimum);
    Proposal {
        wanted,
        create: wanted.min(max.saturating_sub(crew.alive)),
        minimum,
    }
}

/// All triggers as one.
#[derive(Clone, Copy)]
struct Demand {
    /// Agents for it, before any cap.
    agents: f64,
    /// Whether what agents already work on is in it.
    with_work: bool,
}

/// What the active triggers ask for; nothing while none is active.
fn demand(rule: &QueueRule, readings: &[Reading], crew: Crew) -> Option<Demand> {
    let unknown = readings.iter().any(|r| matches!(r, Reading::Unknown(_)));
    if unknown && rule.combine == Combine::Min {
        // What could not be read may be the smallest.
        return None;
    }
    let pairs = rule.triggers.iter().zip(readings);
    let active = pairs.filter_map(|(trigger, reading)| match reading {
        Reading::Known(measure) if measure.value.0 > trigger.activation.0 => {
            Some(one(trigger, measure, crew))
        }
        Reading::Known(_) | Reading::Unknown(_) => None,
    });
    let (mut n, mut sum, mut with_work) = (0_u32, 0.0, false);
    let (mut least, mut most) = (f64::MAX, 0.0_f64);
    for demand in active {
        n += 1;
        sum += demand.agents;
        least = least.min(demand.agents);
        most = most.max(demand.agents);
        with_work |= demand.with_work;
    }
    let agents = match rule.combine {
        _ if n == 0 => return None,
        Combine::Max => most,
        Combine::Min => least,
        Combine::Avg => sum / f64::from(n),
        Combine::Sum => sum,
    };
    Some(Demand { agents, with_work })
}

/// What one trigger asks for.
fn one(trigger: &Trigger, measure: &Measure, crew: Crew) -> Demand {
    let target = trigger.target.0;
    let value = match measure.backlog {
        Some(backlog) => held(backlog, target, crew),
        None => measure.value.0,
    };
    let agents = if target > 0.0 && value > 0.0 {
        value / target
    } else {
        0.0
    };
    Demand {
        agents: if agents.is_finite() { agents } else { 0.0 },
        with_work: measure.backlog.is_some() || trigger.kind.counts_work(),
    }
}

/// The entries that somebody must still do and that living agents do or could do: what is
/// in flight beyond what they can hold belongs to dead ones, and nobody else would get it.
fn held(backlog: Backlog, target: f64, crew: Crew) -> f64 {
    let running = crew.counted().saturating_sub(crew.pending);
    let hold = f64::from(running) * target.max(1.0);
    let free = backlog.waiting.saturating_add(backlog.claimable);
    Level::count(free).0 + Level::count(backlog.in_flight).0.min(hold)
}

/// New agents for this demand, before any cap.
fn beyond(strategy: Strategy, demand: Demand, min: u32, crew: Crew) -> u32 {
    let agents = i64::from(whole(demand.agents - NOISE));
    let (min, counted) = (i64::from(min), i64::from(crew.counted()));
    let new = match strategy {
        Strategy::Custom { deduction, running } => {
            let missing = (min - counted).max(0);
            agents - i64::from(deduction) - busy(crew, min, running) + missing
        }
        Strategy::Accurate | Strategy::Eager if !demand.with_work => {
            agents - i64::from(crew.pending_then)
        }
        Strategy::Default | Strategy::Accurate | Strategy::Eager => agents + min - counted,
    };
    u32::try_from(new.max(0)).unwrap_or(u32::MAX)
}

/// Agents that are taken off a custom demand: those on their way whole, of those that run
/// the part that is asked for, the minimum not at all.
fn busy(crew: Crew, min: i64, part: Level) -> i64 {
    let running = i64::from(crew.counted().saturating_sub(crew.pending));
    let pending = i64::from(crew.pending) - (min - running).max(0);
    let part = if part.0.is_finite() { part.0 } else { 1.0 };
    pending.max(0) + libm::trunc((running - min).max(0) as f64 * part) as i64
}
