//! KEDA's arithmetic, bit for bit, quirks included: for those who compare both side by
//! side, or whose numbers are tuned to it.
//!
//! Source: the KEDA `ScaledJob` reference, 1 (bounds), 2.1 to 2.4 (value, aggregation,
//! decision). Numbers are 64-bit floats and integers as there.

use headcount_model::{Combine, Level, QueueRule, Reading, Strategy, Trigger};

use super::{Crew, DEFAULT_MAX, Proposal};

pub(super) fn propose(rule: &QueueRule, readings: &[Reading], crew: Crew) -> Proposal {
    let (min, max) = bounds(rule);
    let running = i64::from(crew.alive);
    let missing = min - running;
    if missing > 0 {
        // The queue is ignored until the minimum is there.
        return all(missing, missing);
    }
    let demand = aggregate(rule, readings, max);
    if !demand.active && min == 0 {
        return Proposal::default();
    }
    let beyond = running - min;
    let pending = i64::from(crew.pending);
    let step = Step {
        demand: demand.agents,
        beyond,
        pending,
        max,
    };
    let (allowed, up_to) = limits(rule.strategy, step, demand.queue);
    all(up_to.min(allowed).max(0), 0)
}

fn all(create: i64, minimum: i64) -> Proposal {
    let whole = |n: i64| u32::try_from(n.max(0)).unwrap_or(u32::MAX);
    Proposal {
        wanted: whole(create),
        create: whole(create),
        minimum: whole(minimum),
    }
}

/// The minimum, and the largest part that demand may ask for. The minimum is taken off a
/// maximum that is set, and not off the one that is not.
pub(super) fn bounds(rule: &QueueRule) -> (i64, i64) {
    let min = i64::from(rule.min);
    match rule.max.map(i64::from) {
        None => (min, i64::from(DEFAULT_MAX)),
        Some(max) if min > max => (max, max),
        Some(max) => (min, max - min),
    }
}

/// All triggers as one.
#[derive(Default)]
pub(super) struct Demand {
    pub(super) active: bool,
    /// The value, rounded up.
    pub(super) queue: i64,
    /// Agents for it.
    pub(super) agents: i64,
}

/// One trigger that answered.
struct Answer {
    active: bool,
    value: f64,
    agents: f64,
}

/// Several triggers as one: by their raw values, whatever their targets are.
pub(super) fn aggregate(rule: &QueueRule, readings: &[Reading], max: i64) -> Demand {
    let answers = rule.triggers.iter().zip(readings);
    let answers = answers.filter_map(|(trigger, reading)| answer(trigger, reading, max));
    let (mut value, mut agents, mut taken) = (0.0, 0.0, 0_u32);
    for answer in answers.filter(|answer| answer.active) {
        let takes = match rule.combine {
            Combine::Max => answer.value > value,
            // A zero is overwritten by the next one.
            Combine::Min => value == 0.0 || answer.value < value,
            Combine::Avg | Combine::Sum => {
                value += answer.value;
                agents += answer.agents;
                taken += 1;
                continue;
            }
        };
        if takes {
            (value, agents) = (answer.value, answer.agents);
            taken += 1;
        }
    }
    if rule.combine == Combine::Avg && taken > 0 {
        value /= f64::from(taken);
        agents /= f64::from(taken);
    }
    Demand {
        active: taken > 0,
        queue: libm::ceil(value) as i64,
        agents: libm::ceil(agents.min(max as f64)) as i64,
    }
}

fn answer(trigger: &Trigger, reading: &Reading, max: i64) -> Option<Answer> {
    let Reading::Known(measure) = reading else {
        return None;
    };
    let raw = measure.value.0;
    let value = published(raw);
    let target = trigger.target.0;
    let agents = if target == 0.0 {
        0.0
    } else {
        (value / target).min(max as f64)
    };
    Some(Answer {
        active: raw > trigger.activation.0,
        value,
        agents,
    })
}

/// Values travel as thousandths; what is negative or no number travels as zero.
fn published(raw: f64) -> f64 {
    if raw.is_finite() && raw > 0.0 {
        libm::round(raw * 1000.0) / 1000.0
    } else {
        0.0
    }
}

/// What a strategy decides by.
#[derive(Clone, Copy)]
pub(super) struct Step {
    /// Agents the triggers ask for, at most `max`.
    pub(super) demand: i64,
    /// Living agents beyond the minimum.
    pub(super) beyond: i64,
    /// Living agents that do not run yet.
    pub(super) pending: i64,
    /// The largest part that demand may ask for.
    pub(super) max: i64,
}

/// How many new agents there may be, and of how many the queue is worth.
pub(super) fn limits(strategy: Strategy, step: Step, queue: i64) -> (i64, i64) {
    let Step {
        demand,
        beyond,
        pending,
        max,
    } = step;
    match strategy {
        Strategy::Default => (demand - beyond, queue),
        Strategy::Custom { deduction, running } => {
            let part = part_of(beyond, running);
            ((demand - i64::from(deduction) - part).min(max), queue)
        }
        Strategy::Accurate if demand + beyond - pending > max => (max - beyond, queue),
        Strategy::Accurate => (demand - pending, queue),
        Strategy::Eager => ((max - beyond - pending).min(demand), max),
    }
}

/// Toward zero.
fn part_of(agents: i64, part: Level) -> i64 {
    libm::trunc(agents as f64 * part.0) as i64
}
