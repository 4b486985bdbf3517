//! The queue policy: how many new agents a number asks for that stands for demand.
//!
//! Promise: a pure function of a rule, of what its triggers said and of the agents there
//! are. Nothing is ever read as zero that could not be read. Leaves to others: what the
//! guards allow of it, and that a sample is used once (`plan::queue`).

mod headcount;
mod keda;
#[cfg(test)]
mod tests;

use headcount_model::{Compat, QueueRule, Reading, Sample};

/// Agents of a pool without `max`, as the original documents it.
const DEFAULT_MAX: u32 = 100;

/// The agents of a pool as the rule counts them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Crew {
    /// Not gone: from reserved to being destroyed.
    pub(crate) alive: u32,
    /// Of those, not running yet.
    pub(crate) pending: u32,
    /// Of those and of the ended, what ran only after the sample was begun, and so may be
    /// what its numbers still wait for. `pending` are among them.
    pub(crate) pending_then: u32,
    /// Of those and of the ended, who was not seen to have taken anything, where a number
    /// is of what waits alone and tells no more. `pending_then` are among them.
    pub(crate) empty: u32,
    /// Ended after the sample was begun, and so may be in its numbers.
    pub(crate) ended: u32,
    /// Came for nothing a short time ago: not there, and not made again yet for the minimum
    /// or a number that may stand still.
    pub(crate) resting: u32,
}

impl Crew {
    /// All that may be in the numbers of the sample.
    const fn counted(self) -> u32 {
        self.alive.saturating_add(self.ended)
    }
}

/// What the rule asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Proposal {
    /// New agents that demand and minimum ask for.
    pub(crate) wanted: u32,
    /// Of those, as many as the rule's own maximum has room for.
    pub(crate) create: u32,
    /// Of those, what the minimum asks for whatever the triggers say.
    pub(crate) minimum: u32,
}

/// The rule applied to what its triggers said; without a sample only the minimum is kept.
pub(crate) fn propose(rule: &QueueRule, sample: Option<&Sample>, crew: Crew) -> Proposal {
    let readings: &[Reading] = sample.map_or(&[], |sample| &sample.readings);
    match rule.compat {
        Compat::Headcount => headcount::propose(rule, readings, crew),
        Compat::Keda => keda::propose(rule, readings, crew),
    }
}

/// A demand as a number of agents, rounded up; whatever is no number asks for nothing.
fn whole(demand: f64) -> u32 {
    // A cast saturates, and what is not a number becomes zero.
    libm::ceil(demand) as u32
}
