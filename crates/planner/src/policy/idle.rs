//! The one idle rule: how many stay ready, how long a surplus one stays, when a ready
//! one is renewed. On-demand, warm pool and idle counts are settings of it.
//!
//! Whose arithmetic holds is a setting too: one file each.

pub(crate) mod gitlab;
mod headcount;
mod paid;

pub(crate) use headcount::verdict;

use alloc::vec::Vec;

use headcount_model::{Reason, Timestamp};

/// A pool as the rule sees it, after jobs have been given to its agents.
pub(crate) struct Ready<'a> {
    /// Agents without a job and not meant for one, longest idle first: since when.
    pub(crate) idle_since: &'a [Timestamp],
    /// Since when each of them is paid for.
    pub(crate) paid_from: &'a [Timestamp],
    /// Agents on their way that no waiting job is meant for.
    pub(crate) starting: u32,
    /// Agents that have a job, or that one is meant for, on their way or ready. Asked for
    /// by rules with a scale alone.
    pub(crate) in_use: u32,
    /// Whether facts allow anybody to be sent away.
    pub(crate) may_leave: bool,
}

impl<'a> Ready<'a> {
    /// The same without the `n` that have been idle for longest.
    fn without_oldest(&self, n: usize) -> Ready<'a> {
        Ready {
            idle_since: self.idle_since.get(n..).unwrap_or_default(),
            paid_from: self.paid_from.get(n..).unwrap_or_default(),
            ..*self
        }
    }
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
