//! What the time of agents goes into.
//!
//! Promise: at every moment from the order of its creation to its confirmed absence an agent's
//! time goes into exactly one thing, so that the parts add up to its life.

use crate::{AgentId, PoolName, Price, Timestamp};

/// What an agent's time goes into.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Usage {
    /// A job runs on it. A worker feeds itself: all of the time it runs.
    Useful,
    /// It is ready and runs nothing.
    Idle,
    /// It is on its way: from its order until it is ready.
    Booting,
    /// It is leaving, and no job runs on it: until its absence is confirmed.
    Draining,
    /// It never became ready: from its order until its absence is confirmed.
    Failed,
}

impl Usage {
    /// All, the best first.
    pub const ALL: [Self; 5] = [
        Self::Useful,
        Self::Idle,
        Self::Booting,
        Self::Draining,
        Self::Failed,
    ];

    /// The word used in JSON, metrics and the ledger.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Useful => "useful",
            Self::Idle => "idle",
            Self::Booting => "booting",
            Self::Draining => "draining",
            Self::Failed => "failed",
        }
    }

    /// The usage with this word.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|usage| usage.code() == code)
    }
}

/// What an agent's time goes into now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Account {
    /// Into this …
    pub usage: Usage,
    /// … since then.
    pub since: Timestamp,
    /// At this price; `None` is not known.
    pub price: Option<Price>,
    /// Whether its backend said so; else it is what its pool says.
    pub price_told: bool,
}

/// A piece of an agent's time that is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TimeSpent {
    /// Whose. With `from` it names the piece.
    pub agent: AgentId,
    /// Of which pool.
    pub pool: PoolName,
    /// What it went into.
    pub usage: Usage,
    /// From then …
    pub from: Timestamp,
    /// … until then, which is later.
    pub until: Timestamp,
    /// At this price; `None` is not known.
    pub price: Option<Price>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usage_has_a_word_of_its_own() {
        for usage in Usage::ALL {
            assert_eq!(Usage::from_code(usage.code()), Some(usage));
        }
        assert_eq!(Usage::from_code("wasted"), None);
    }
}
