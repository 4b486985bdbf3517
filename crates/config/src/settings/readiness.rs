//! How many agents there are beyond those that jobs call for.

use std::time::Duration;

use headcount_model::{IdleRule, Schedule};

use super::Queue;

/// How many agents of each label set there are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Readiness {
    /// `policy`, and what holds where nothing is written.
    Idle(IdlePolicy),
    /// `warmPool`.
    WarmPool(WarmPool),
    /// `policy` of kind `queue`: as many as triggers ask for, none kept ready.
    Queue(Queue),
}

impl Default for Readiness {
    fn default() -> Self {
        Self::Idle(IdlePolicy::default())
    }
}

impl Readiness {
    /// The one idle rule of which all are settings.
    #[must_use]
    pub fn idle_rule(&self) -> IdleRule {
        match self {
            Self::Idle(policy) => policy.rule,
            Self::WarmPool(pool) if pool.enabled => IdleRule {
                keep: pool.size,
                idle_time: Duration::from_secs(pool.idle_timeout_seconds.into()),
                // A member that was idle for so long expires and is refilled.
                max_idle_age: match pool.idle_timeout_seconds {
                    0 => None,
                    seconds => Some(Duration::from_secs(seconds.into())),
                },
                ..IdleRule::default()
            },
            Self::WarmPool(_) | Self::Queue(_) => IdleRule::default(),
        }
    }

    /// Other idle rules at some times.
    #[must_use]
    pub fn schedules(&self) -> &[Schedule] {
        match self {
            Self::Idle(policy) => &policy.schedules,
            Self::WarmPool(_) | Self::Queue(_) => &[],
        }
    }

    /// Launches that may be under way at once.
    #[must_use]
    pub const fn max_growth(&self) -> Option<u32> {
        match self {
            Self::Idle(policy) => policy.max_growth_rate,
            Self::WarmPool(_) | Self::Queue(_) => None,
        }
    }
}

/// `policy` of kind `idle`. Its default is on demand.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IdlePolicy {
    /// How many stay ready and for how long, where no schedule is in force.
    pub rule: IdleRule,
    /// Launches that may be under way at once, above zero; `None` is without end.
    pub max_growth_rate: Option<u32>,
    /// In file order; what a schedule left out is filled in.
    pub schedules: Vec<Schedule>,
}

/// `warmPool`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WarmPool {
    /// Whether any agents are kept.
    pub enabled: bool,
    /// Ready agents to keep for each label set.
    pub size: u32,
    /// How long a ready agent above that stays, in seconds.
    pub idle_timeout_seconds: u32,
}

impl Default for WarmPool {
    fn default() -> Self {
        Self {
            enabled: false,
            size: 0,
            idle_timeout_seconds: 300,
        }
    }
}
