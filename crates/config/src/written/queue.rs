//! Words of the policy `queue`.

use std::time::Duration;

use headcount_model::{Combine, Compat, IdleCompat};

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

/// Whose arithmetic holds; each kind of policy has one of its own beside ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum CompatWord {
    #[default]
    Headcount,
    Keda,
    Gitlab,
}

impl CompatWord {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Headcount => "headcount",
            Self::Keda => "keda",
            Self::Gitlab => "gitlab",
        }
    }

    /// For a policy of kind `queue`. The word of another kind has been refused.
    pub const fn of_queue(self) -> Compat {
        match self {
            Self::Keda => Compat::Keda,
            Self::Headcount | Self::Gitlab => Compat::Headcount,
        }
    }

    /// For a policy of kind `idle`. The word of another kind has been refused.
    pub const fn of_idle(self) -> IdleCompat {
        match self {
            Self::Gitlab => IdleCompat::Gitlab,
            Self::Headcount | Self::Keda => IdleCompat::Headcount,
        }
    }
}

pub(crate) const COMPAT: Choice<CompatWord> = Choice {
    words: &[
        ("headcount", CompatWord::Headcount),
        ("keda", CompatWord::Keda),
        ("gitlab", CompatWord::Gitlab),
    ],
    others: &[],
};

/// Once a second is as often as anybody needs to look at what announces its changes.
pub(crate) const POLLING: Interval = Interval {
    min: Duration::from_secs(1),
    max: Duration::from_secs(24 * 60 * 60),
};

/// Where only a policy of kind `queue` is meant.
pub(crate) const QUEUE_COMPAT: Choice<CompatWord> = Choice {
    words: &[
        ("headcount", CompatWord::Headcount),
        ("keda", CompatWord::Keda),
    ],
    others: &[],
};
