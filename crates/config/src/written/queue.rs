//! Words of the policy `queue`.

use std::time::Duration;

use headcount_model::{Combine, Compat};

use crate::read::{Choice, Interval};

/// How living agents are taken off demand, without its numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StrategyWord {
    Default,
    Custom,
    Accurate,
    Eager,
}

pub(crate) const STRATEGY: Choice<StrategyWord> = Choice {
    words: &[
        ("default", StrategyWord::Default),
        ("custom", StrategyWord::Custom),
        ("accurate", StrategyWord::Accurate),
        ("eager", StrategyWord::Eager),
    ],
    others: &[],
};

pub(crate) const COMBINE: Choice<Combine> = Choice {
    words: &[
        ("max", Combine::Max),
        ("min", Combine::Min),
        ("avg", Combine::Avg),
        ("sum", Combine::Sum),
    ],
    others: &[("mean", "write `avg`"), ("average", "write `avg`")],
};

pub(crate) const COMPAT: Choice<Compat> = Choice {
    words: &[("headcount", Compat::Headcount), ("keda", Compat::Keda)],
    others: &[],
};

/// Once a second is as often as anybody needs to look at what announces its changes.
pub(crate) const POLLING: Interval = Interval {
    min: Duration::from_secs(1),
    max: Duration::from_secs(24 * 60 * 60),
};
