//! The house's arithmetic: what each number is for, without counting anything twice.
//!
//! What is taken off follows the number, not the name of the strategy. `default`,
//! `accurate` and `eager` say for which kind of number they are meant; here each number is
//! taken for what it is, so the three are one.
//!
//! - **What agents work on is in the number** (a backlog, a length, a window): all agents
//!   are taken off.
//! - **What waits alone, of a group** (`lagCount`): the reader tells the [`Backlog`] too, so
//!   who holds an entry is known; everybody else has taken nothing yet and is taken off.
//! - **What waits alone, of a list**: who was not yet seen to have taken anything is taken
//!   off ([`Crew::empty`]).
//! - Entries of dead agents ask for nobody before another may claim them.
//! - The minimum stays ready beside those that demand asks for; both lie within the
//!   maximum, which nothing passes. Of a list nobody can tell for ever who holds nothing;
//!   there, those who are ready for long count as ready no more.
//! - Several triggers are compared by the agents they ask for, not by raw values.
//! - `custom` is what somebody chose for their numbers: a deduction off the demand, before
//!   any cap; agents on their way whole, of those that run the part that is asked for, of
//!   those that fill the minimum nothing.

use headcount_model::{Backlog, Combine, Level, Measure, QueueRule, Reading, Strategy, Trigger};

use super::{Crew, DEFAULT_MAX, Proposal, whole};

/// Agents are rounded up, and this much is the noise of a division.
const NOISE: f64 = 1e-9;

pub(super) fn propose(rule: &QueueRule, readings: &[Reading], crew: Crew) -> Proposal {
    let max = rule.max.unwrap_or(DEFAULT_MAX);
    let min = rule.min.min(max).saturating_sub(crew.resting);
    let minimum = min.saturating_sub(crew.alive);
    let wanted = new_agents(rule, readings, min, crew).max(minimum);
    Proposal {
        wanted,
        create: wanted.min(max.saturating_sub(crew.alive)),
        minimum,
    }
}

/// New agents for what the active triggers say, before any cap; none while none is active.
fn new_agents(rule: &QueueRule, readings: &[Reading], min: u32, crew: Crew) -> u32 {
    let unknown = readings.iter().any(|r| matches!(r, Reading::Unknown(_)));
    if unknown && rule.combine == Combine::Min {
        // What could not be read may be the smallest.
        return 0;
    }
    let pairs = rule.triggers.iter().zip(readings);
    let demands = pairs.filter_map(|(trigger, reading)| match reading {
        Reading::Known(measure) if measure.value.0 > trigger.activation.0 => {
            Some(Demand::of(trigger, measure, min, crew))
        }
        Reading::Known(_) | Reading::Unknown(_) => None,
    });
    let new = |demand: Demand| match rule.strategy {
        Strategy::Custom { deduction, running } => {
            demand.agents() - f64::from(deduction) - busy(crew, min, running)
        }
        Strategy::Default | Strategy::Accurate | Strategy::Eager => demand.missing(min, crew),
    };
    let new = match rule.combine {
        Combine::Sum => demands.reduce(Demand::and).map(new),
        Combine::Max => demands.map(new).reduce(f64::max),
        Combine::Min => demands.map(new).reduce(f64::min),
        Combine::Avg => mean(demands.map(new)),
    };
    whole(new.unwrap_or(0.0) - NOISE)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (n, sum) = values.fold((0_u32, 0.0), |(n, sum), value| (n + 1, sum + value));
    (n > 0).then(|| sum / f64::from(n))
}

/// What one trigger, or several together, ask for.
#[derive(Clone, Copy, Default)]
struct Demand {
    /// Agents for numbers that hold what agents work on.
    all: f64,
    /// Agents beside those at work, for numbers of what waits alone.
    further: f64,
    /// Who is at work on what the latter leave out.
    at_work: u32,
    /// Whether of some nobody can tell whether they hold anything.
    unsure: bool,
}

impl Demand {
    fn of(trigger: &Trigger, measure: &Measure, min: u32, crew: Crew) -> Self {
        let target = trigger.target.0;
        let counts_work = trigger.kind.counts_work();
        let agents = |value: f64| {
            let agents = if target > 0.0 && value > 0.0 {
                value / target
            } else {
                0.0
            };
            if agents.is_finite() { agents } else { 0.0 }
        };
        match measure.backlog {
            Some(backlog) if counts_work => Self {
                all: agents(held(backlog, target, crew)),
                ..Self::default()
            },
            None if counts_work => {
                // Who came for nothing and is not replaced yet stands for one of them.
                let still = trigger.kind.may_stand_still();
                let resting = if still { crew.resting } else { 0 };
                Self {
                    all: (agents(measure.value.0) - f64::from(resting)).max(0.0),
                    ..Self::default()
                }
            }
            Some(backlog) => Self {
                further: agents(measure.value.0),
                at_work: holders(backlog, crew),
                ..Self::default()
            },
            None => Self {
                further: agents(measure.value.0),
                at_work: crew.counted().saturating_sub(crew.empty).max(min),
                unsure: true,
                ..Self::default()
            },
        }
    }

    /// Both together. Nobody knows for which of them who is at work works, so these are
    /// taken off once.
    fn and(self, other: Self) -> Self {
        Self {
            all: self.all + other.all,
            further: self.further + other.further,
            at_work: self.at_work.max(other.at_work),
            unsure: self.unsure || other.unsure,
        }
    }

    /// Agents for it, as numbers go.
    fn agents(self) -> f64 {
        self.all + self.further
    }

    /// How many more there should be; below zero where there are too many.
    fn missing(self, min: u32, crew: Crew) -> f64 {
        let beside = if self.unsure { 0 } else { min };
        self.further + self.all.max(f64::from(self.at_work)) + f64::from(beside)
            - f64::from(crew.counted())
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

/// Agents that hold an entry: who ran when the sample was begun, one entry each.
fn holders(backlog: Backlog, crew: Crew) -> u32 {
    let ran = crew.counted().saturating_sub(crew.pending_then);
    u32::try_from(backlog.in_flight).map_or(ran, |entries| entries.min(ran))
}

/// Agents that are taken off a custom demand: those on their way whole, of those that run
/// the part that is asked for, the minimum not at all. Below zero is what the minimum lacks.
fn busy(crew: Crew, min: u32, part: Level) -> f64 {
    let (min, counted) = (i64::from(min), i64::from(crew.counted()));
    let running = i64::from(crew.counted().saturating_sub(crew.pending));
    let pending = i64::from(crew.pending) - (min - running).max(0);
    let missing = (min - counted).max(0);
    let part = if part.0.is_finite() { part.0 } else { 1.0 };
    let running = libm::trunc((running - min).max(0) as f64 * part);
    (pending.max(0) - missing) as f64 + running
}
